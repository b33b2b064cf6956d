package io.fedlearn.examples.certs;

import io.fedlearn.examples.run.InputException;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.math.BigInteger;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.SecureRandom;
import java.security.cert.CertificateFactory;
import java.security.cert.X509CRL;
import java.security.cert.X509CRLEntry;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Date;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x500.style.BCStyle;
import org.bouncycastle.asn1.x509.BasicConstraints;
import org.bouncycastle.asn1.x509.CRLNumber;
import org.bouncycastle.asn1.x509.CRLReason;
import org.bouncycastle.asn1.x509.ExtendedKeyUsage;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.asn1.x509.KeyPurposeId;
import org.bouncycastle.asn1.x509.KeyUsage;
import org.bouncycastle.cert.X509v2CRLBuilder;
import org.bouncycastle.cert.jcajce.JcaX509CertificateConverter;
import org.bouncycastle.cert.jcajce.JcaX509CertificateHolder;
import org.bouncycastle.cert.jcajce.JcaX509ExtensionUtils;
import org.bouncycastle.cert.jcajce.JcaX509v3CertificateBuilder;
import org.bouncycastle.operator.ContentSigner;
import org.bouncycastle.operator.OperatorCreationException;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;

/**
 * A certificate authority in a folder: small, without a password, for a trial among people who know each other. It remembers what it
 * issued. Not for several processes at a time.
 *
 * <pre>
 * ca.pem           its certificate, for servers and clients
 * ca-key.pem       its private key: who has it can be any client
 * crl.pem          what it revoked, for servers
 * issued/*.pem     every certificate that it issued
 * </pre>
 */
public final class TrialAuthority {
    /** How long an authority lasts unless told otherwise, in days: {@value}, five years. */
    public static final int AUTHORITY_DAYS = 1826;

    /** How long a certificate lasts unless told otherwise, in days: {@value}. */
    public static final int CERTIFICATE_DAYS = 365;

    /** Until a revocation list should be written anew, in days: {@value}. */
    public static final int REVOCATION_DAYS = 365;

    private static final String ISSUED = "issued";
    // Clocks of sites differ.
    private static final Duration SLACK = Duration.ofMinutes(10);

    private final Path folder;
    private final X509Certificate certificate;
    private final PrivateKey key;

    /**
     * A certificate with its key, made on this machine.
     *
     * @param certificate the certificate
     * @param certificateFile where it lies
     * @param keyFile where its private key lies
     */
    public record Issued(X509Certificate certificate, Path certificateFile, Path keyFile) {}

    private TrialAuthority(Path folder, X509Certificate certificate, PrivateKey key) {
        this.folder = folder;
        this.certificate = certificate;
        this.key = key;
    }

    /**
     * Founds an authority in a folder that holds none.
     *
     * @throws InputException if it does, or cannot be written
     */
    public static TrialAuthority create(Path folder, String name, int days) {
        CertificateFiles.refuseExisting(folder.resolve("ca.pem"));
        CertificateFiles.refuseExisting(folder.resolve("ca-key.pem"));
        Instant end = end(Instant.now(), days);
        CertificateFiles.folder(folder);
        CertificateFiles.folder(folder.resolve(ISSUED));
        KeyPair keys = CertificateFiles.newKeys();
        try {
            X500Name subject = SiteRequest.name(name);
            JcaX509v3CertificateBuilder builder = builder(subject, subject, keys.getPublic(), end);
            JcaX509ExtensionUtils extensions = new JcaX509ExtensionUtils();
            builder.addExtension(Extension.basicConstraints, true, new BasicConstraints(0));
            builder.addExtension(Extension.keyUsage, true, new KeyUsage(KeyUsage.keyCertSign | KeyUsage.cRLSign));
            builder.addExtension(
                    Extension.subjectKeyIdentifier, false, extensions.createSubjectKeyIdentifier(keys.getPublic()));
            X509Certificate own =
                    new JcaX509CertificateConverter().getCertificate(builder.build(signer(keys.getPrivate())));
            CertificateFiles.writeNew(
                    folder.resolve("ca-key.pem"),
                    CertificateFiles.PRIVATE_KEY,
                    keys.getPrivate().getEncoded());
            CertificateFiles.writeNew(folder.resolve("ca.pem"), CertificateFiles.CERTIFICATE, own.getEncoded());
            TrialAuthority authority = new TrialAuthority(folder, own, keys.getPrivate());
            // From the start, so that servers can be told where it lies.
            authority.writeRevocations(List.of());
            return authority;
        } catch (IOException | GeneralSecurityException e) {
            throw new InputException("cannot make an authority named '" + name + "': " + e.getMessage(), e);
        }
    }

