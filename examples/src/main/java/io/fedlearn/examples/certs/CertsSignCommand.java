package io.fedlearn.examples.certs;

import io.fedlearn.examples.run.InputException;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintWriter;
import java.nio.charset.Charset;
import java.nio.file.Path;
import java.security.cert.X509Certificate;
import java.util.List;
import java.util.Optional;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code fedlearn certs sign}: makes a site's certificate of its request. */
@Command(
        name = "sign",
        sortOptions = false,
        description = {
            "Makes a site's certificate of its request. Shows the id and the fingerprint of its key first: have the site read the"
                    + " fingerprint out, on the telephone for instance. Whoever's request you sign IS that client.",
            "",
            "Nothing but id and key is taken from the request. An id that has a certificate with another key is refused, unless"
                    + " --replace says that it moves to the new key: the older certificates are then revoked.",
            ""
        },
        footerHeading = "%nExamples:%n",
        footer = {
            "  fedlearn certs sign --ca ca hospital-a.csr --out hospital-a.pem",
            "  fedlearn certs sign --ca ca new.csr --out new.pem --replace",
            ""
        },
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            "0:Done.",
            "1:It failed; one line says why, --stacktrace shows where.",
            "2:An option, a file or a folder cannot be used as it is."
        })
final class CertsSignCommand implements Runnable {
    @Spec
    private CommandSpec spec;

    @Parameters(paramLabel = "FILE.csr", description = "The site's request.")
    private Path requestFile;

    @Option(names = "--ca", paramLabel = "DIR", required = true, description = "The authority's folder.")
    private Path authority;

    @Option(names = "--out", paramLabel = "FILE", required = true, description = "The file of the certificate.")
    private Path out;

    @Option(
            names = "--fingerprint",
            paramLabel = "HEX",
            description = "What the site read out; asked for if it is not given here.")
    private Optional<String> fingerprint = Optional.empty();

    @Option(
            names = "--replace",
            description = "The id moves to this key; its certificates with other keys are revoked.")
    private boolean replace;

    @Option(
            names = "--days",
            paramLabel = "N",
            defaultValue = "" + TrialAuthority.CERTIFICATE_DAYS,
            description = "How long it lasts (default: ${DEFAULT-VALUE}).")
    private int days;

    @Override
    public void run() {
        TrialAuthority issuer = TrialAuthority.open(authority);
        SiteRequest request = SiteRequest.read(requestFile);
        CertificateFiles.refuseExisting(out);
        List<X509Certificate> others = issuer.inForce(request.clientId()).stream()
                .filter(one -> !one.getPublicKey().equals(request.key()))
                .toList();
        if (!others.isEmpty() && !replace) {
            throw new InputException(
                    "'" + request.clientId() + "' has a certificate with another key, until "
                            + CertsShowCommand.day(others.get(others.size() - 1).getNotAfter())
                            + "; is this request really of that site? --replace moves the id to the new key and revokes the other");
        }
        PrintWriter console = spec.commandLine().getOut();
        String expected = Fingerprint.of(request.key());
        console.println("client id:   " + request.clientId());
        console.println("fingerprint: " + expected);
        console.flush();
        if (!Fingerprint.isSame(expected, fingerprint.orElseGet(this::ask))) {
            throw new InputException("that is not the fingerprint of " + requestFile
                    + ": nothing was signed. Whoever sent it may not be the site");
        }
        X509Certificate issued = issuer.sign(request, days, out);
        if (!others.isEmpty()) {
            issuer.revoke(others);
        }
        console.println("certificate: " + out + ", until " + CertsShowCommand.day(issued.getNotAfter()));
        if (!others.isEmpty()) {
            console.println("revoked:     " + others.size() + " with another key; copy " + issuer.revocationFile()
                    + " to the server");
        }
        console.println();
        console.println("Send the site " + out + " and " + issuer.certificateFile() + "; neither is a secret.");
        console.flush();
    }

    private String ask() {
        PrintWriter console = spec.commandLine().getOut();
        console.print("Type the fingerprint that the site reads out (not what you see here): ");
        console.flush();
        try {
            String line = new BufferedReader(new InputStreamReader(System.in, Charset.defaultCharset())).readLine();
            if (line == null || line.isBlank()) {
                throw new InputException("no fingerprint was given: nothing was signed");
            }
            return line;
        } catch (IOException e) {
            throw InputException.of("cannot read the fingerprint", e);
        }
    }
}
