package io.fedlearn.grpc.security;

import java.io.IOException;
import java.math.BigInteger;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Date;
import java.util.List;
import javax.security.auth.x500.X500Principal;
import org.bouncycastle.asn1.x509.BasicConstraints;
import org.bouncycastle.asn1.x509.CRLReason;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.cert.X509CertificateHolder;
import org.bouncycastle.cert.jcajce.JcaX509CertificateConverter;
import org.bouncycastle.cert.jcajce.JcaX509v2CRLBuilder;
import org.bouncycastle.cert.jcajce.JcaX509v3CertificateBuilder;
import org.bouncycastle.operator.ContentSigner;
import org.bouncycastle.operator.OperatorCreationException;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;

/** An authority of tests, with its files in a folder. */
public final class TestAuthority {
    private final Path folder;
    private final String name;
    private final KeyPair keys;
    private final X509Certificate certificate;
    private final List<X509Certificate> revoked = new ArrayList<>();
    private long serial = 1;

    /** A certificate with its key, and the files that hold them. */
    public record Identity(X509Certificate certificate, Path certificateFile, Path keyFile) {}

    private TestAuthority(Path folder, String name) throws IOException {
        this.folder = folder;
        this.name = name;
        this.keys = newKeys("EC");
        this.certificate = sign(name, keys, Duration.ofDays(1), new GeneralName[0], true);
        Files.writeString(authorityFile(), pem("CERTIFICATE", encoded(certificate)));
    }

    /** A new authority of this name. */
    public static TestAuthority in(Path folder, String name) throws IOException {
        return new TestAuthority(folder, name);
    }

    /** The authority's own certificate. */
    public Path authorityFile() {
        return folder.resolve(name + "-ca.pem");
    }

    /** A server's certificate for localhost and 127.0.0.1. */
    public Identity server() throws IOException {
        return issue(
                "server",
                "EC",
                Duration.ofDays(1),
                new GeneralName(GeneralName.dNSName, "localhost"),
                new GeneralName(GeneralName.iPAddress, "127.0.0.1"));
    }

    /** A server's certificate for another host. */
    public Identity serverAt(String host) throws IOException {
        return issue("server-" + host, "EC", Duration.ofDays(1), new GeneralName(GeneralName.dNSName, host));
    }

    /** A client's certificate. */
    public Identity client(String clientId) throws IOException {
        return issue(clientId, "EC", Duration.ofDays(1));
    }

    /** A client's certificate that has expired. */
    public Identity expiredClient(String clientId) throws IOException {
        return issue(clientId, "EC", Duration.ofSeconds(-1));
    }

    /** A certificate with a key of this algorithm, this long from now valid. */
    public Identity issue(String commonName, String algorithm, Duration validity, GeneralName... names)
            throws IOException {
        KeyPair own = newKeys(algorithm);
        X509Certificate issued = sign(commonName, own, validity, names, false);
        String file = commonName + "-" + issued.getSerialNumber() + "-of-" + name;
        Path certificateFile = folder.resolve(file + ".pem");
        Path keyFile = folder.resolve(file + ".key");
        Files.writeString(certificateFile, pem("CERTIFICATE", encoded(issued)));
        Files.writeString(keyFile, pem("PRIVATE KEY", own.getPrivate().getEncoded()));
        Files.setPosixFilePermissions(keyFile, PosixFilePermissions.fromString("rw-------"));
        return new Identity(issued, certificateFile, keyFile);
    }

    /** A certificate that needs no files. */
    X509Certificate sign(String commonName, Duration validity, GeneralName... names) {
        return sign(commonName, newKeys("EC"), validity, names, false);
    }

    /** Revokes these too, and writes the list of all that are. */
    public Path revoke(X509Certificate... certificates) throws IOException {
        revoked.addAll(List.of(certificates));
        JcaX509v2CRLBuilder list = new JcaX509v2CRLBuilder(certificate, new Date());
        list.setNextUpdate(Date.from(Instant.now().plus(Duration.ofDays(1))));
        for (X509Certificate one : revoked) {
            list.addCRLEntry(one.getSerialNumber(), new Date(), CRLReason.privilegeWithdrawn);
        }
        Path file = folder.resolve(name + "-crl.pem");
        Path temporary = folder.resolve(name + "-crl.tmp");
        Files.writeString(temporary, pem("X509 CRL", list.build(signer(keys)).getEncoded()));
        return replace(temporary, file);
    }

    /** Moves a file that nobody has written to for a while over another, so that the change counts at once. */
    public static Path replace(Path ready, Path file) throws IOException {
        Files.setLastModifiedTime(ready, FileTime.from(Instant.now().minus(Duration.ofMinutes(1))));
        return Files.move(ready, file, StandardCopyOption.REPLACE_EXISTING);
    }

    /** Bytes as PEM. */
    public static String pem(String type, byte[] content) {
        return "-----BEGIN " + type + "-----\n"
                + Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(content) + "\n-----END " + type
                + "-----\n";
    }

    private X509Certificate sign(
            String commonName, KeyPair own, Duration validity, GeneralName[] names, boolean isAuthority) {
        try {
            Instant now = Instant.now();
            JcaX509v3CertificateBuilder builder = new JcaX509v3CertificateBuilder(
                    new X500Principal("CN=" + name),
                    BigInteger.valueOf(serial++),
                    Date.from(now.minus(Duration.ofDays(2))),
                    Date.from(now.plus(validity)),
                    new X500Principal("CN=" + commonName),
                    own.getPublic());
            builder.addExtension(Extension.basicConstraints, true, new BasicConstraints(isAuthority));
            if (names.length > 0) {
                builder.addExtension(Extension.subjectAlternativeName, false, new GeneralNames(names));
            }
            X509CertificateHolder issued = builder.build(signer(keys));
            return new JcaX509CertificateConverter().getCertificate(issued);
        } catch (IOException | GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
    }

    private static ContentSigner signer(KeyPair keys) {
        try {
            return new JcaContentSignerBuilder("SHA256withECDSA").build(keys.getPrivate());
        } catch (OperatorCreationException e) {
            throw new IllegalStateException(e);
        }
    }

    private static KeyPair newKeys(String algorithm) {
        try {
            KeyPairGenerator generator = KeyPairGenerator.getInstance(algorithm);
            if (!algorithm.equals("Ed25519")) {
                generator.initialize(algorithm.equals("EC") ? 256 : 2048);
            }
            return generator.generateKeyPair();
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
    }

    private static byte[] encoded(X509Certificate certificate) {
        try {
            return certificate.getEncoded();
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
    }
}
