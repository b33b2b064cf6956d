package io.fedlearn.files;

import java.nio.file.Path;

/** A file is whole, and of a schema that this version of the library does not know. */
final class NewerSchemaException extends Exception {
    private static final long serialVersionUID = 1L;

    private NewerSchemaException(String message) {
        super(message);
    }

    static void requireKnown(JsonFields fields, String known, Path file) throws DamagedException, NewerSchemaException {
        String schema = fields.text("schema");
        if (!schema.equals(known)) {
            throw new NewerSchemaException(
                    file + " has the schema '" + schema + "', this version of FedLearn reads '" + known + "'");
        }
    }
}
