package io.fedlearn.examples.certs;

import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code fedlearn certs server}: makes a server's key and certificate. */
@Command(
        name = "server",
        sortOptions = false,
        description = {
            "Makes a server's key and certificate: server.pem and server-key.pem. Clients accept it only where they connect to"
                    + " one of its names or addresses.",
            ""
        },
        footerHeading = "%nExample:%n",
        footer = {"  fedlearn certs server --ca ca --host fl.example.org,10.1.2.3 --out server", ""},
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            "0:Done.",
            "1:It failed; one line says why, --stacktrace shows where.",
            "2:An option, a file or a folder cannot be used as it is."
        })
final class CertsServerCommand implements Runnable {
    @Spec
    private CommandSpec spec;

    @Option(names = "--ca", paramLabel = "DIR", required = true, description = "The authority's folder.")
    private Path authority;

    @Option(
            names = "--host",
            paramLabel = "NAME",
            required = true,
            split = ",",
            description = "Names and IP addresses by which clients reach the server, with commas between.")
    private List<String> hosts;

    @Option(names = "--out", paramLabel = "DIR", required = true, description = "Where the files go; made if need be.")
    private Path out;

    @Option(
            names = "--days",
            paramLabel = "N",
            defaultValue = "" + TrialAuthority.CERTIFICATE_DAYS,
            description = "How long it lasts (default: ${DEFAULT-VALUE}).")
    private int days;

    @Override
    public void run() {
        TrialAuthority issuer = TrialAuthority.open(authority);
        TrialAuthority.Issued issued = issuer.issueServer(hosts, days, out);
        PrintWriter console = spec.commandLine().getOut();
        console.println("certificate: " + issued.certificateFile() + ", for " + String.join(", ", hosts) + ", until "
                + CertsShowCommand.day(issued.certificate().getNotAfter()));
        console.println("private key: " + issued.keyFile() + " (secret)");
        console.println();
        console.println(
                "The server needs both, with " + issuer.certificateFile() + " and " + issuer.revocationFile() + ":");
        console.println("  fedlearn server --tls-cert " + issued.certificateFile() + " --tls-key " + issued.keyFile()
                + " --client-ca " + issuer.certificateFile() + " --crl " + issuer.revocationFile() + " ...");
        console.println("Next, at each site: fedlearn certs request --client-id ID --out DIR");
        console.flush();
    }
}
