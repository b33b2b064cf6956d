package io.fedlearn.examples.audit;

import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code fedlearn audit}: what happened, and whether the log of it is what was written. */
@Command(
        name = "audit",
        subcommands = {
            AuditVerifyCommand.class,
            AuditHeadCommand.class,
            AuditExportCommand.class,
            AuditKeygenCommand.class,
            CommandLine.HelpCommand.class
        },
        description = {
            "Verifies audit logs: the file audit.jsonl of a run, or what a database's log is exported to.",
            "",
            "Each record holds the hash of the one before, so one that was changed, deleted or moved is found. A chain cannot"
                    + " tell that its tail was cut off, or that all of it was written anew: for that, keep its end (head) where"
                    + " whoever could change the log cannot, and give it to verify, or have the records signed:"
                    + " audit keygen makes a key, --audit-key of the commands that train signs with it.",
            "",
            "docs/audit.md tells an auditor the rest.",
            ""
        },
        footerHeading = "%nExamples:%n",
        footer = {
            "  fedlearn audit verify runs/heart/audit.jsonl",
            "  fedlearn audit keygen --out coordinator",
            "  fedlearn heart --audit-key coordinator/audit-key.pem   (as all commands that train: signs each record)",
            "  fedlearn audit head runs/heart/audit.jsonl",
            "  fedlearn audit export --jdbc jdbc:postgresql://db.example.org/study?user=auditor --out study.jsonl",
            "  fedlearn audit verify study.jsonl --head 120:5d41... --public-key coordinator/audit.pem --require-signatures",
            ""
        },
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            "0:Done; of verify and head: the log is as it was written.",
            "1:The log is not as it was written, or the command failed; one line says where and why.",
            "2:An option, a file, a role or a schema cannot be used as it is.",
            "3:The database is out of reach."
        })
public final class AuditCommand implements Runnable {
    @Spec
    private CommandSpec spec;

    AuditCommand() {}

    @Override
    public void run() {
        throw new ParameterException(spec.commandLine(), "Name what to do: verify, head, export or keygen.");
    }
}
