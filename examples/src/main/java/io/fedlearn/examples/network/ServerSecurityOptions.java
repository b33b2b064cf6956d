package io.fedlearn.examples.network;

import io.fedlearn.examples.run.InputException;
import io.fedlearn.grpc.security.RevocationList;
import io.fedlearn.grpc.security.ServerSecurity;
import io.fedlearn.grpc.security.TokenFile;
import java.nio.file.Path;
import java.util.Optional;
import picocli.CommandLine.Option;

/** The options by which a server shows who it is, and knows its clients. */
final class ServerSecurityOptions {
    @Option(
            names = "--tls-cert",
            paramLabel = "FILE.pem",
            order = -39,
            description = "The server's certificate, followed by those of intermediate authorities.")
    private Optional<Path> certificate = Optional.empty();

    @Option(names = "--tls-key", paramLabel = "FILE.pem", order = -38, description = "The private key of --tls-cert.")
    private Optional<Path> key = Optional.empty();

    @Option(
            names = "--client-ca",
            paramLabel = "FILE.pem",
            order = -37,
            description =
                    "The authority that signed the clients' certificates: a client's id is its certificate's common"
                            + " name.")
    private Optional<Path> authority = Optional.empty();

    @Option(
            names = "--crl",
            paramLabel = "FILE.pem",
            order = -36,
            description = "Certificates that --client-ca has revoked.")
    private Optional<Path> revoked = Optional.empty();

    @Option(
            names = "--tokens",
            paramLabel = "FILE",
            order = -35,
            description = "Clients' ids and the digests of their tokens, in place of --client-ca.")
    private Optional<Path> tokens = Optional.empty();

    @Option(
            names = "--insecure",
            order = -34,
            description =
                    "Serve without TLS: nobody knows who is who, and anyone on the way can read and change what is"
                            + " sent. For this machine alone.")
    private boolean insecure;

    /**
     * Finds options that do not go together.
     *
     * @param knowsNoNames whether only Flower's clients are served, of which none says who it is
     */
    void check(boolean knowsNoNames) {
        if (insecure) {
            if (certificate.isPresent() || key.isPresent() || authority.isPresent() || tokens.isPresent()) {
                throw new InputException("--insecure excludes --tls-cert, --tls-key, --client-ca and --tokens");
            }
            return;
        }
        if (certificate.isEmpty() && key.isEmpty()) {
            throw new InputException("a server needs TLS: --tls-cert and --tls-key with --client-ca or --tokens;"
                    + " 'fedlearn certs --help' says how to make certificates for a trial. On this machine alone, --insecure"
                    + " serves without");
        }
        if (certificate.isPresent() != key.isPresent()) {
            throw new InputException("--tls-cert and --tls-key go together");
        }
        if (authority.isPresent() && tokens.isPresent()) {
            throw new InputException("--client-ca and --tokens exclude each other");
        }
        if (authority.isEmpty() && tokens.isEmpty() && !knowsNoNames) {
            throw new InputException(
                    "--tls-cert needs --client-ca or --tokens: by what else would the server know its" + " clients?");
        }
        if (revoked.isPresent() && authority.isEmpty()) {
            throw new InputException("--crl needs --client-ca, which signed it");
        }
    }

    /** Whether there is no TLS. */
    boolean isInsecure() {
        return insecure;
    }

    /** How connections are secured, in words. */
    String words() {
        if (insecure) {
            return "WITHOUT TLS (--insecure): whoever reaches the port can join, read and change";
        }
        if (authority.isPresent()) {
            return "mutual TLS: clients show a certificate of " + authority.get()
                    + revoked.map(file -> ", unless " + file + " revokes it").orElse("");
        }
        return tokens.map(file -> "TLS, and clients show a token of " + file)
                .orElse("TLS, but whoever reaches the port can join (neither --client-ca nor --tokens)");
    }

    /** The same for a port whose clients show nothing. */
    String openWords() {
        return insecure ? words() : "TLS, but whoever reaches the port can join (--flower-open)";
    }

    /** The keys of a port whose clients show nothing. */
    ServerSecurity openSecurity() {
        return insecure ? security() : ServerSecurity.tls(certificate.orElseThrow(), key.orElseThrow());
    }

    /** What to type at a client in place of these. */
    String atClient() {
        if (insecure) {
            return "--insecure";
        }
        return "--ca CA.pem" + (authority.isPresent() ? " --cert SITE.pem --key SITE-key.pem" : "")
                + (tokens.isPresent() ? " --token-file TOKEN" : "");
    }

    /** The keys and certificates, read. */
    ServerSecurity security() {
        if (insecure) {
            return ServerSecurity.insecure();
        }
        Path shown = certificate.orElseThrow();
        Path secret = key.orElseThrow();
        if (tokens.isPresent()) {
            return ServerSecurity.tokens(shown, secret, TokenFile.at(tokens.get()));
        }
        if (authority.isEmpty()) {
            return ServerSecurity.tls(shown, secret);
        }
        ServerSecurity mutual = ServerSecurity.mutualTls(shown, secret, authority.get());
        return revoked.isEmpty() ? mutual : mutual.withRevocations(RevocationList.crl(revoked.get(), authority.get()));
    }
}
