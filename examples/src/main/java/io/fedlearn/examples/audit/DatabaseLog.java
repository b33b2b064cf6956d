package io.fedlearn.examples.audit;

import io.fedlearn.examples.run.InputException;
import io.fedlearn.pg.audit.PgAuditLog;
import io.fedlearn.pg.schema.PgSchema;
import java.util.List;
import java.util.Optional;

/** A log that is in a database. */
record DatabaseLog(String name, PgAuditLog log) {
    /** The log of this name, or the only one that there is. */
    static DatabaseLog of(PgSchema schema, Optional<String> name) {
        List<String> names = PgAuditLog.names(schema);
        if (names.isEmpty()) {
            throw new InputException("there is no audit log in " + schema + " yet");
        }
        if (name.isEmpty() && names.size() > 1) {
            throw new InputException("--log is missing: there are " + names);
        }
        String wanted = name.orElse(names.get(0));
        if (!names.contains(wanted)) {
            throw new InputException("--log '" + wanted + "': there is no such log in " + schema + ", but " + names);
        }
        return new DatabaseLog(wanted, PgAuditLog.of(schema, wanted));
    }
}
