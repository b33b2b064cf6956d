package io.fedlearn.examples.certs;

import io.fedlearn.examples.run.InputException;
import java.io.IOException;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyPair;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.interfaces.ECKey;
import java.security.interfaces.ECPrivateKey;
import java.security.interfaces.RSAKey;
import java.security.spec.ECPublicKeySpec;
import org.bouncycastle.asn1.ASN1String;
import org.bouncycastle.asn1.x500.RDN;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x500.X500NameBuilder;
import org.bouncycastle.asn1.x500.style.BCStyle;
import org.bouncycastle.jce.ECNamedCurveTable;
import org.bouncycastle.jce.spec.ECNamedCurveParameterSpec;
import org.bouncycastle.math.ec.ECPoint;
import org.bouncycastle.operator.OperatorCreationException;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;
import org.bouncycastle.operator.jcajce.JcaContentVerifierProviderBuilder;
import org.bouncycastle.pkcs.PKCSException;
import org.bouncycastle.pkcs.jcajce.JcaPKCS10CertificationRequest;
import org.bouncycastle.pkcs.jcajce.JcaPKCS10CertificationRequestBuilder;

/**
 * A site's request for a certificate (CSR): its id and its public key, signed with the private key, which stays at the site.
 *
 * @param clientId the id it asks for
 * @param key the public key
 */
record SiteRequest(String clientId, PublicKey key) {
    private static final int LEAST_EC_BITS = 256;
    private static final int LEAST_RSA_BITS = 2048;

    /** Makes a request with these keys, in PEM. */
    static String make(String clientId, KeyPair keys) {
        try {
            return CertificateFiles.pem(
                    CertificateFiles.REQUEST,
                    new JcaPKCS10CertificationRequestBuilder(name(clientId), keys.getPublic())
                            .build(new JcaContentSignerBuilder("SHA256withECDSA").build(keys.getPrivate()))
                            .getEncoded());
        } catch (OperatorCreationException | IOException e) {
            throw new InputException("cannot make a request with this key: " + e.getMessage(), e);
        }
    }

    /** Reads a request and checks that who made it has the key, and that the key is strong enough. */
    static SiteRequest read(Path file) {
        try {
            JcaPKCS10CertificationRequest request =
                    new JcaPKCS10CertificationRequest(CertificateFiles.read(file, CertificateFiles.REQUEST));
            PublicKey key = request.getPublicKey();
            if (!request.isSignatureValid(new JcaContentVerifierProviderBuilder().build(key))) {
                throw new InputException(file + " is damaged: it is not signed with the key it is for");
            }
            checkStrength(file, key);
            return new SiteRequest(clientId(file, request.getSubject()), key);
        } catch (IOException | GeneralSecurityException | OperatorCreationException | PKCSException e) {
            throw new InputException(file + " is damaged: not a request for a certificate (PKCS#10)", e);
        }
    }

    /** The key pair of a private key on P-256. */
    static KeyPair keysOf(Path file) {
        PrivateKey key = CertificateFiles.privateKey(file);
        ECNamedCurveParameterSpec curve = ECNamedCurveTable.getParameterSpec("secp256r1");
        if (!(key instanceof ECPrivateKey secret)
                || !secret.getParams().getOrder().equals(curve.getN())) {
            throw new InputException(file + " is not a key on P-256, as 'fedlearn certs request' makes them");
        }
        ECPoint point = curve.getG().multiply(secret.getS()).normalize();
        try {
            return new KeyPair(
                    KeyFactory.getInstance("EC")
                            .generatePublic(new ECPublicKeySpec(
                                    new java.security.spec.ECPoint(
                                            point.getAffineXCoord().toBigInteger(),
                                            point.getAffineYCoord().toBigInteger()),
                                    secret.getParams())),
                    key);
        } catch (GeneralSecurityException e) {
            throw new InputException(file + " is damaged", e);
        }
    }

    /** A name that is this common name and nothing else. */
    static X500Name name(String commonName) {
        return new X500NameBuilder(BCStyle.INSTANCE)
                .addRDN(BCStyle.CN, commonName)
                .build();
    }

    private static void checkStrength(Path file, PublicKey key) {
        boolean isStrong = key instanceof ECKey ec && ec.getParams().getOrder().bitLength() >= LEAST_EC_BITS
                || key instanceof RSAKey rsa && rsa.getModulus().bitLength() >= LEAST_RSA_BITS;
        if (!isStrong) {
            throw new InputException(file + " has a key that is too weak or of another kind: EC of " + LEAST_EC_BITS
                    + " bits or RSA of " + LEAST_RSA_BITS + " is the least");
        }
    }

    private static String clientId(Path file, X500Name subject) {
        RDN[] names = subject.getRDNs(BCStyle.CN);
        if (names.length != 1 || !(names[0].getFirst().getValue() instanceof ASN1String text)) {
            throw new InputException(
                    file + " must name one client, as its common name (CN); it names '" + subject + "'");
        }
        String clientId = text.getString();
        CertificateFiles.problem(clientId).ifPresent(problem -> {
            throw new InputException(file + ": the client's id " + problem);
        });
        return clientId;
    }
}
