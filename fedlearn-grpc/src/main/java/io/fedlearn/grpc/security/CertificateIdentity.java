package io.fedlearn.grpc.security;

import java.security.cert.CertificateParsingException;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import javax.naming.InvalidNameException;
import javax.naming.ldap.LdapName;
import javax.naming.ldap.Rdn;

/**
 * Reads a client's id from its certificate, once the certificate has been checked; of one that was refused, for the record of
 * refusals alone. An implementation must give two clients two ids, and one client the same id after its certificate was renewed.
 */
@FunctionalInterface
public interface CertificateIdentity {
    /** The client's id; empty if the certificate does not name exactly one, in which case the client is refused. */
    Optional<String> clientId(X509Certificate certificate);

    /** The common name (CN) of the subject: what {@code fedlearn certs} writes. The default. */
    static CertificateIdentity subjectCommonName() {
        return certificate -> {
            List<String> names = new ArrayList<>();
            try {
                for (Rdn part :
                        new LdapName(certificate.getSubjectX500Principal().getName()).getRdns()) {
                    if (part.getType().equalsIgnoreCase("CN") && part.getValue() instanceof String name) {
                        names.add(name);
                    }
                }
            } catch (InvalidNameException e) {
                return Optional.empty();
            }
            return onlyOne(names);
        };
    }

    /** The DNS name among the subject's alternative names, in lower case; there must be just one. */
    static CertificateIdentity dnsName() {
        return certificate -> onlyOne(alternativeNames(certificate, 2)).map(name -> name.toLowerCase(Locale.ROOT));
    }

    /**
     * What follows this prefix in the URI among the subject's alternative names, such as {@code spiffe://hospitals.example/}; there
     * must be just one with the prefix.
     */
    static CertificateIdentity uri(String prefix) {
        if (prefix.isBlank()) {
            throw new IllegalArgumentException("prefix must not be empty: it tells these ids from other URIs");
        }
        return certificate -> onlyOne(alternativeNames(certificate, 6).stream()
                .filter(name -> name.startsWith(prefix))
                .map(name -> name.substring(prefix.length()))
                .toList());
    }

    private static List<String> alternativeNames(X509Certificate certificate, int type) {
        List<String> names = new ArrayList<>();
        try {
            Collection<List<?>> all = certificate.getSubjectAlternativeNames();
            for (List<?> name : all == null ? List.<List<?>>of() : all) {
                if (name.get(0) instanceof Integer kind && kind == type && name.get(1) instanceof String text) {
                    names.add(text);
                }
            }
        } catch (CertificateParsingException e) {
            return List.of();
        }
        return names;
    }

    private static Optional<String> onlyOne(List<String> names) {
        return names.size() == 1 && ClientNames.problem(names.get(0)).isEmpty()
                ? Optional.of(names.get(0))
                : Optional.empty();
    }
}
