package io.fedlearn.files;

import io.fedlearn.core.budget.LedgerEntry;
import io.fedlearn.core.budget.PrivacyCharge;
import io.fedlearn.core.record.AuditHead;
import io.fedlearn.core.store.AuditEvent;
import io.fedlearn.core.task.Config;
import io.fedlearn.formats.audit.AuditRecord;
import io.fedlearn.formats.internal.run.DamagedException;
import io.fedlearn.formats.json.CanonicalJson;
import java.time.Instant;
import java.util.HashMap;
import java.util.Map;
import java.util.UUID;

/** What the records of a ledger hold: an opening, then debits. */
final class LedgerRecord {
    private static final String OPENING = "privacy-ledger";
    private static final String DEBIT = "privacy-debit";
    private static final String SCHEMA = "fedlearn-privacy-ledger/1";
    private static final String PARAMETER = "parameter.";

    private LedgerRecord() {}

    /** The first record of a new ledger, unlike that of any other. */
    static AuditRecord opening(Instant now) {
        return AuditRecord.next(
                AuditHead.empty(),
                new AuditEvent(
                        now,
                        OPENING,
                        Config.of(
                                Map.of("schema", SCHEMA, "id", UUID.randomUUID().toString()))));
    }

    static void requireOpening(AuditRecord record) throws DamagedException {
        if (!record.type().equals(OPENING)) {
            throw new DamagedException("must be the opening of a privacy ledger, was '" + record.type() + "'");
        }
        String schema = text(record, "schema");
        if (!schema.equals(SCHEMA)) {
            throw new DamagedException(
                    "has the schema '" + schema + "', this version of FedLearn reads '" + SCHEMA + "'");
        }
    }

    /**
     * The record of a charge.
     *
     * @param number of the entry in its scope
     * @throws IllegalArgumentException if a parameter would not be read back as it is
     */
    static AuditRecord debit(AuditHead end, long number, Instant now, PrivacyCharge charge) {
        Map<String, Object> fields = new HashMap<>();
        fields.put("scope", charge.scope());
        fields.put("number", number);
        fields.put("mechanism", charge.mechanism());
        charge.parameters().asMap().forEach((name, value) -> fields.put(PARAMETER + name, kept(name, value)));
        AuditRecord record = AuditRecord.next(end, new AuditEvent(now, DEBIT, Config.of(fields)));
        Map<String, Object> read = record.fields().asMap();
        fields.forEach((name, value) -> {
            Object kept = read.get(name);
            if (kept == null || !same(kept, value)) {
                throw new IllegalArgumentException("a ledger cannot keep '" + name + "' as it is");
            }
        });
        return record;
    }

    private static Object kept(String name, Object value) {
        if (value instanceof Long number && (number > CanonicalJson.MAX_WHOLE || number < -CanonicalJson.MAX_WHOLE)) {
            throw new IllegalArgumentException("parameter '" + name + "' must lie within 2^53, was " + number);
        }
        return value;
    }

    private static boolean same(Object read, Object written) {
        if (read instanceof Long whole && written instanceof Double number) {
            return whole.doubleValue() == number;
        }
        return written.equals(read);
    }

    static LedgerEntry entry(AuditRecord record) throws DamagedException {
        if (!record.type().equals(DEBIT)) {
            throw new DamagedException("must be a debit, was '" + record.type() + "'");
        }
        Map<String, Object> parameters = new HashMap<>();
        record.fields().asMap().forEach((name, value) -> {
            if (name.startsWith(PARAMETER)) {
                parameters.put(name.substring(PARAMETER.length()), value);
            }
        });
        if (record.fields().names().size() != parameters.size() + 3) {
            throw new DamagedException("must have scope, number, mechanism and parameters alone");
        }
        if (!(record.fields().asMap().get("number") instanceof Long number)) {
            throw new DamagedException("must have a whole 'number'");
        }
        try {
            PrivacyCharge charge =
                    new PrivacyCharge(text(record, "scope"), text(record, "mechanism"), Config.of(parameters));
            return new LedgerEntry(number, record.at(), charge);
        } catch (IllegalArgumentException e) {
            throw new DamagedException(String.valueOf(e.getMessage()), e);
        }
    }

    private static String text(AuditRecord record, String name) throws DamagedException {
        if (record.fields().asMap().get(name) instanceof String text) {
            return text;
        }
        throw new DamagedException("must have a text '" + name + "'");
    }
}
