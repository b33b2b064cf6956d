package io.fedlearn.models.table;

import io.fedlearn.core.FedLearnException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * Thrown when a file is not the table that its schema declares. The message names file, line, column and problem; what
 * the field holds it never shows, because it is somebody's data and messages may reach the coordinator: it is to be
 * looked up in the file.
 */
public final class TableException extends FedLearnException {
    private static final long serialVersionUID = 1L;

    /** What is wrong. */
    public enum Problem {
        /** The file does not exist or cannot be read, or is not a whole gzip file or not text. */
        UNREADABLE,
        /** The file has more rows than fit an array on the heap. */
        TOO_LARGE,
        /** The file holds no row that can be used. */
        NO_ROWS,
        /** A declared column is not in the header. */
        MISSING_COLUMN,
        /** Two columns of the header have one name. */
        DUPLICATE_COLUMN,
        /** A row has more or fewer fields than there are columns. */
        FIELD_COUNT,
        /** Quotes are out of place, or a field is too long. */
        MALFORMED,
        /** A field is not a finite number. */
        BAD_NUMBER,
        /** A field is none of the declared categories or classes. */
        UNKNOWN_CATEGORY,
        /** A label is missing. */
        MISSING_LABEL
    }

    private final Problem problem;
    private final String file;
    private final long line;
    private final String column;

    private TableException(Problem problem, Path file, long line, String column, String message) {
        super(message);
        this.problem = problem;
        this.file = file.toString();
        this.line = line;
        this.column = column;
    }

    static TableException ofFile(Problem problem, Path file, String what) {
        return of(problem, file, 0, "", what);
    }

    static TableException unreadable(Path file, String what, Throwable cause) {
        TableException exception = ofFile(Problem.UNREADABLE, file, what);
        exception.initCause(cause);
        return exception;
    }

    static TableException of(Problem problem, Path file, long line, String column, String what) {
        String place =
                file + (line == 0 ? "" : ", line " + line) + (column.isEmpty() ? "" : ", column '" + column + "'");
        return new TableException(problem, file, line, column, place + ": " + what);
    }

    /** What is wrong. */
    public Problem problem() {
        return problem;
    }

    /** The file. */
    public Path file() {
        return Path.of(file);
    }

    /** The line, counted from 1, on which the row starts; empty if the file as a whole is meant. */
    public OptionalLong line() {
        return line == 0 ? OptionalLong.empty() : OptionalLong.of(line);
    }

    /** The column; empty if the row or file as a whole is meant. */
    public Optional<String> column() {
        return column.isEmpty() ? Optional.empty() : Optional.of(column);
    }
}
