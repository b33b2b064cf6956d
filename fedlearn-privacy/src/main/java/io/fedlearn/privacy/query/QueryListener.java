package io.fedlearn.privacy.query;

/** Hears of every query, answered or not, before whoever asked does. */
@FunctionalInterface
public interface QueryListener {
    /** Hears of nothing. */
    QueryListener NONE = record -> {};

    /**
     * A query is over. What is thrown here is thrown to whoever asked, in place of the answer: what could not be logged is not
     * released.
     */
    void onQuery(QueryRecord record);
}
