package io.fedlearn.pg.data;

import io.fedlearn.core.FedLearnException;
import java.io.IOException;
import java.util.Optional;

/**
 * Thrown when rows of the database are not what was declared of them. The message names the column and holds nothing of the data: that of
 * an exception within a task leaves the site. Which row it is, {@link #rowKey} tells those who are there.
 */
public final class PgDatasetException extends FedLearnException {
    private static final long serialVersionUID = 1L;

    private final String column;
    private final String rowKey;

    PgDatasetException(String message) {
        this(message, "");
    }

    PgDatasetException(String message, String column) {
        this(message, column, "");
    }

    PgDatasetException(String message, String column, String rowKey) {
        super(message);
        this.column = column;
        this.rowKey = rowKey;
    }

    PgDatasetException(String message, IOException cause) {
        super(message, cause);
        this.column = "";
        this.rowKey = "";
    }

    /** The column that is the trouble, if one is. */
    public Optional<String> column() {
        return column.isEmpty() ? Optional.empty() : Optional.of(column);
    }

    /**
     * The key of the row that is the trouble, such as {@code (patient_id = 3)}, if one row is. It is data of the site and may say who
     * somebody is: for the eyes of those who may see the table.
     */
    public Optional<String> rowKey() {
        return rowKey.isEmpty() ? Optional.empty() : Optional.of(rowKey);
    }
}
