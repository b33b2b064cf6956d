package io.fedlearn.pg.data;

import io.fedlearn.core.FedLearnException;
import java.io.IOException;
import java.util.Optional;

/**
 * Thrown when rows of the database are not what was declared of them. The message names the column and, where one row is the trouble, the
 * key of that row; it never holds a value of another column.
 */
public final class PgDatasetException extends FedLearnException {
    private static final long serialVersionUID = 1L;

    private final String column;

    PgDatasetException(String message) {
        this(message, "");
    }

    PgDatasetException(String message, String column) {
        super(message);
        this.column = column;
    }

    PgDatasetException(String message, IOException cause) {
        super(message, cause);
        this.column = "";
    }

    /** The column that is the trouble, if one is. */
    public Optional<String> column() {
        return column.isEmpty() ? Optional.empty() : Optional.of(column);
    }
}
