package io.fedlearn.examples.certs;

import io.fedlearn.examples.run.InputException;
import java.io.PrintWriter;
import java.nio.file.Path;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code fedlearn certs ca}: founds an authority. */
@Command(
        name = "ca",
        sortOptions = false,
        description = {
            "Founds a certificate authority in a folder: ca.pem, which server and sites need, and ca-key.pem, which nobody"
                    + " else must ever have: with it, anyone can be any client. Do this on a machine that is not the server.",
            ""
        },
        footerHeading = "%nExample:%n",
        footer = {"  fedlearn certs ca --out ca --name \"Heart study\"", ""},
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            "0:Done.",
            "1:It failed; one line says why, --stacktrace shows where.",
            "2:An option, a file or a folder cannot be used as it is."
        })
final class CertsAuthorityCommand implements Runnable {
    @Spec
    private CommandSpec spec;

    @Option(
            names = "--out",
            paramLabel = "DIR",
            required = true,
            description = "The authority's folder; made if need be.")
    private Path out;

    @Option(
            names = "--name",
            paramLabel = "NAME",
            defaultValue = "FedLearn trial",
            description = "What the authority is called in certificates (default: ${DEFAULT-VALUE}).")
    private String name;

    @Option(
            names = "--days",
            paramLabel = "N",
            defaultValue = "" + TrialAuthority.AUTHORITY_DAYS,
            description = "How long it lasts (default: ${DEFAULT-VALUE}, five years).")
    private int days;

    @Override
    public void run() {
        CertificateFiles.problem(name).ifPresent(problem -> {
            throw new InputException("--name " + problem);
        });
        TrialAuthority authority = TrialAuthority.create(out, name, days);
        PrintWriter console = spec.commandLine().getOut();
        console.println("authority:       " + authority.certificateFile());
        console.println("its private key: " + out.resolve("ca-key.pem") + " (secret)");
        console.println("revocations:     " + authority.revocationFile() + " (none yet)");
        console.println();
        console.println("Next, the server: fedlearn certs server --ca " + out + " --host NAME --out DIR");
        console.flush();
    }
}
