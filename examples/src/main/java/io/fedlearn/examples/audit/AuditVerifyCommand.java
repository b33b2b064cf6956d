package io.fedlearn.examples.audit;

import com.zaxxer.hikari.HikariDataSource;
import io.fedlearn.core.record.AuditHead;
import io.fedlearn.examples.postgres.JdbcOptions;
import io.fedlearn.examples.run.InputException;
import io.fedlearn.files.AuditVerifier;
import io.fedlearn.formats.audit.AuditReport;
import io.fedlearn.formats.audit.AuditTrust;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code fedlearn audit verify}: whether a log is what was written. */
@Command(
        name = "verify",
        sortOptions = false,
        description = {
            "Verifies an audit log, and names the first record that is not as it was written: by line of the file, which is the"
                    + " number that the record should have. Nothing is changed, and the log may be in use.",
            "",
            "A file is verified offline. With --jdbc in its place, the log is verified in its database: its columns too must"
                    + " then say what its records say.",
            ""
        },
        footerHeading = "%nExamples:%n",
        footer = {
            "  fedlearn audit verify runs/heart/audit.jsonl",
            "  fedlearn audit verify study.jsonl --head 120:5d41...   (an end that was kept elsewhere: finds a cut tail)",
            "  fedlearn audit verify study.jsonl --public-key coordinator.pem --require-signatures",
            "  fedlearn audit verify --jdbc jdbc:postgresql://db.example.org/study?user=auditor --log heart",
            ""
        },
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            "0:The log is as it was written, as far as what was given can tell.",
            "1:It is not, or the command failed; one line says where and why.",
            "2:An option, a file, a role or a schema cannot be used as it is.",
            "3:The database is out of reach."
        })
final class AuditVerifyCommand implements Runnable {
    @Spec
    private CommandSpec spec;

    @Parameters(paramLabel = "FILE", arity = "0..1", description = "A run's audit.jsonl, or an export.")
    private Optional<Path> file = Optional.empty();

    @Option(
            names = "--head",
            paramLabel = "SEQUENCE:HASH",
            order = -39,
            description =
                    "An end that the log had once, as audit head or audit export printed it, or a round's record has it:"
                            + " the log must hold it.")
    private Optional<String> head = Optional.empty();

    @Option(
            names = "--public-key",
            paramLabel = "PEM",
            order = -38,
            description =
                    "By whom records may be signed; as often as there are keys. A signature by another key, or a wrong one,"
                            + " is refused.")
    private List<Path> publicKeys = List.of();

    @Option(
            names = "--require-signatures",
            order = -37,
            description = "Refuse records that are not signed by one of these keys.")
    private boolean requireSignatures;

    @Option(
            names = "--signed-from",
            paramLabel = "SEQUENCE",
            order = -36,
            description =
                    "As --require-signatures, from this record on: for a log that was not signed from its beginning.")
    private Optional<Long> signedFrom = Optional.empty();

    @Mixin
    private JdbcOptions database = new JdbcOptions();

    @Option(
            names = "--log",
            paramLabel = "NAME",
            order = -25,
            description = "The log's name in the database; not needed if there is one only.")
    private Optional<String> log = Optional.empty();

    @Override
    public void run() {
        if (file.isPresent() == database.isGiven()) {
            throw new InputException("name one log: a FILE, or a database with --jdbc");
        }
        AuditHead known = head.map(Findings::head).orElse(AuditHead.empty());
        AuditTrust trust = trust();
        String name;
        AuditReport report;
        if (file.isPresent()) {
            name = file.get().toString();
            report = AuditVerifier.verify(Findings.require(file.get()), known, trust);
        } else {
            try (HikariDataSource source = database.open()) {
                DatabaseLog found = DatabaseLog.of(database.schema(source), log);
                name = found.name();
                report = found.log().verify(known, trust);
            }
        }
        print(name, Findings.requireWhole(report, name), trust);
    }

    private AuditTrust trust() {
        if (requireSignatures && signedFrom.isPresent()) {
            throw new InputException("--require-signatures and --signed-from exclude each other");
        }
        if (publicKeys.isEmpty()) {
            if (requireSignatures || signedFrom.isPresent()) {
                throw new InputException((requireSignatures ? "--require-signatures" : "--signed-from")
                        + " needs --public-key: a signature by anybody proves nothing");
            }
            return AuditTrust.none();
        }
        try {
            AuditTrust trust = AuditTrust.read(publicKeys);
            return requireSignatures
                    ? trust.requiringSignatures()
                    : signedFrom.map(trust::requiringSignaturesFrom).orElse(trust);
        } catch (NoSuchFileException e) {
            throw new InputException("--public-key " + e.getMessage() + ": there is no such file", e);
        } catch (IOException e) {
            throw InputException.of("--public-key cannot be read", e);
        }
    }

    private void print(String name, AuditReport report, AuditTrust trust) {
        PrintWriter out = spec.commandLine().getOut();
        out.println(name + ": " + report);
        long signed = 0;
        for (var key : report.signatures().entrySet()) {
            signed += key.getValue();
            out.println("signed by key " + key.getKey() + ": " + key.getValue()
                    + (trust.keyIds().isEmpty() ? ", not checked: give --public-key" : ""));
        }
        out.println("not signed: " + (report.recordCount() - signed));
        out.println(
                head.isPresent()
                        ? "the known end is in it: " + head.get().strip()
                        : "no --head was given: a tail that was cut off cannot be told");
        out.println("its end, to be kept elsewhere:");
        out.println(Findings.text(report.head()));
        out.flush();
    }
}
