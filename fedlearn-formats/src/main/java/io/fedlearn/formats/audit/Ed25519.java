package io.fedlearn.formats.audit;

import io.fedlearn.formats.FormatException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyPairGenerator;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.SecureRandom;
import java.security.Signature;
import java.security.interfaces.EdECKey;
import java.security.interfaces.EdECPrivateKey;
import java.security.spec.InvalidKeySpecException;
import java.security.spec.NamedParameterSpec;
import java.security.spec.PKCS8EncodedKeySpec;
import java.security.spec.X509EncodedKeySpec;
import java.util.Arrays;
import java.util.Base64;
import java.util.HexFormat;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Keys and signatures of Ed25519 (RFC 8032), as the JDK has them. */
final class Ed25519 {
    private static final String NAME = "Ed25519";
    private static final String PRIVATE_KEY = "PRIVATE KEY";
    private static final String PUBLIC_KEY = "PUBLIC KEY";
    private static final int MAX_FILE_BYTES = 1 << 16;
    private static final Pattern BLOCK =
            Pattern.compile("-----BEGIN ([A-Z0-9 ]+)-----([^-]*)-----END \\1-----", Pattern.DOTALL);

    private Ed25519() {}

    /** Lets pass a key of this algorithm. */
    static <K extends java.security.Key> K require(K key) {
        if (!(key instanceof EdECKey known) || !known.getParams().getName().equals(NAME)) {
            throw new IllegalArgumentException("key must be of " + NAME + ", was of " + key.getAlgorithm());
        }
        return key;
    }

    static String keyId(PublicKey key) {
        try {
            return HexFormat.of()
                    .formatHex(MessageDigest.getInstance("SHA-256").digest(key.getEncoded()))
                    .substring(0, AuditSignature.KEY_ID_LENGTH);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform must have SHA-256", e);
        }
    }

    static byte[] sign(PrivateKey key, byte[] message) {
        try {
            Signature signature = Signature.getInstance(NAME);
            signature.initSign(key);
            signature.update(message);
            return signature.sign();
        } catch (GeneralSecurityException e) {
            throw new IllegalArgumentException("the key cannot sign", e);
        }
    }

    static boolean verify(PublicKey key, byte[] message, byte[] value) {
        try {
            Signature signature = Signature.getInstance(NAME);
            signature.initVerify(key);
            signature.update(message);
            return signature.verify(value);
        } catch (GeneralSecurityException e) {
            return false; // a value that is no signature at all
        }
    }

    /** The public half of a private key; empty if the key does not let its bytes be seen, as one in hardware. */
    static Optional<PublicKey> publicHalf(PrivateKey key) {
        Optional<byte[]> secret = key instanceof EdECPrivateKey visible ? visible.getBytes() : Optional.empty();
        if (secret.isEmpty()) {
            return Optional.empty();
        }
        try {
            // Nothing of the JDK's gives it, but a new pair is made of random bytes, and these are the ones.
            KeyPairGenerator generator = KeyPairGenerator.getInstance(NAME);
            generator.initialize(NamedParameterSpec.ED25519, new Known(secret.get()));
            PublicKey half = generator.generateKeyPair().getPublic();
            byte[] probe = {1};
            return verify(half, probe, sign(key, probe)) ? Optional.of(half) : Optional.empty();
        } catch (GeneralSecurityException e) {
            return Optional.empty();
        } finally {
            Arrays.fill(secret.get(), (byte) 0);
        }
    }

    /** Gives the bytes that it was given. */
    private static final class Known extends SecureRandom {
        private static final long serialVersionUID = 1L;

        private final transient byte[] bytes;

        Known(byte[] bytes) {
            this.bytes = bytes;
        }

        @Override
        public void nextBytes(byte[] out) {
            System.arraycopy(bytes, 0, out, 0, Math.min(bytes.length, out.length));
        }
    }

    static PrivateKey readPrivate(Path file) throws IOException {
        byte[] encoded = read(file, PRIVATE_KEY);
        try {
            return KeyFactory.getInstance(NAME).generatePrivate(new PKCS8EncodedKeySpec(encoded));
        } catch (InvalidKeySpecException e) {
            // Without the cause, which may tell of the key.
            throw new FormatException(file.toString(), "must hold a private key of " + NAME + " (PKCS#8)");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java since 15 must have " + NAME, e);
        } finally {
            Arrays.fill(encoded, (byte) 0);
        }
    }

    static PublicKey readPublic(Path file) throws IOException {
        try {
            return KeyFactory.getInstance(NAME).generatePublic(new X509EncodedKeySpec(read(file, PUBLIC_KEY)));
        } catch (InvalidKeySpecException e) {
            throw new FormatException(file.toString(), "must hold a public key of " + NAME, e);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java since 15 must have " + NAME, e);
        }
    }

    private static byte[] read(Path file, String type) throws IOException {
        if (!Files.exists(file)) {
            throw new NoSuchFileException(file.toString());
        }
        if (Files.size(file) > MAX_FILE_BYTES) {
            throw new FormatException(file.toString(), "must be a key in PEM, has " + Files.size(file) + " bytes");
        }
        Matcher block = BLOCK.matcher(Files.readString(file, StandardCharsets.ISO_8859_1));
        if (!block.find()) {
            throw new FormatException(file.toString(), "must hold -----BEGIN " + type + "-----");
        }
        if (!block.group(1).equals(type)) {
            throw new FormatException(file.toString(), "must hold " + type + " in PEM, holds " + block.group(1));
        }
        try {
            return Base64.getMimeDecoder().decode(block.group(2));
        } catch (IllegalArgumentException e) {
            // Without the cause, which would quote a character, perhaps of a key.
            throw new FormatException(file.toString(), "must be Base64 between BEGIN and END");
        }
    }
}
