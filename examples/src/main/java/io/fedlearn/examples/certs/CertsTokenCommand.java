package io.fedlearn.examples.certs;

import io.fedlearn.examples.run.InputException;
import io.fedlearn.grpc.security.TokenFile;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code fedlearn certs token}: makes a bearer token. */
@Command(
        name = "token",
        sortOptions = false,
        description = {
            "Makes a bearer token, for sites that cannot have a certificate of their own. The token goes to a file for the site;"
                    + " the server's list of tokens gets its digest only. Whoever has the token IS that client, and it travels"
                    + " to the site once: certificates are better.",
            "",
            "To revoke a token, delete its line in the list. A client may have two, to change from one to the other.",
            ""
        },
        footerHeading = "%nExample:%n",
        footer = {"  fedlearn certs token --client-id hospital-a --tokens tokens.txt", ""},
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            "0:Done.",
            "1:It failed; one line says why, --stacktrace shows where.",
            "2:An option, a file or a folder cannot be used as it is."
        })
final class CertsTokenCommand implements Runnable {
    @Spec
    private CommandSpec spec;

    @Option(names = "--client-id", paramLabel = "ID", required = true, description = "Whose token it is.")
    private String clientId;

    @Option(
            names = "--tokens",
            paramLabel = "FILE",
            required = true,
            description = "The server's list of tokens; made if there is none.")
    private Path tokens;

    @Option(
            names = "--out",
            paramLabel = "FILE",
            description = "Where the token goes; by default ID.token beside the list.")
    private Optional<Path> out = Optional.empty();

    @Override
    public void run() {
        CertificateFiles.problem(clientId).ifPresent(problem -> {
            throw new InputException("--client-id " + problem);
        });
        Path tokenFile = out.orElseGet(() -> tokens.resolveSibling(CertificateFiles.fileName(clientId) + ".token"));
        String lines = "";
        if (Files.exists(tokens)) {
            // Refuses a list that the server would refuse, before anything is added to it.
            TokenFile.at(tokens);
            lines = new String(
                    CertificateFiles.text(tokens).getBytes(StandardCharsets.ISO_8859_1), StandardCharsets.UTF_8);
        }
        String token = TokenFile.newToken();
        CertificateFiles.writeNew(tokenFile, token + "\n", true);
        CertificateFiles.replace(
                tokens,
                lines + (lines.isEmpty() || lines.endsWith("\n") ? "" : "\n") + TokenFile.line(clientId, token) + "\n",
                true);
        PrintWriter console = spec.commandLine().getOut();
        console.println("token: " + tokenFile + " (secret: bring it to the site and delete it here)");
        console.println("list:  " + tokens + ", which a server reads again when it changes");
        console.flush();
    }
}