    /**
     * Opens the authority of a folder.
     *
     * @throws InputException if it holds none, or files that cannot be read
     */
    public static TrialAuthority open(Path folder) {
        if (!Files.exists(folder.resolve("ca.pem"))) {
            throw new InputException(
                    folder + " holds no authority (ca.pem): 'fedlearn certs ca --out " + folder + "' founds one");
        }
        return new TrialAuthority(
                folder,
                CertificateFiles.certificate(folder.resolve("ca.pem")),
                CertificateFiles.privateKey(folder.resolve("ca-key.pem")));
    }

    /** The authority's own certificate, which servers and clients trust. */
    public Path certificateFile() {
        return folder.resolve("ca.pem");
    }

    /** What it revoked, which servers read. */
    public Path revocationFile() {
        return folder.resolve("crl.pem");
    }

    /** Issues a certificate to a server at these names and addresses, with a key made here: {@code server.pem, server-key.pem}. */
    public Issued issueServer(List<String> hosts, int days, Path out) {
        if (hosts.isEmpty()) {
            throw new InputException("a server's certificate needs the name of at least one host");
        }
        GeneralName[] names = hosts.stream().map(TrialAuthority::host).toArray(GeneralName[]::new);
        return issueHere(
                "server", hosts.get(0), KeyPurposeId.id_kp_serverAuth, Optional.of(new GeneralNames(names)), days, out);
    }

    /**
     * Issues a certificate to a client with a key made here, {@code ID.pem, ID-key.pem}: for trials on one machine. A site of its own
     * makes its key itself, and a request.
     */
    public Issued issueClient(String clientId, int days, Path out) {
        CertificateFiles.problem(clientId).ifPresent(problem -> {
            throw new InputException("the client's id " + problem + ", was '" + clientId + "'");
        });
        return issueHere(
                CertificateFiles.fileName(clientId),
                clientId,
                KeyPurposeId.id_kp_clientAuth,
                Optional.empty(),
                days,
                out);
    }

    /** Signs a site's request, and writes the certificate, whose purpose is to be a client and nothing else. */
    X509Certificate sign(SiteRequest request, int days, Path out) {
        CertificateFiles.refuseExisting(out);
        X509Certificate issued =
                issue(request.clientId(), request.key(), KeyPurposeId.id_kp_clientAuth, Optional.empty(), days);
        write(out, issued);
        return issued;
    }

    /** Certificates of this id that are neither revoked nor expired, in the order in which they were issued. */
    List<X509Certificate> inForce(String commonName) {
        Set<BigInteger> revoked = new TreeSet<>();
        revocations().forEach(entry -> revoked.add(entry.getSerialNumber()));
        Date now = new Date();
        return issued().stream()
                .filter(one -> one.getNotAfter().after(now) && !revoked.contains(one.getSerialNumber()))
                .filter(one -> commonName(one).equals(commonName))
                .sorted(Comparator.comparing(X509Certificate::getNotBefore))
                .toList();
    }

    /** Whether this authority issued the certificate. */
    boolean hasIssued(X509Certificate other) {
        try {
            other.verify(certificate.getPublicKey());
            return other.getIssuerX500Principal().equals(certificate.getSubjectX500Principal());
        } catch (GeneralSecurityException e) {
            return false;
        }
    }

