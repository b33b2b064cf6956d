package io.fedlearn.benchmarks;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** A CA, a server's certificate for this machine and one for each client, made with the openssl command where it is at hand. */
final class TrialCertificates {
    private final Path folder;

    private TrialCertificates(Path folder) {
        this.folder = folder;
    }

    /** Those that lie in a folder. */
    static TrialCertificates in(Path folder) {
        return new TrialCertificates(folder);
    }

    /**
     * Makes them.
     *
     * @throws IOException if there is no openssl, or it fails
     */
    static TrialCertificates make(Path folder, List<String> clients) throws IOException, InterruptedException {
        Files.createDirectories(folder);
        TrialCertificates made = new TrialCertificates(folder);
        openssl(
                "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=trial-ca -keyout",
                made.key("ca"),
                "-out",
                made.certificate("ca"));
        Path server = folder.resolve("server.ext");
        Files.writeString(server, "subjectAltName=DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth\n");
        made.issue("server", "localhost", server);
        Path client = folder.resolve("client.ext");
        Files.writeString(client, "extendedKeyUsage=clientAuth\n");
        for (String id : clients) {
            made.issue(id, id, client);
        }
        return made;
    }

    /** The certificate of this name: that of a client by its id, of {@code server} or of {@code ca}. */
    Path certificate(String name) {
        return folder.resolve(name + ".pem");
    }

    /** The key that belongs to it, in PKCS #8. */
    Path key(String name) {
        return folder.resolve(name + ".key");
    }

    private void issue(String name, String commonName, Path extensions) throws IOException, InterruptedException {
        Path request = folder.resolve(name + ".csr");
        openssl(
                "req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=" + commonName + " -keyout",
                key(name),
                "-out",
                request);
        openssl(
                "x509 -req -days 2 -CAcreateserial -in",
                request,
                "-CA",
                certificate("ca"),
                "-CAkey",
                key("ca"),
                "-extfile",
                extensions,
                "-out",
                certificate(name));
    }

    private static void openssl(Object... words) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of("openssl"));
        for (Object word : words) {
            command.addAll(word instanceof Path path ? List.of(path.toString()) : List.of(((String) word).split(" ")));
        }
        Process process = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .start();
        if (process.waitFor() != 0) {
            throw new IOException("openssl " + words[0] + " failed");
        }
    }
}
