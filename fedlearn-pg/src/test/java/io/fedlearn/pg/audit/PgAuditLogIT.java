package io.fedlearn.pg.audit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.fedlearn.core.record.AuditHead;
import io.fedlearn.core.store.AuditEvent;
import io.fedlearn.core.task.Config;
import io.fedlearn.files.AuditVerifier;
import io.fedlearn.files.FileAuditLog;
import io.fedlearn.formats.audit.AuditRecord;
import io.fedlearn.formats.audit.AuditReport;
import io.fedlearn.formats.audit.AuditSigner;
import io.fedlearn.formats.audit.AuditTrust;
import io.fedlearn.pg.PgException;
import io.fedlearn.pg.TestPostgres;
import io.fedlearn.pg.internal.AuditTrail;
import io.fedlearn.pg.schema.PgRole;
import io.fedlearn.pg.schema.PgSchema;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import javax.sql.DataSource;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.postgresql.ds.PGSimpleDataSource;

class PgAuditLogIT {
    private static final PGSimpleDataSource DATABASE = TestPostgres.newDatabase();
    private static final PgSchema SCHEMA = PgSchema.of(DATABASE).migrate();
    private static final AtomicInteger LOGS = new AtomicInteger();
    private static final int RECORDS = 5;

    @TempDir
    private Path folder;

    private final PgAuditLog log = PgAuditLog.of(SCHEMA, "it's log " + LOGS.incrementAndGet());
    private final List<AuditHead> heads = new ArrayList<>();

    private static AuditEvent event(int number) {
        return new AuditEvent(
                Instant.ofEpochSecond(number, 123_456_789),
                number == 2 ? "odd\0 type" : "round-committed",
                Config.of(Map.of(
                        "round",
                        number,
                        "share",
                        0.1 * number,
                        "tiny",
                        5e-324,
                        "huge",
                        1e300,
                        "real",
                        2.0,
                        "big",
                        Long.MAX_VALUE,
                        "ok",
                        true,
                        "by",
                        "Z\u00fcrich \ud83d\ude00 \"x\"\n\0 \\u0000 \ud800")));
    }

    private void fill() {
        for (int i = 1; i <= RECORDS; i++) {
            heads.add(log.append(event(i)));
        }
    }

    /** As who owns the tables can. */
    private void tamper(String... statements) {
        List<String> all = new ArrayList<>();
        for (String table : new String[] {"audit_record", "audit_log"}) {
            all.add("ALTER TABLE fedlearn." + table + " DISABLE TRIGGER USER");
        }
        for (String statement : statements) {
            all.add(statement.replace("{log}", "log = '" + log.name().replace("'", "''") + "'"));
        }
        for (String table : new String[] {"audit_record", "audit_log"}) {
            all.add("ALTER TABLE fedlearn." + table + " ENABLE TRIGGER USER");
        }
        TestPostgres.execute(DATABASE, all.toArray(String[]::new));
    }