    /** Revokes these certificates too, and writes the list of all that are, anew in any case. */
    void revoke(List<X509Certificate> certificates) {
        writeRevocations(certificates);
    }

    /** The common name of a certificate. */
    static String commonName(X509Certificate certificate) {
        try {
            return new JcaX509CertificateHolder(certificate)
                    .getSubject()
                    .getRDNs(BCStyle.CN)[0]
                    .getFirst()
                    .getValue()
                    .toString();
        } catch (GeneralSecurityException | ArrayIndexOutOfBoundsException e) {
            return "";
        }
    }

    private Issued issueHere(
            String file, String commonName, KeyPurposeId purpose, Optional<GeneralNames> names, int days, Path out) {
        Path certificateFile = out.resolve(file + ".pem");
        Path keyFile = out.resolve(file + "-key.pem");
        CertificateFiles.refuseExisting(certificateFile);
        CertificateFiles.refuseExisting(keyFile);
        KeyPair keys = CertificateFiles.newKeys();
        X509Certificate issued = issue(commonName, keys.getPublic(), purpose, names, days);
        CertificateFiles.folder(out);
        CertificateFiles.writeNew(
                keyFile, CertificateFiles.PRIVATE_KEY, keys.getPrivate().getEncoded());
        write(certificateFile, issued);
        return new Issued(issued, certificateFile, keyFile);
    }

    private X509Certificate issue(
            String commonName, PublicKey subjectKey, KeyPurposeId purpose, Optional<GeneralNames> names, int days) {
        Instant end = end(Instant.now(), days);
        if (end.isAfter(certificate.getNotAfter().toInstant())) {
            throw new InputException("--days " + days + " is beyond the end of the authority itself, "
                    + LocalDate.ofInstant(certificate.getNotAfter().toInstant(), ZoneOffset.UTC)
                    + ": ask for fewer days, or found a new authority");
        }
        try {
            JcaX509v3CertificateBuilder builder = builder(
                    new JcaX509CertificateHolder(certificate).getSubject(),
                    SiteRequest.name(commonName),
                    subjectKey,
                    end);
            JcaX509ExtensionUtils extensions = new JcaX509ExtensionUtils();
            builder.addExtension(Extension.basicConstraints, true, new BasicConstraints(false));
            builder.addExtension(Extension.keyUsage, true, new KeyUsage(KeyUsage.digitalSignature));
            builder.addExtension(Extension.extendedKeyUsage, false, new ExtendedKeyUsage(purpose));
            builder.addExtension(
                    Extension.subjectKeyIdentifier, false, extensions.createSubjectKeyIdentifier(subjectKey));
            builder.addExtension(
                    Extension.authorityKeyIdentifier, false, extensions.createAuthorityKeyIdentifier(certificate));
            if (names.isPresent()) {
                builder.addExtension(Extension.subjectAlternativeName, false, names.get());
            }
            X509Certificate issued = new JcaX509CertificateConverter().getCertificate(builder.build(signer(key)));
            // Remembered before it is given away.
            write(
                    CertificateFiles.folder(folder.resolve(ISSUED))
                            .resolve(issued.getSerialNumber().toString(16) + ".pem"),
                    issued);
            return issued;
        } catch (IOException | GeneralSecurityException e) {
            throw new InputException("cannot issue a certificate to '" + commonName + "': " + e.getMessage(), e);
        }
    }

    private static JcaX509v3CertificateBuilder builder(
            X500Name issuer, X500Name subject, PublicKey subjectKey, Instant end) {
        return new JcaX509v3CertificateBuilder(
                issuer,
                // 127 random bits: positive, never given twice, and no two processes need to agree on it.
                new BigInteger(127, new SecureRandom()),
                Date.from(Instant.now().minus(SLACK)),
                Date.from(end),
                subject,
                subjectKey);
    }

