package io.fedlearn.formats.internal.run;

/** A file is whole, and of a schema that this version of the library does not know. */
public final class NewerSchemaException extends Exception {
    private static final long serialVersionUID = 1L;

    private NewerSchemaException(String message) {
        super(message);
    }

    /** Lets pass what has the known schema. */
    public static void requireKnown(JsonFields fields, String known, String source)
            throws DamagedException, NewerSchemaException {
        String schema = fields.text("schema");
        if (!schema.equals(known)) {
            throw new NewerSchemaException(
                    source + " has the schema '" + schema + "', this version of FedLearn reads '" + known + "'");
        }
    }
}
