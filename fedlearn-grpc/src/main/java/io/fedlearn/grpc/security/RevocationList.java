package io.fedlearn.grpc.security;

import java.io.ByteArrayInputStream;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.cert.CRLException;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509CRL;
import java.security.cert.X509CRLEntry;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Date;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * What is no longer accepted: certificates by a revocation list (CRL) that their authority signed, and clients by a list of ids.
 * Its files are read again after they changed, and whoever is connected by then is thrown out. A list whose next update is overdue
 * is used on, with a warning: to stop all clients because one list is old is a decision for people. Only the certificate that a
 * client shows is looked up, not those of the authorities between it and the root: to revoke one of these, take it and what it has
 * signed out of use by another list of authorities. Thread-safe.
 */
public final class RevocationList {
    private static final Logger LOG = System.getLogger(RevocationList.class.getName());
    private static final RevocationList NONE = new RevocationList(List.of(), List.of());

    private final List<Watched<List<X509CRL>>> lists;
    private final List<Watched<Set<String>>> clients;

    private RevocationList(List<Watched<List<X509CRL>>> lists, List<Watched<Set<String>>> clients) {
        this.lists = List.copyOf(lists);
        this.clients = List.copyOf(clients);
    }

    /** Nothing is revoked. */
    public static RevocationList none() {
        return NONE;
    }

    /**
     * The revocation lists of this file, in PEM or DER, each signed by one of these authorities.
     *
     * @throws io.fedlearn.grpc.TransportException if they cannot be read, or another has signed them
     */
    public static RevocationList crl(Path crl, Path authorities) {
        return none().withCrl(crl, authorities);
    }

    /**
     * The clients of this text file, an id in each line; empty lines and lines that begin with {@code #} are skipped.
     *
     * @throws io.fedlearn.grpc.TransportException if it cannot be read
     */
    public static RevocationList clientIds(Path file) {
        return none().withClientIds(file);
    }

    /** What is revoked here or by these lists, as {@link #crl}. */
    public RevocationList withCrl(Path crl, Path authorities) {
        List<Watched<List<X509CRL>>> more = new ArrayList<>(lists);
        more.add(Watched.of(List.of(crl, authorities), () -> readLists(crl, authorities)));
        return new RevocationList(more, clients);
    }

    /** What is revoked here or by these ids, as {@link #clientIds(Path)}. */
    public RevocationList withClientIds(Path file) {
        List<Watched<Set<String>>> more = new ArrayList<>(clients);
        more.add(Watched.of(List.of(file), () -> readClients(file)));
        return new RevocationList(lists, more);
    }

    /** Whether and when this certificate was revoked, in words; empty if it was not. */
    public Optional<String> revocation(X509Certificate certificate) {
        for (Watched<List<X509CRL>> watched : lists) {
            for (X509CRL list : watched.get()) {
                if (!list.getIssuerX500Principal().equals(certificate.getIssuerX500Principal())) {
                    continue;
                }
                X509CRLEntry entry = list.getRevokedCertificate(certificate.getSerialNumber());
                if (entry != null) {
                    return Optional.of(
                            "certificate " + certificate.getSerialNumber().toString(16) + " of "
                                    + CheckedTrustManager.name(certificate) + " was revoked on "
                                    + entry.getRevocationDate().toInstant());
                }
            }
        }
        return Optional.empty();
    }

    /** Whether this client was revoked, in words; empty if it was not. */
    public Optional<String> revocation(String clientId) {
        for (Watched<Set<String>> watched : clients) {
            if (watched.get().contains(clientId)) {
                return Optional.of("client " + clientId + " was revoked");
            }
        }
        return Optional.empty();
    }

    private static List<X509CRL> readLists(Path file, Path authorities) {
        Collection<X509Certificate> signers = PemFiles.certificates("CA", authorities);
        byte[] content = PemFiles.read("revocation list", file);
        List<X509CRL> lists = new ArrayList<>();
        try {
            CertificateFactory.getInstance("X.509")
                    .generateCRLs(new ByteArrayInputStream(content))
                    .forEach(list -> lists.add((X509CRL) list));
        } catch (CertificateException | CRLException e) {
            throw PemFiles.problem("revocation list", file, "is damaged: not a CRL of X.509", e);
        }
        if (lists.isEmpty()) {
            throw PemFiles.problem("revocation list", file, "holds no CRL (-----BEGIN X509 CRL-----)");
        }
        for (X509CRL list : lists) {
            if (signers.stream().noneMatch(signer -> isSigner(signer, list))) {
                throw PemFiles.problem("revocation list", file, "was not signed by an authority of " + authorities);
            }
            Date next = list.getNextUpdate();
            if (next != null && next.getTime() < System.currentTimeMillis()) {
                LOG.log(
                        Level.WARNING,
                        () -> "revocation list " + file + " was to be replaced by " + next.toInstant()
                                + "; what was revoked since is not known here");
            }
        }
        return List.copyOf(lists);
    }

    private static boolean isSigner(X509Certificate signer, X509CRL list) {
        if (!signer.getSubjectX500Principal().equals(list.getIssuerX500Principal())) {
            return false;
        }
        try {
            list.verify(signer.getPublicKey());
            return true;
        } catch (GeneralSecurityException e) {
            return false;
        }
    }

    private static Set<String> readClients(Path file) {
        return new String(PemFiles.read("revoked clients", file), StandardCharsets.UTF_8)
                .lines()
                .map(String::strip)
                .filter(line -> !line.isEmpty() && !line.startsWith("#"))
                .collect(Collectors.toUnmodifiableSet());
    }
}
