package io.fedlearn.examples.certs;

import io.fedlearn.examples.run.InputException;
import java.io.ByteArrayInputStream;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509CRL;
import java.security.cert.X509CRLEntry;
import java.security.cert.X509Certificate;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.Collection;
import java.util.Date;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code fedlearn certs show}: says what a file is. */
@Command(
        name = "show",
        description = {
            "Says what a file is: a certificate, a request, a revocation list, or a private key, of which it shows nothing.",
            ""
        },
        footerHeading = "%nExample:%n",
        footer = {"  fedlearn certs show hospital-a.pem", ""},
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            "0:Done.",
            "1:It failed; one line says why, --stacktrace shows where.",
            "2:An option, a file or a folder cannot be used as it is."
        })
final class CertsShowCommand implements Runnable {
    private static final String SERVER = "1.3.6.1.5.5.7.3.1";
    private static final String CLIENT = "1.3.6.1.5.5.7.3.2";

    @Spec
    private CommandSpec spec;

    @Parameters(paramLabel = "FILE", description = "A PEM file.")
    private Path file;

    @Override
    public void run() {
        PrintWriter console = spec.commandLine().getOut();
        CertificateFiles.Block block = CertificateFiles.read(file);
        switch (block.type()) {
            case CertificateFiles.CERTIFICATE -> show(console, CertificateFiles.certificate(file, block.content()));
            case CertificateFiles.REQUEST, "NEW CERTIFICATE REQUEST" -> {
                SiteRequest request = SiteRequest.read(file);
                console.println("request for a certificate");
                console.println("client id:   " + request.clientId());
                console.println("fingerprint: " + Fingerprint.of(request.key()));
            }
            case CertificateFiles.CRL -> showList(console, block.content());
            case CertificateFiles.PRIVATE_KEY -> console.println("private key (secret: it is sent to nobody)");
            default -> throw new InputException(file + " holds " + block.type() + ", of which nothing is known here");
        }
        console.flush();
    }

    /** The day of a moment, in UTC. */
    static String day(Date moment) {
        return LocalDate.ofInstant(moment.toInstant(), ZoneOffset.UTC).toString();
    }

    private static void show(PrintWriter console, X509Certificate certificate) {
        try {
            List<String> purposes = certificate.getExtendedKeyUsage();
            String kind = certificate.getBasicConstraints() >= 0
                    ? "an authority"
                    : purposes == null
                            ? "anything"
                            : purposes.contains(SERVER)
                                    ? "a server"
                                    : purposes.contains(CLIENT) ? "a client" : "others";
            console.println("certificate of " + kind);
            console.println("name:          " + TrialAuthority.commonName(certificate));
            Collection<List<?>> names = certificate.getSubjectAlternativeNames();
            if (names != null) {
                console.println("hosts:         "
                        + String.join(
                                ", ",
                                names.stream()
                                        .map(name -> String.valueOf(name.get(1)))
                                        .toList()));
            }
        } catch (GeneralSecurityException e) {
            throw new InputException("the certificate's extensions are damaged", e);
        }
        boolean isOver = certificate.getNotAfter().before(new Date());
        console.println("issued by:     " + certificate.getIssuerX500Principal().getName());
        console.println("valid:         " + day(certificate.getNotBefore()) + " to " + day(certificate.getNotAfter())
                + (isOver ? " (expired)" : ""));
        console.println("serial number: " + certificate.getSerialNumber().toString(16));
        console.println("fingerprint:   " + Fingerprint.of(certificate.getPublicKey()));
    }

    private void showList(PrintWriter console, byte[] content) {
        try {
            X509CRL list =
                    (X509CRL) CertificateFactory.getInstance("X.509").generateCRL(new ByteArrayInputStream(content));
            console.println("revocation list");
            console.println("issued by:   " + list.getIssuerX500Principal().getName());
            console.println("of:          " + day(list.getThisUpdate()) + ", to be replaced by "
                    + (list.getNextUpdate() == null ? "no day" : day(list.getNextUpdate())));
            Collection<? extends X509CRLEntry> entries = list.getRevokedCertificates();
            console.println("revoked:     " + (entries == null ? 0 : entries.size()));
            if (entries != null) {
                for (X509CRLEntry entry : entries) {
                    console.println("  serial number " + entry.getSerialNumber().toString(16) + " on "
                            + day(entry.getRevocationDate()));
                }
            }
        } catch (GeneralSecurityException e) {
            throw new InputException(file + " is damaged: not a CRL of X.509", e);
        }
    }
}
