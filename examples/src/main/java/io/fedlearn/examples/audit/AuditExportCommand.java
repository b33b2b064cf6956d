package io.fedlearn.examples.audit;

import com.zaxxer.hikari.HikariDataSource;
import io.fedlearn.core.record.AuditHead;
import io.fedlearn.examples.postgres.JdbcOptions;
import io.fedlearn.examples.run.InputException;
import io.fedlearn.files.AuditVerifier;
import io.fedlearn.formats.audit.AuditTrust;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code fedlearn audit export}: a database's log as a file. */
@Command(
        name = "export",
        sortOptions = false,
        description = {
            "Writes an audit log out of a database, as it is at one moment, to a file: one record per line, the same lines as a"
                    + " run's audit.jsonl has. The role AUDITOR may do that. A file of that name is replaced once the new one is"
                    + " whole.",
            "",
            "The log is verified, in the database and as exported. Records are exported as they are: if the log was tampered with,"
                    + " the file is evidence, and the exit code 1.",
            ""
        },
        footerHeading = "%nExample:%n",
        footer = {
            "  PGPASSWORD=... fedlearn audit export --jdbc jdbc:postgresql://db.example.org/study?user=auditor --out"
                    + " study.jsonl",
            ""
        },
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            "0:Done, and the log is as it was written, as far as its chain can tell.",
            "1:The log is not as it was written, which one line says after it was exported; or the command failed.",
            "2:An option, a file, a role or a schema cannot be used as it is; nothing was written.",
            "3:The database is out of reach; nothing was written."
        })
final class AuditExportCommand implements Runnable {
    @Spec
    private CommandSpec spec;

    @Mixin
    private JdbcOptions database = new JdbcOptions();

    @Option(
            names = "--log",
            paramLabel = "NAME",
            order = -25,
            description = "The log's name; not needed if there is one only.")
    private Optional<String> log = Optional.empty();

    @Option(names = "--out", paramLabel = "FILE", order = -24, required = true, description = "Where it goes.")
    private Path file;

    @Override
    public void run() {
        if (Files.isDirectory(file)) {
            throw new InputException("--out " + file + " is a folder: name a file");
        }
        try (HikariDataSource source = database.open()) {
            DatabaseLog found = DatabaseLog.of(database.schema(source), log);
            AuditHead head = found.log().export(file);
            PrintWriter out = spec.commandLine().getOut();
            out.println("exported: " + found.name() + " to " + file);
            out.flush();
            String name = found.name() + ", exported as it is,";
            Findings.requireWhole(found.log().verify(head, AuditTrust.none()), name);
            Findings.requireWhole(AuditVerifier.verify(file, head), name);
            out.println("its end, to be kept elsewhere:");
            out.println(Findings.text(head));
            out.flush();
        } catch (IOException e) {
            throw InputException.of("--out " + file + " cannot be written", e);
        }
    }
}
