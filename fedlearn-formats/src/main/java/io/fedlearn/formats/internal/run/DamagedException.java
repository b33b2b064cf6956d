package io.fedlearn.formats.internal.run;

/** What was read is not what was written. The message says what is wrong with which file. */
public final class DamagedException extends Exception {
    private static final long serialVersionUID = 1L;

    /** Says what is wrong with what. */
    public DamagedException(String message) {
        super(message);
    }

    /** Says what is wrong with what, and how it was found. */
    public DamagedException(String message, Throwable cause) {
        super(message, cause);
    }
}