    private byte[] exported() throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        log.export(out);
        return out.toByteArray();
    }

    @Test
    void exportsTheBytesThatAFileOfTheSameEventsHas() throws IOException {
        fill();
        Path file = folder.resolve("file.jsonl");
        try (FileAuditLog files = FileAuditLog.at(file)) {
            IntStream.rangeClosed(1, RECORDS).forEach(i -> files.append(event(i)));
        }
        Path export = Files.writeString(folder.resolve("export.jsonl"), "what was there before");

        assertThat(log.export(export)).isEqualTo(log.head()).isEqualTo(heads.get(RECORDS - 1));

        assertThat(export).hasSameBinaryContentAs(file);
        assertThat(exported()).isEqualTo(Files.readAllBytes(file));
        assertThat(AuditVerifier.verify(export, heads.get(2))).isEqualTo(log.verify(heads.get(2), AuditTrust.none()));
        assertThat(log.verify()).hasToString("5 records are whole and chained, and there are no others");
        assertThat(PgAuditLog.names(SCHEMA)).contains(log.name());
        assertThat(folder.toFile().list()).containsExactlyInAnyOrder("file.jsonl", "file.jsonl.lock", "export.jsonl");
    }

    @Test
    void exportsTheLogAsItWasWhenTheExportBegan() throws IOException {
        fill();
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        AuditHead head = log.export(new OutputStream() {
            @Override
            public void write(int b) {
                if (bytes.size() == 0) {
                    log.append(event(9));
                }
                bytes.write(b);
            }
        });
        assertThat(head).isEqualTo(heads.get(RECORDS - 1));
        assertThat(bytes.toString(StandardCharsets.UTF_8).lines()).hasSize(RECORDS);
        assertThat(log.head().sequence()).isEqualTo(RECORDS + 1);
    }

    @Test
    void leavesTheFileThatIsThereWhenItCannotBeWrittenAnew() throws IOException {
        fill();
        Path file = Files.writeString(folder.resolve("export.jsonl"), "before");
        PGSimpleDataSource as = TestPostgres.asNewRole(DATABASE);
        SCHEMA.grant(PgRole.READER, String.valueOf(as.getUser()));
        PgAuditLog unreadable = PgAuditLog.of(PgSchema.of(as), log.name());
        assertThatExceptionOfType(PgException.class)
                .isThrownBy(() -> unreadable.export(file))
                .withMessageContaining("permission denied");
        assertThat(file).hasContent("before");
        assertThat(folder.toFile().list()).containsExactly("export.jsonl");
        assertThatExceptionOfType(IOException.class)
                .isThrownBy(() -> log.export(folder.resolve("nowhere").resolve("export.jsonl")));
        assertThatExceptionOfType(NoSuchFileException.class).isThrownBy(() -> log.export(Path.of("/")));
        assertThatExceptionOfType(IOException.class)
                .isThrownBy(() -> log.export(new OutputStream() {
                    @Override
                    public void write(int b) throws IOException {
                        throw new IOException("disk full");
                    }
                }))
                .withMessage("disk full");
    }

    @Test
    void keepsOneChainThoughManyAppendAtOnce() throws Exception {
        int threads = 8;
        int each = 15;
        AuditSigner signer = AuditSigner.of(
                KeyPairGenerator.getInstance("Ed25519").generateKeyPair().getPrivate());
        ExecutorService pool = Executors.newFixedThreadPool(threads);
        try {
            List<Future<?>> all = new ArrayList<>();
            for (int thread = 0; thread < threads; thread++) {
                PgAuditLog own = PgAuditLog.of(PgSchema.of(DATABASE), log.name());
                PgAuditLog mine = thread % 2 == 0 ? own : own.signedBy(signer);
                all.add(pool.submit(() -> IntStream.range(0, each).forEach(i -> mine.append(event(i)))));
            }
            for (Future<?> one : all) {
                one.get(60, TimeUnit.SECONDS);
            }
        } finally {
            pool.shutdownNow();
        }
        AuditReport report = log.verify(AuditHead.empty(), AuditTrust.of(List.of(signer.publicKey())));
        assertThat(report)
                .isEqualTo(new AuditReport(
                        log.head(), Optional.empty(), Map.of(signer.keyId(), (long) threads / 2 * each)));
        assertThat(report.recordCount()).isEqualTo(threads * each);
    }

    @Test
    void appendsWithinATransactionOfAnother() {
        fill();
        AuditTrail trail = AuditTrail.of(SCHEMA.database(), log.name());
        assertThatExceptionOfType(PgException.class)
                .isThrownBy(() -> SCHEMA.database().inTransaction("it was to fail", connection -> {
                    assertThat(trail.append(connection, event(6)).sequence()).isEqualTo(6);
                    assertThat(trail.append(connection, event(7)).sequence()).isEqualTo(7);
                    throw new SQLException("as asked for");
                }));
        assertThat(log.head()).isEqualTo(heads.get(RECORDS - 1));
        AuditHead committed =
                SCHEMA.database().inTransaction("it goes well", connection -> trail.append(connection, event(6)));
        assertThat(log.head()).isEqualTo(committed);
        assertThat(log.contains(heads.get(1))).isTrue();
        assertThat(log.contains(new AuditHead(0, committed.hash()))).isFalse();
        assertThat(log.verify().isWhole()).isTrue();
    }

    static List<Arguments> tampering() {
        String rows = "fedlearn.audit_record";
        return List.of(
                Arguments.of(
                        "DELETE FROM " + rows + " WHERE {log} AND sequence = 1", 1, "its sequence must be 1, was 2"),
                Arguments.of(
                        "DELETE FROM " + rows + " WHERE {log} AND sequence = 3", 3, "its sequence must be 3, was 4"),
                Arguments.of(
                        "DELETE FROM " + rows + " WHERE {log} AND sequence >= 4", 4, "is missing, or was never there"),
                Arguments.of("DELETE FROM " + rows + " WHERE {log}", 1, "is missing, or was never there"),
                Arguments.of(
                        "UPDATE " + rows + " SET record = replace(record, '\"round\":2', '\"round\":7') WHERE {log}",
                        2,
                        "does not have the hash"),
                Arguments.of(
                        "UPDATE " + rows + " SET record = ' ' || record WHERE {log} AND sequence = 4", 4, "canonical"),
                Arguments.of("UPDATE " + rows + " SET record = 'x' WHERE {log} AND sequence = 5", 5, "is not JSON"),
                Arguments.of(
                        "UPDATE " + rows + " SET type = 'x' WHERE {log} AND sequence = 3", 3, "its column type is not"),
                Arguments.of(
                        "UPDATE " + rows + " SET hash = '' WHERE {log} AND sequence = 3", 3, "its column hash is not"),
                Arguments.of(
                        "UPDATE " + rows + " SET at = at + interval '1 microsecond' WHERE {log} AND sequence = 4",
                        4,
                        "its column at is not"),
                Arguments.of(
                        "UPDATE " + rows + " SET fields = fields || '{\"round\": 9}' WHERE {log} AND sequence = 2",
                        2,
                        "its column fields is not"),
                Arguments.of(
                        "UPDATE " + rows + " SET fields = '[]' WHERE {log} AND sequence = 1",
                        1,
                        "its column fields is not"),
                Arguments.of(
                        "UPDATE " + rows + " SET sequence = CASE sequence WHEN 2 THEN 103 ELSE 102 END WHERE {log} AND"
                                + " sequence IN (2, 3); UPDATE " + rows
                                + " SET sequence = sequence - 100 WHERE {log} AND sequence > 100",
                        2,
                        "its column sequence is not"),
                Arguments.of(
                        "UPDATE fedlearn.audit_log SET sequence = 3 WHERE {log}",
                        6,
                        "says that the log ends with record 3"));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("tampering")
    void namesTheFirstRecordThatIsNotAsItWas(String statement, long line, String reason) {
        fill();
        tamper(statement);
        AuditReport.Break broken = log.verify().firstBreak().orElseThrow();
        assertThat(broken.line()).isEqualTo(line);
        assertThat(broken.reason()).contains(reason);
    }

    @Test
    void findsARecordThatItsOwnerMadeAnewByTheNextThatDoesNotFollow() {
        fill();
        PgAuditLog other = PgAuditLog.of(SCHEMA, "of " + log.name());
        IntStream.of(1, 2, 9).forEach(i -> other.append(event(i)));

        tamper("UPDATE fedlearn.audit_record AS mine SET at = o.at, type = o.type, fields = o.fields, hash = o.hash,"
                + " record = o.record FROM fedlearn.audit_record AS o WHERE mine.{log} AND mine.sequence = 3"
                + " AND o.log = 'of ' || mine.log AND o.sequence = 3");

        assertThat(log.verify().firstBreak()).contains(new AuditReport.Break(4, "is not chained to the record before"));
    }

    @Test
    void findsATailThatItsOwnerCutOffOnlyAgainstAnEndKeptElsewhere() throws IOException {
        fill();
        tamper(
                "DELETE FROM fedlearn.audit_record WHERE {log} AND sequence > 3",
                "UPDATE fedlearn.audit_log SET sequence = 3, hash = '"
                        + heads.get(2).hash() + "' WHERE {log}");
        assertThat(log.verify().isWhole()).isTrue();
        assertThat(log.contains(heads.get(2))).isTrue();
        assertThat(log.contains(heads.get(4))).isFalse();
        AuditReport cut = log.verify(heads.get(4), AuditTrust.none());
        assertThat(cut.firstBreak())
                .contains(new AuditReport.Break(
                        4, "is missing: the log must go on to the known end 5, it ends with record 3"));
        Path export = folder.resolve("export.jsonl");
        log.export(export);
        assertThat(AuditVerifier.verify(export, heads.get(4))).isEqualTo(cut);

        // It grows again, to the same length: no longer the same log.
        log.append(event(8));
        log.append(event(9));
        assertThat(log.verify().isWhole()).isTrue();
        assertThat(log.verify(heads.get(4), AuditTrust.none()).firstBreak())
                .contains(new AuditReport.Break(5, "its hash is not that of the known end 5"));
    }

    @Test
    void knowsAChainThatItsOwnerWroteAnewByItsMissingSignatures() throws Exception {
        KeyPair keys = KeyPairGenerator.getInstance("Ed25519").generateKeyPair();
        PgAuditLog signed = log.signedBy(AuditSigner.of(keys.getPrivate()));
        IntStream.rangeClosed(1, RECORDS).forEach(i -> signed.append(event(i)));
        AuditTrust trust = AuditTrust.of(List.of(keys.getPublic())).requiringSignatures();
        assertThat(log.verify(AuditHead.empty(), trust).isWhole()).isTrue();
        List<String> lines =
                new String(exported(), StandardCharsets.UTF_8).lines().toList();
        AuditHead second = AuditRecord.decode(lines.get(1).getBytes(StandardCharsets.UTF_8), "line")
                .head();

        tamper(
                "DELETE FROM fedlearn.audit_record WHERE {log} AND sequence > 2",
                "UPDATE fedlearn.audit_log SET sequence = 2, hash = '" + second.hash() + "' WHERE {log}");
        log.append(event(3));

        assertThat(log.verify().isWhole()).isTrue();
        assertThat(log.verify(AuditHead.empty(), trust).firstBreak())
                .contains(new AuditReport.Break(3, "must be signed, is not"));
    }

    @ParameterizedTest
    @EnumSource
    void letsEachRoleDoItsPartAndNoMore(PgRole part) {
        fill();
        PGSimpleDataSource as = TestPostgres.asNewRole(DATABASE);
        SCHEMA.grant(part, String.valueOf(as.getUser()));
        PgAuditLog mine = PgAuditLog.of(PgSchema.of(as), log.name());
        boolean appends = part == PgRole.TRAINER || part == PgRole.COORDINATOR || part == PgRole.ANALYST;

        if (appends) {
            heads.add(mine.append(event(6)));
            assertThat(PgAuditLog.of(PgSchema.of(as), log.name() + " of " + part)
                            .append(event(1))
                            .sequence())
                    .isEqualTo(1);
        } else {
            assertThatExceptionOfType(PgException.class)
                    .isThrownBy(() -> mine.append(event(6)))
                    .withMessageContaining("permission denied");
        }
        if (part != PgRole.READER) {
            assertThat(mine.verify(heads.get(0), AuditTrust.none()).isWhole()).isTrue();
        }
        // A copy of the last record with another number, as one who wants to spoil the log could make it.
        String copy = "INSERT INTO fedlearn.audit_record SELECT log, sequence + 1, at, type, fields, hash, record"
                + " FROM fedlearn.audit_record WHERE {log} ORDER BY sequence DESC LIMIT 1";
        for (String statement : new String[] {
            copy,
            copy.replace("sequence + 1", "sequence + 2"),
            copy.replace(", record FROM", ", 'x' FROM"),
            "INSERT INTO fedlearn.audit_log (log, sequence, hash) VALUES ('forged', 3, '')",
            "UPDATE fedlearn.audit_log SET sequence = 0 WHERE {log}",
            "DELETE FROM fedlearn.audit_log WHERE {log}",
            "UPDATE fedlearn.audit_record SET at = now() WHERE {log}",
            "DELETE FROM fedlearn.audit_record WHERE {log}",
            "ALTER TABLE fedlearn.audit_record DISABLE TRIGGER ALL",
            "SET session_replication_role = replica",
            "DROP TRIGGER chained ON fedlearn.audit_record"
        }) {
            assertThatExceptionOfType(IllegalStateException.class)
                    .as(statement)
                    .isThrownBy(() -> TestPostgres.execute(
                            as,
                            statement.replace("{log}", "log = '" + log.name().replace("'", "''") + "'")));
        }
        assertThat(log.head()).isEqualTo(heads.get(heads.size() - 1));
        assertThat(log.verify().isWhole()).isTrue();
    }

    /** Inserts a row with the right number and hash as a role that may append, with other columns beside it. */
    private static void insert(DataSource as, PgAuditLog log, String record, String columns) {
        String hashed =
                "encode(sha256(decode(hash, 'hex') || convert_to('" + record.replace("'", "''") + "', 'UTF8')), 'hex')";
        TestPostgres.execute(
                as,
                "INSERT INTO fedlearn.audit_record (log, sequence, at, type, fields, hash, record) SELECT log, sequence + 1, "
                        + columns + ", " + hashed + ", replace('" + record.replace("'", "''")
                        + "', '\"previous\"', '\"hash\":\"' || " + hashed
                        + " || '\",\"previous\"') FROM fedlearn.audit_log"
                        + " WHERE log = '" + log.name().replace("'", "''") + "'");
    }

    @Test
    void letsNobodyAppendARecordThatSaysSomethingElseThanItsColumns() {
        fill();
        PGSimpleDataSource as = TestPostgres.asNewRole(DATABASE);
        SCHEMA.grant(PgRole.ANALYST, String.valueOf(as.getUser()));
        String record = "{\"at\":\"2026-03-01T10:15:30.123456789Z\",\"fields\":{\"epsilon\":0.5},\"previous\":\""
                + log.head().hash() + "\",\"sequence\":6,\"type\":\"query\",\"version\":1}";
        String at = "'2026-03-01T10:15:30.123456Z'::timestamptz";
        String fields = "'{\"epsilon\": 0.5}'::jsonb";
        for (String[] spoilt : new String[][] {
            {record, at + ", 'answer', " + fields},
            {record, at + ", 'query', '{\"epsilon\": 0.1}'::jsonb"},
            {record, at + " + interval '1 microsecond', 'query', " + fields},
            {record.replace("{\"epsilon\":0.5}", "[]"), at + ", 'query', '[]'::jsonb"},
            {record.replace("0.5", "0.5.5"), at + ", 'query', " + fields},
            {
                record.replace("2026-03-01T10:15:30.123456789Z", "yesterday"),
                "'yesterday'::timestamptz, 'query', " + fields
            }
        }) {
            assertThatExceptionOfType(IllegalStateException.class)
                    .as(spoilt[0] + " beside " + spoilt[1])
                    .isThrownBy(() -> insert(as, log, spoilt[0], spoilt[1]))
                    .withMessageContaining("does not say what its columns say");
        }

        insert(as, log, record, at + ", 'query', " + fields);

        assertThat(log.verify().recordCount()).isEqualTo(6);
        assertThat(log.verify().isWhole()).isTrue();
    }

    @Test
    void isNotHeldUpForLongByWhoeverFallsSilentWhileAppending() {
        AuditTrail trail = AuditTrail.of(SCHEMA.database(), log.name());
        SCHEMA.database().inTransaction("a test", connection -> {
            trail.append(connection, event(1));
            try (Statement statement = connection.createStatement();
                    ResultSet rows = statement.executeQuery("SHOW idle_in_transaction_session_timeout")) {
                assertThat(rows.next()).isTrue();
                assertThat(rows.getString(1)).isEqualTo("1min");
            }
            // What the server says already stays.
            try (Statement statement = connection.createStatement()) {
                statement.execute("SET LOCAL idle_in_transaction_session_timeout = '30s'");
                trail.append(connection, event(2));
                try (ResultSet rows = statement.executeQuery("SHOW idle_in_transaction_session_timeout")) {
                    assertThat(rows.next()).isTrue();
                    assertThat(rows.getString(1)).isEqualTo("30s");
                }
            }
            return true;
        });
        assertThat(TestPostgres.rows(DATABASE, "SHOW idle_in_transaction_session_timeout"))
                .containsExactly("0");
    }

    @Test
    void refusesNamesThatNoLogCanHave() {
        assertThatIllegalArgumentException().isThrownBy(() -> PgAuditLog.of(SCHEMA, ""));
        assertThatIllegalArgumentException().isThrownBy(() -> PgAuditLog.of(SCHEMA, "a\0b"));
        PgAuditLog injected = PgAuditLog.of(SCHEMA, "x'; DROP TABLE fedlearn.audit_record; --");
        injected.append(event(1));
        assertThat(injected.verify().recordCount()).isEqualTo(1);
        assertThat(log.head()).isEqualTo(AuditHead.empty());
    }
}
