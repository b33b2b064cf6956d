package io.fedlearn.examples.audit;

import io.fedlearn.files.AuditVerifier;
import java.io.PrintWriter;
import java.nio.file.Path;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code fedlearn audit head}: a log's end. */
@Command(
        name = "head",
        description = {
            "Prints the end of an audit log, SEQUENCE:HASH, and nothing else: mail it, print it, put it under the other party's"
                    + " control. Later, audit verify --head finds out whether the log still holds what it held now.",
            "",
            "The chain is verified first.",
            ""
        },
        footerHeading = "%nExample:%n",
        footer = {"  fedlearn audit head runs/heart/audit.jsonl", ""},
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            "0:The log is as it was written, as far as its chain can tell.",
            "1:It is not, or the command failed; one line says where and why.",
            "2:The file cannot be used as it is."
        })
final class AuditHeadCommand implements Runnable {
    @Spec
    private CommandSpec spec;

    @Parameters(paramLabel = "FILE", description = "A run's audit.jsonl, or an export.")
    private Path file;

    @Override
    public void run() {
        PrintWriter out = spec.commandLine().getOut();
        out.println(Findings.text(Findings.requireWhole(AuditVerifier.verify(Findings.require(file)), file.toString())
                .head()));
        out.flush();
    }
}
