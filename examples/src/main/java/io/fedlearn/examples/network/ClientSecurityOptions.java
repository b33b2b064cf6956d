package io.fedlearn.examples.network;

import io.fedlearn.examples.run.InputException;
import io.fedlearn.grpc.security.CertificateIdentity;
import io.fedlearn.grpc.security.ClientSecurity;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.util.Optional;
import picocli.CommandLine.Option;

/** The options by which a client knows its server, and the server the client. */
final class ClientSecurityOptions {
    @Option(
            names = "--ca",
            paramLabel = "FILE.pem",
            order = -39,
            description = "The certificate of the authority that signed the server's.")
    private Optional<Path> authority = Optional.empty();

    @Option(
            names = "--cert",
            paramLabel = "FILE.pem",
            order = -38,
            description = "This site's certificate, whose common name is the client's id.")
    private Optional<Path> certificate = Optional.empty();

    @Option(names = "--key", paramLabel = "FILE.pem", order = -37, description = "The private key of --cert.")
    private Optional<Path> key = Optional.empty();

    @Option(
            names = "--token-file",
            paramLabel = "FILE",
            order = -36,
            description = "A file with the token that this site was given, in place of --cert and --key.")
    private Optional<Path> token = Optional.empty();

    @Option(
            names = "--insecure",
            order = -35,
            description = "Connect without TLS: nobody knows who is who, and anyone on the way can read and change what"
                    + " is sent. For this machine alone.")
    private boolean insecure;

    /** Finds options that do not go together. */
    void check(Protocol protocol) {
        if (insecure) {
            if (authority.isPresent() || certificate.isPresent() || key.isPresent() || token.isPresent()) {
                throw new InputException("--insecure excludes --ca, --cert, --key and --token-file");
            }
            return;
        }
        boolean isNamed = certificate.isPresent() || token.isPresent() || protocol == Protocol.FLOWER;
        if (authority.isEmpty() || !isNamed) {
            throw new InputException("a client needs TLS: --ca with --cert and --key, or --ca with --token-file;"
                    + " 'fedlearn certs --help' says how to make certificates. To a server on this machine that was started"
                    + " with --insecure, --insecure connects without");
        }
        if (certificate.isPresent() != key.isPresent()) {
            throw new InputException("--cert and --key go together");
        }
        if (certificate.isPresent() && token.isPresent()) {
            throw new InputException("--token-file is in place of --cert and --key: pass one of the two");
        }
    }

    /** Whether the client's id is what its certificate says. */
    boolean saysWho() {
        return certificate.isPresent();
    }

    /** The client's id as its certificate says it; empty without one, and for one that the client itself will refuse. */
    Optional<String> certifiedId() {
        if (certificate.isEmpty()) {
            return Optional.empty();
        }
        try (InputStream file = Files.newInputStream(certificate.get())) {
            // Its own certificate comes first, those that vouch for it after.
            return CertificateFactory.getInstance("X.509").generateCertificate(file) instanceof X509Certificate own
                    ? CertificateIdentity.subjectCommonName().clientId(own)
                    : Optional.empty();
        } catch (IOException | CertificateException e) {
            return Optional.empty();
        }
    }

    /** The keys and certificates, read. */
    ClientSecurity security() {
        if (insecure) {
            return ClientSecurity.insecure();
        }
        if (token.isPresent()) {
            return ClientSecurity.tls(authority.orElseThrow()).withTokenFile(token.get());
        }
        if (certificate.isEmpty()) {
            return ClientSecurity.tls(authority.orElseThrow());
        }
        return ClientSecurity.mutualTls(certificate.orElseThrow(), key.orElseThrow(), authority.orElseThrow());
    }
}