    private static Instant end(Instant start, int days) {
        if (days < 1) {
            throw new InputException("--days must be at least 1, was " + days);
        }
        return start.plus(Duration.ofDays(days));
    }

    private static GeneralName host(String host) {
        boolean isAddress = host.matches("[0-9.]+") || host.contains(":");
        if (!isAddress && !host.matches("[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?")) {
            throw new InputException("--host must be names or addresses without port, was '" + host + "'");
        }
        try {
            return new GeneralName(isAddress ? GeneralName.iPAddress : GeneralName.dNSName, host);
        } catch (IllegalArgumentException e) {
            throw new InputException("--host " + host + " is no address", e);
        }
    }

    private List<X509Certificate> issued() {
        List<X509Certificate> all = new ArrayList<>();
        try (DirectoryStream<Path> files = Files.newDirectoryStream(folder.resolve(ISSUED), "*.pem")) {
            files.forEach(file -> all.add(CertificateFiles.certificate(file)));
        } catch (IOException e) {
            throw InputException.of("cannot read what was issued, " + folder.resolve(ISSUED), e);
        }
        return all;
    }

    private List<X509CRLEntry> revocations() {
        return list().getRevokedCertificates() == null ? List.of() : List.copyOf(list().getRevokedCertificates());
    }

    private X509CRL list() {
        try {
            return (X509CRL) CertificateFactory.getInstance("X.509")
                    .generateCRL(
                            new ByteArrayInputStream(CertificateFiles.read(revocationFile(), CertificateFiles.CRL)));
        } catch (GeneralSecurityException e) {
            throw new InputException(revocationFile() + " is damaged: not a CRL of X.509", e);
        }
    }

    private void writeRevocations(List<X509Certificate> more) {
        Instant now = Instant.now();
        try {
            X509v2CRLBuilder builder =
                    new X509v2CRLBuilder(new JcaX509CertificateHolder(certificate).getSubject(), Date.from(now));
            builder.setNextUpdate(Date.from(now.plus(Duration.ofDays(REVOCATION_DAYS))));
            Set<BigInteger> listed = new TreeSet<>();
            if (Files.exists(revocationFile())) {
                for (X509CRLEntry entry : revocations()) {
                    listed.add(entry.getSerialNumber());
                    builder.addCRLEntry(
                            entry.getSerialNumber(), entry.getRevocationDate(), CRLReason.privilegeWithdrawn);
                }
            }
            for (X509Certificate one : more) {
                if (listed.add(one.getSerialNumber())) {
                    builder.addCRLEntry(one.getSerialNumber(), Date.from(now), CRLReason.privilegeWithdrawn);
                }
            }
            // A list of a later moment has a larger number.
            builder.addExtension(Extension.cRLNumber, false, new CRLNumber(BigInteger.valueOf(now.toEpochMilli())));
            builder.addExtension(
                    Extension.authorityKeyIdentifier,
                    false,
                    new JcaX509ExtensionUtils().createAuthorityKeyIdentifier(certificate));
            CertificateFiles.replace(
                    revocationFile(),
                    CertificateFiles.pem(
                            CertificateFiles.CRL, builder.build(signer(key)).getEncoded()),
                    false);
        } catch (IOException | GeneralSecurityException e) {
            throw new InputException("cannot write the revocation list " + revocationFile() + ": " + e.getMessage(), e);
        }
    }

    private static void write(Path file, X509Certificate certificate) {
        try {
            CertificateFiles.writeNew(file, CertificateFiles.CERTIFICATE, certificate.getEncoded());
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("a certificate just made has an encoding", e);
        }
    }

    private static ContentSigner signer(PrivateKey key) {
        try {
            return new JcaContentSignerBuilder("SHA256withECDSA").build(key);
        } catch (OperatorCreationException e) {
            throw new InputException("the authority's key cannot sign: " + e.getMessage(), e);
        }
    }
}
