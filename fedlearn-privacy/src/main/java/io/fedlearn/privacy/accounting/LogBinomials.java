package io.fedlearn.privacy.accounting;

/** Logarithms of binomial coefficients up to a size, from a table of log factorials. Immutable. */
final class LogBinomials {
    private final double[] logFactorials;

    private LogBinomials(double[] logFactorials) {
        this.logFactorials = logFactorials;
    }

    /** Those of up to {@code size} things. */
    static LogBinomials upTo(int size) {
        double[] table = new double[size + 1];
        double lost = 0;
        for (int i = 2; i <= size; i++) {
            double term = StrictMath.log(i) - lost;
            table[i] = table[i - 1] + term;
            lost = table[i] - table[i - 1] - term;
        }
        return new LogBinomials(table);
    }

    /** {@code log(n choose k)}. */
    double of(int n, int k) {
        return logFactorials[n] - logFactorials[k] - logFactorials[n - k];
    }
}
