package io.fedlearn.grpc.security;

import io.fedlearn.grpc.TransportException;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Certificates and keys from PEM files. No message quotes what a file holds. */
final class PemFiles {
    private static final long MAX_BYTES = 1 << 20;
    private static final Pattern BLOCK =
            Pattern.compile("-----BEGIN ([A-Z0-9 ]+)-----([^-]*)-----END \\1-----", Pattern.DOTALL);
    private static final List<String> KEY_ALGORITHMS = List.of("EC", "RSA");

    private PemFiles() {}

    /** The certificates of a file, of which there must be one. */
    static List<X509Certificate> certificates(String what, Path file) {
        List<X509Certificate> certificates = new ArrayList<>();
        Matcher blocks = BLOCK.matcher(new String(read(what, file), StandardCharsets.ISO_8859_1));
        String found = "nothing in PEM";
        while (blocks.find()) {
            found = blocks.group(1);
            if (found.equals("CERTIFICATE") || found.equals("X509 CERTIFICATE")) {
                certificates.add(certificate(what, file, decode(what, file, blocks.group(2))));
            }
        }
        if (certificates.isEmpty()) {
            throw problem(what, file, "holds no certificate (-----BEGIN CERTIFICATE-----), but " + found);
        }
        return List.copyOf(certificates);
    }

    /** The private key of a file. */
    static PrivateKey privateKey(String what, Path file) {
        byte[] content = read(what, file);
        try {
            Matcher blocks = BLOCK.matcher(new String(content, StandardCharsets.ISO_8859_1));
            String found = "nothing in PEM";
            while (blocks.find()) {
                found = blocks.group(1);
                switch (found) {
                    case "PRIVATE KEY" -> {
                        return privateKey(what, file, decode(what, file, blocks.group(2)));
                    }
                    case "ENCRYPTED PRIVATE KEY" ->
                        throw problem(
                                what,
                                file,
                                "is encrypted with a password, which a server that starts by itself cannot be asked for;"
                                        + " keep it on an encrypted disk, readable by its user only, and write it with"
                                        + " 'openssl pkcs8 -topk8 -nocrypt'");
                    case "EC PRIVATE KEY", "RSA PRIVATE KEY", "DSA PRIVATE KEY" ->
                        throw problem(
                                what,
                                file,
                                "is in an older format (" + found
                                        + "); PKCS#8 is taken, as 'openssl pkcs8 -topk8 -nocrypt' writes it");
                    default -> {}
                }
            }
            throw problem(what, file, "holds no private key (-----BEGIN PRIVATE KEY-----), but " + found);
        } finally {
            Arrays.fill(content, (byte) 0);
        }
    }

    /** The bytes of a small file. */
    static byte[] read(String what, Path file) {
        try {
            long size = Files.size(file);
            if (size > MAX_BYTES) {
                throw problem(what, file, "has " + size + " bytes, at most " + MAX_BYTES + " are read");
            }
            return Files.readAllBytes(file);
        } catch (NoSuchFileException e) {
            throw problem(what, file, "does not exist", e);
        } catch (AccessDeniedException e) {
            throw problem(what, file, "cannot be read: permission denied", e);
        } catch (IOException e) {
            throw problem(what, file, "cannot be read: " + e.getMessage(), e);
        }
    }

    static TransportException problem(String what, Path file, String reason) {
        return new TransportException(TransportException.Reason.SECURITY, what + " " + file + " " + reason);
    }

    static TransportException problem(String what, Path file, String reason, Throwable cause) {
        return new TransportException(TransportException.Reason.SECURITY, what + " " + file + " " + reason, cause);
    }

    static byte[] decode(String what, Path file, String base64) {
        try {
            return Base64.getMimeDecoder().decode(base64);
        } catch (IllegalArgumentException e) {
            // The cause would quote a character of it.
            throw problem(what, file, "is damaged: what is between BEGIN and END is not Base64");
        }
    }

    private static X509Certificate certificate(String what, Path file, byte[] encoded) {
        try {
            return (X509Certificate)
                    CertificateFactory.getInstance("X.509").generateCertificate(new ByteArrayInputStream(encoded));
        } catch (CertificateException e) {
            throw problem(what, file, "is damaged: not a certificate of X.509", e);
        }
    }

    private static PrivateKey privateKey(String what, Path file, byte[] encoded) {
        try {
            for (String algorithm : KEY_ALGORITHMS) {
                try {
                    return KeyFactory.getInstance(algorithm).generatePrivate(new PKCS8EncodedKeySpec(encoded));
                } catch (GeneralSecurityException e) {
                    // Of another algorithm, or of none.
                }
            }
        } finally {
            Arrays.fill(encoded, (byte) 0);
        }
        throw problem(what, file, "is damaged, or of another algorithm than EC and RSA");
    }
}
