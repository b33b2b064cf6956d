package io.fedlearn.privacy.query;

/** What the values of a column are, to a query. */
public enum ColumnType {
    /** Numbers; NaN is a missing value. */
    NUMBER,
    /** Categories; the empty text is a missing value. */
    TEXT
}
