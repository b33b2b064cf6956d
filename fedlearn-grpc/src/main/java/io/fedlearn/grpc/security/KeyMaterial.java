package io.fedlearn.grpc.security;

import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.security.GeneralSecurityException;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.Signature;
import java.security.cert.CertificateExpiredException;
import java.security.cert.CertificateNotYetValidException;
import java.security.cert.X509Certificate;
import java.util.List;
import java.util.Set;

/** A private key with the certificates that belong to it, its own first. Immutable. */
final class KeyMaterial {
    private static final Logger LOG = System.getLogger(KeyMaterial.class.getName());
    private static final byte[] PROBE = {'f', 'e', 'd', 'l', 'e', 'a', 'r', 'n'};

    private final List<X509Certificate> chain;
    private final PrivateKey key;

    private KeyMaterial(List<X509Certificate> chain, PrivateKey key) {
        this.chain = chain;
        this.key = key;
    }

    /** Reads and checks a key and its certificates. */
    static KeyMaterial read(Path certificateFile, Path keyFile) {
        List<X509Certificate> chain = PemFiles.certificates("certificate", certificateFile);
        PrivateKey key = PemFiles.privateKey("private key", keyFile);
        X509Certificate own = chain.get(0);
        try {
            own.checkValidity();
        } catch (CertificateExpiredException e) {
            throw PemFiles.problem(
                    "certificate",
                    certificateFile,
                    "expired on " + own.getNotAfter().toInstant(),
                    e);
        } catch (CertificateNotYetValidException e) {
            throw PemFiles.problem(
                    "certificate",
                    certificateFile,
                    "is not valid before " + own.getNotBefore().toInstant() + "; is this machine's clock right?",
                    e);
        }
        if (!fit(own.getPublicKey(), key)) {
            throw PemFiles.problem(
                    "private key", keyFile, "does not belong to the first certificate of " + certificateFile);
        }
        warnOfReaders(keyFile);
        return new KeyMaterial(chain, key);
    }

    X509Certificate[] chain() {
        return chain.toArray(X509Certificate[]::new);
    }

    X509Certificate certificate() {
        return chain.get(0);
    }

    PrivateKey key() {
        return key;
    }

    private static boolean fit(PublicKey publicKey, PrivateKey privateKey) {
        String algorithm = privateKey.getAlgorithm().equals("EC") ? "SHA256withECDSA" : "SHA256withRSA";
        try {
            Signature signing = Signature.getInstance(algorithm);
            signing.initSign(privateKey);
            signing.update(PROBE);
            byte[] signature = signing.sign();
            Signature checking = Signature.getInstance(algorithm);
            checking.initVerify(publicKey);
            checking.update(PROBE);
            return checking.verify(signature);
        } catch (GeneralSecurityException e) {
            // Of another algorithm than the certificate's.
            return false;
        }
    }

    private static void warnOfReaders(Path keyFile) {
        try {
            Set<PosixFilePermission> permissions = Files.getPosixFilePermissions(keyFile);
            if (permissions.contains(PosixFilePermission.OTHERS_READ)) {
                LOG.log(
                        Level.WARNING,
                        () -> "private key " + keyFile
                                + " can be read by every user of this machine; chmod 600 changes that");
            }
        } catch (IOException | UnsupportedOperationException e) {
            // No such permissions there.
        }
    }

    @Override
    public String toString() {
        return "key of " + certificate().getSubjectX500Principal().getName();
    }
}
