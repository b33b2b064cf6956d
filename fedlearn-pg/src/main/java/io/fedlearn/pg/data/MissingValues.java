package io.fedlearn.pg.data;

/**
 * What becomes of a column where it is missing: where it is NULL, or a number that is NaN. Immutable.
 *
 * <p>Means, medians and most frequent values are those of the column's other rows in the same data set, and the same for each of its
 * {@linkplain PgDataset#split splits}. Where an array, a vector or a tensor is missing, each of its elements is imputed by its own.
 */
public final class MissingValues {
    /** The ways. */
    enum Kind {
        REFUSE,
        DROP_ROWS,
        KEEP,
        CONSTANT,
        CATEGORY,
        MEAN,
        MEDIAN,
        MOST_FREQUENT
    }

    private final Kind kind;
    private final double constant;
    private final String category;

    private MissingValues(Kind kind, double constant, String category) {
        this.kind = kind;
        this.constant = constant;
        this.category = category;
    }

    /** There must be none: opening fails, and says how many there are in which columns. The default. */
    public static MissingValues refuse() {
        return new MissingValues(Kind.REFUSE, 0, "");
    }

    /** Leaves the row out. */
    public static MissingValues dropRows() {
        return new MissingValues(Kind.DROP_ROWS, 0, "");
    }

    /** Leaves NaN in the batch, which says that a feature is missing; for models that can do with it. */
    public static MissingValues keepAsNaN() {
        return new MissingValues(Kind.KEEP, 0, "");
    }

    /**
     * Puts in this number.
     *
     * @param constant finite
     */
    public static MissingValues impute(double constant) {
        if (!Float.isFinite((float) constant)) {
            throw new IllegalArgumentException("constant must be finite as a float, was " + constant);
        }
        return new MissingValues(Kind.CONSTANT, constant, "");
    }

    /** Puts in this category, which must be one of the column's vocabulary. */
    public static MissingValues imputeCategory(String category) {
        return new MissingValues(Kind.CATEGORY, 0, category);
    }

    /** Puts in the mean of a number; the most frequent of categories and of true and false. */
    public static MissingValues imputeMean() {
        return new MissingValues(Kind.MEAN, 0, "");
    }

    /**
     * Puts in the median of a number, the mean of the two in the middle of an even count; the most frequent of categories and of true
     * and false.
     */
    public static MissingValues imputeMedian() {
        return new MissingValues(Kind.MEDIAN, 0, "");
    }

    /** Puts in the most frequent value; of several, the least number, or the category that was declared first. */
    public static MissingValues imputeMostFrequent() {
        return new MissingValues(Kind.MOST_FREQUENT, 0, "");
    }

    Kind kind() {
        return kind;
    }

    double constant() {
        return constant;
    }

    String category() {
        return category;
    }

    boolean isImputed() {
        return kind.compareTo(Kind.CONSTANT) >= 0;
    }

    @Override
    public String toString() {
        return kind == Kind.CONSTANT
                ? "impute " + constant
                : kind == Kind.CATEGORY ? "impute '" + category + "'" : kind.name();
    }
}
