package io.fedlearn.luna16.dataset;

import io.fedlearn.core.FedLearnException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * Thrown when a folder or one of its lists cannot be used at all. The message names file, line, column and what is
 * wrong, with the field where a field is to blame: lists are read where they lie, before a client exists that could send
 * the message on.
 */
public final class DatasetException extends FedLearnException {
    private static final long serialVersionUID = 1L;

    /** What is wrong. */
    public enum Problem {
        /** A file or folder does not exist or cannot be read, or is not text. */
        UNREADABLE,
        /** The folder lacks what makes it a LUNA16 data set. */
        NOT_LUNA16,
        /** A list has no row. */
        EMPTY,
        /** A column is not in the header. */
        MISSING_COLUMN,
        /** Two columns have one name, or could both be the one that is asked for. */
        AMBIGUOUS_COLUMN,
        /** A row has more or fewer fields than the header, or quotes are out of place. */
        MALFORMED,
        /** A field is not a finite number, or not one that makes sense. */
        BAD_NUMBER,
        /** A class is neither 0 nor 1. */
        BAD_CLASS,
        /** A field that must have something in it is empty. */
        EMPTY_FIELD,
        /** Two rows say different things of one series. */
        CONTRADICTION,
        /** A series is listed twice where each must come once. */
        DUPLICATE_SERIES,
        /** A row is of a series that does not count. */
        UNLISTED_SERIES,
        /** Not one scan can be used. */
        NOTHING_USABLE
    }

    private final Problem problem;
    private final String file;
    private final long line;
    private final String column;
    private final String reason;

    private DatasetException(Problem problem, Path file, long line, String column, String reason) {
        super(file
                + (line == 0 ? "" : ", line " + line)
                + (column.isEmpty() ? "" : ", column '" + column + "'")
                + ": "
                + reason);
        this.problem = problem;
        this.file = file.toString();
        this.line = line;
        this.column = column;
        this.reason = reason;
    }

    static DatasetException of(Problem problem, Path file, String reason) {
        return new DatasetException(problem, file, 0, "", reason);
    }

    static DatasetException of(Problem problem, Path file, long line, String column, String reason) {
        return new DatasetException(problem, file, line, column, reason);
    }

    static DatasetException unreadable(Path file, String reason, Throwable cause) {
        DatasetException exception = of(Problem.UNREADABLE, file, reason);
        exception.initCause(cause);
        return exception;
    }

    /** What is wrong. */
    public Problem problem() {
        return problem;
    }

    /** The file or folder. */
    public Path file() {
        return Path.of(file);
    }

    /** The line, counted from 1; empty if the file as a whole is meant. */
    public OptionalLong line() {
        return line == 0 ? OptionalLong.empty() : OptionalLong.of(line);
    }

    /** The column; empty if the row or the file as a whole is meant. */
    public Optional<String> column() {
        return column.isEmpty() ? Optional.empty() : Optional.of(column);
    }

    /** What is wrong, in words, without file, line and column. */
    public String reason() {
        return reason;
    }
}
