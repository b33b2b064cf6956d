package io.fedlearn.examples.certs;

import io.fedlearn.examples.run.InputException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.security.KeyPair;
import java.util.Optional;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code fedlearn certs request}: makes a site's key and its request. */
@Command(
        name = "request",
        sortOptions = false,
        description = {
            "At a site: makes its private key, ID-key.pem, and a request for a certificate, ID.csr. The key stays here; only the"
                    + " request is sent to the coordinator, who asks for the fingerprint that this command prints.",
            "",
            "To renew a certificate, pass the key that there is with --key: the site keeps its id.",
            ""
        },
        footerHeading = "%nExamples:%n",
        footer = {
            "  fedlearn certs request --client-id hospital-a --out site",
            "  fedlearn certs request --client-id hospital-a --key site/hospital-a-key.pem --out renewal",
            ""
        },
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            "0:Done.",
            "1:It failed; one line says why, --stacktrace shows where.",
            "2:An option, a file or a folder cannot be used as it is."
        })
final class CertsRequestCommand implements Runnable {
    @Spec
    private CommandSpec spec;

    @Option(
            names = "--client-id",
            paramLabel = "ID",
            required = true,
            description = "The name under which the site takes part, as agreed with the coordinator.")
    private String clientId;

    @Option(names = "--out", paramLabel = "DIR", required = true, description = "Where the files go; made if need be.")
    private Path out;

    @Option(
            names = "--key",
            paramLabel = "FILE",
            description = "The key that the site has already, to renew its certificate; by default a new one is made.")
    private Optional<Path> existingKey = Optional.empty();

    @Override
    public void run() {
        CertificateFiles.problem(clientId).ifPresent(problem -> {
            throw new InputException("--client-id " + problem);
        });
        String name = CertificateFiles.fileName(clientId);
        Path requestFile = out.resolve(name + ".csr");
        Path keyFile = existingKey.orElse(out.resolve(name + "-key.pem"));
        CertificateFiles.refuseExisting(requestFile);
        KeyPair keys;
        if (existingKey.isPresent()) {
            keys = SiteRequest.keysOf(keyFile);
            CertificateFiles.folder(out);
        } else {
            CertificateFiles.refuseExisting(keyFile);
            CertificateFiles.folder(out);
            keys = CertificateFiles.newKeys();
            CertificateFiles.writeNew(
                    keyFile, CertificateFiles.PRIVATE_KEY, keys.getPrivate().getEncoded());
        }
        CertificateFiles.writeNew(requestFile, SiteRequest.make(clientId, keys), false);
        PrintWriter console = spec.commandLine().getOut();
        console.println("private key: " + keyFile + " (secret: it never leaves this site)");
        console.println("request:     " + requestFile);
        console.println("fingerprint: " + Fingerprint.of(keys.getPublic()));
        console.println();
        console.println(
                "Send the request to the coordinator, and read the fingerprint out when asked, over another way than"
                        + " the request took.");
        console.println("What comes back, with ca.pem, is for:");
        console.println("  fedlearn client --ca ca.pem --cert " + name + ".pem --key " + keyFile + " ...");
        console.flush();
    }
}
