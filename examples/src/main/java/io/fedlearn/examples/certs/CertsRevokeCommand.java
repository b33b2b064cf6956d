package io.fedlearn.examples.certs;

import io.fedlearn.examples.run.InputException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.X509Certificate;
import java.util.List;
import java.util.Optional;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code fedlearn certs revoke}: ends certificates before their time. */
@Command(
        name = "revoke",
        sortOptions = false,
        description = {
            "Ends certificates before their time, and writes the revocation list, crl.pem in the authority's folder. A server"
                    + " that has the list in a file (--crl) reads it again when the file changes, and ends the connections of"
                    + " whoever is on it; so the list must be copied there.",
            "",
            "Without ID or FILE the list is written anew, for another " + TrialAuthority.REVOCATION_DAYS + " days.",
            ""
        },
        footerHeading = "%nExamples:%n",
        footer = {
            "  fedlearn certs revoke --ca ca hospital-a              all its certificates",
            "  fedlearn certs revoke --ca ca hospital-a-lost.pem     just this one",
            ""
        },
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            "0:Done.",
            "1:It failed; one line says why, --stacktrace shows where.",
            "2:An option, a file or a folder cannot be used as it is."
        })
final class CertsRevokeCommand implements Runnable {
    @Spec
    private CommandSpec spec;

    @Option(names = "--ca", paramLabel = "DIR", required = true, description = "The authority's folder.")
    private Path authority;

    @Parameters(
            arity = "0..1",
            paramLabel = "ID|FILE.pem",
            description = "A client's id, or the file of one certificate.")
    private Optional<String> what = Optional.empty();

    @Override
    public void run() {
        TrialAuthority issuer = TrialAuthority.open(authority);
        List<X509Certificate> ended = what.map(text -> find(issuer, text)).orElse(List.of());
        issuer.revoke(ended);
        PrintWriter console = spec.commandLine().getOut();
        for (X509Certificate one : ended) {
            console.println("revoked: " + TrialAuthority.commonName(one) + ", serial number "
                    + one.getSerialNumber().toString(16));
        }
        console.println("list:    " + issuer.revocationFile());
        console.println();
        console.println("Copy the list to the server, over the file that it was started with (--crl).");
        console.flush();
    }

    private static List<X509Certificate> find(TrialAuthority issuer, String text) {
        if (text.endsWith(".pem") || Files.exists(Path.of(text))) {
            X509Certificate one = CertificateFiles.certificate(Path.of(text));
            if (!issuer.hasIssued(one)) {
                throw new InputException(text + " was not issued by the authority " + issuer.certificateFile());
            }
            return List.of(one);
        }
        List<X509Certificate> found = issuer.inForce(text);
        if (found.isEmpty()) {
            throw new InputException(
                    "'" + text + "' has no certificate in force of the authority " + issuer.certificateFile());
        }
        return found;
    }
}
