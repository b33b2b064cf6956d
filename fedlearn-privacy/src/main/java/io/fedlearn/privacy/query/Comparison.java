package io.fedlearn.privacy.query;

/** How a value is compared with a constant. */
public enum Comparison {
    /** Less than the constant. */
    LESS("<"),
    /** Less than the constant, or equal to it. */
    AT_MOST("<="),
    /** Equal to the constant. */
    EQUAL("="),
    /** A value other than the constant. */
    NOT_EQUAL("<>"),
    /** Greater than the constant, or equal to it. */
    AT_LEAST(">="),
    /** Greater than the constant. */
    GREATER(">");

    private final String sign;

    Comparison(String sign) {
        this.sign = sign;
    }

    /** Whether it holds; between numbers, neither of them NaN. */
    public boolean holds(double value, double constant) {
        return switch (this) {
            case LESS -> value < constant;
            case AT_MOST -> value <= constant;
            case EQUAL -> value == constant;
            case NOT_EQUAL -> value != constant;
            case AT_LEAST -> value >= constant;
            case GREATER -> value > constant;
        };
    }

    /** The sign, as in a formula. */
    @Override
    public String toString() {
        return sign;
    }
}
