package io.fedlearn.formats;

/** A model whose values, names, shapes or roles are not those that the recorded digest was computed from. */
public final class DigestMismatchException extends FormatException {
    private static final long serialVersionUID = 1L;

    private final String expected;
    private final String actual;

    /** Creates a failure with the digest that the source records and the one its content has. */
    public DigestMismatchException(String source, String expected, String actual) {
        super(source, "the model's digest must be " + quote(expected) + ", was '" + actual + "'");
        this.expected = expected;
        this.actual = actual;
    }

    /** The digest that the source records. */
    public String expected() {
        return expected;
    }

    /** The digest of what was read. */
    public String actual() {
        return actual;
    }
}
