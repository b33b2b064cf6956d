package io.fedlearn.grpc.security;

import io.fedlearn.grpc.TransportException;
import java.io.IOException;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.PKIXBuilderParameters;
import java.security.cert.X509CertSelector;
import java.security.cert.X509Certificate;
import java.util.List;
import javax.net.ssl.CertPathTrustManagerParameters;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509ExtendedTrustManager;

/** Authorities whose certificates are believed, from a file. Immutable. */
final class Authorities {
    private final List<X509Certificate> certificates;
    private final X509ExtendedTrustManager trust;

    private Authorities(List<X509Certificate> certificates, X509ExtendedTrustManager trust) {
        this.certificates = certificates;
        this.trust = trust;
    }

    static Authorities read(Path file) {
        List<X509Certificate> certificates = PemFiles.certificates("CA", file);
        for (X509Certificate certificate : certificates) {
            if (certificate.getBasicConstraints() < 0) {
                throw PemFiles.problem(
                        "CA",
                        file,
                        "holds the certificate of "
                                + certificate.getSubjectX500Principal().getName()
                                + ", which is not one of an authority");
            }
        }
        if (certificates.stream()
                .allMatch(certificate -> certificate.getNotAfter().getTime() < System.currentTimeMillis())) {
            throw PemFiles.problem(
                    "CA",
                    file,
                    "expired on " + certificates.get(0).getNotAfter().toInstant());
        }
        return new Authorities(certificates, trust(file, certificates));
    }

    /** The authorities that this Java believes. */
    static X509ExtendedTrustManager ofThisJava() {
        try {
            TrustManagerFactory factory = TrustManagerFactory.getInstance("PKIX");
            factory.init((KeyStore) null);
            return extended(factory);
        } catch (GeneralSecurityException e) {
            throw new TransportException(
                    TransportException.Reason.SECURITY, "the authorities that this Java trusts cannot be read", e);
        }
    }

    List<X509Certificate> certificates() {
        return certificates;
    }

    X509ExtendedTrustManager trust() {
        return trust;
    }

    private static X509ExtendedTrustManager trust(Path file, List<X509Certificate> certificates) {
        try {
            KeyStore anchors = KeyStore.getInstance(KeyStore.getDefaultType());
            anchors.load(null, null);
            for (int i = 0; i < certificates.size(); i++) {
                anchors.setCertificateEntry("ca-" + i, certificates.get(i));
            }
            PKIXBuilderParameters parameters = new PKIXBuilderParameters(anchors, new X509CertSelector());
            // Lists of what is revoked are read and checked here, not fetched from where a certificate says.
            parameters.setRevocationEnabled(false);
            TrustManagerFactory factory = TrustManagerFactory.getInstance("PKIX");
            factory.init(new CertPathTrustManagerParameters(parameters));
            return extended(factory);
        } catch (GeneralSecurityException | IOException e) {
            throw PemFiles.problem("CA", file, "cannot be used", e);
        }
    }

    private static X509ExtendedTrustManager extended(TrustManagerFactory factory) {
        for (TrustManager manager : factory.getTrustManagers()) {
            if (manager instanceof X509ExtendedTrustManager extended) {
                return extended;
            }
        }
        throw new IllegalStateException("this Java has no trust manager for certificates of X.509");
    }
}
