package io.fedlearn.examples.certs;

import io.fedlearn.examples.run.InputException;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.PrivateKey;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.ECGenParameterSpec;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Arrays;
import java.util.Base64;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Keys, certificates and requests in PEM files, which appear whole or not at all and are never written over. */
public final class CertificateFiles {
    static final String CERTIFICATE = "CERTIFICATE";
    static final String REQUEST = "CERTIFICATE REQUEST";
    static final String CRL = "X509 CRL";

    /** What a private key in PKCS#8 is called in PEM; its file is for its owner's eyes only. */
    public static final String PRIVATE_KEY = "PRIVATE KEY";

    /** What a public key is called in PEM. */
    public static final String PUBLIC_KEY = "PUBLIC KEY";

    private static final int MAX_BYTES = 1 << 20;
    private static final Pattern BLOCK =
            Pattern.compile("-----BEGIN ([A-Z0-9 ]+)-----([^-]*)-----END \\1-----", Pattern.DOTALL);

    /** What a PEM file holds first. */
    record Block(String type, byte[] content) {}

    private CertificateFiles() {}

    /** Keys on the curve P-256: small, quick, and taken everywhere. */
    static KeyPair newKeys() {
        try {
            KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
            generator.initialize(new ECGenParameterSpec("secp256r1"));
            return generator.generateKeyPair();
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("every Java has keys on P-256", e);
        }
    }

    /** A folder that is made where there is none, for its owner only. */
    public static Path folder(Path folder) {
        try {
            if (!Files.isDirectory(folder)) {
                Files.createDirectories(folder, permissions(folder, "rwx------"));
            }
            return folder;
        } catch (IOException e) {
            throw InputException.of("cannot make the folder " + folder, e);
        }
    }

    /** Writes a file that must not be there yet. */
    public static void writeNew(Path file, String type, byte[] content) {
        writeNew(file, pem(type, content), type.equals(PRIVATE_KEY));
    }

    /** Writes a file that must not be there yet, for its owner's eyes only if it is a secret. */
    static void writeNew(Path file, String text, boolean isSecret) {
        refuseExisting(file);
        try {
            Path aside = aside(file, text, isSecret);
            try {
                // Unlike a move, a link is never made over another file.
                Files.createLink(file, aside);
            } catch (UnsupportedOperationException e) {
                Files.move(aside, file, StandardCopyOption.ATOMIC_MOVE);
            } finally {
                Files.deleteIfExists(aside);
            }
        } catch (FileAlreadyExistsException e) {
            throw new InputException(exists(file), e);
        } catch (IOException e) {
            throw InputException.of("cannot write " + file, e);
        }
    }

    /** Writes a file over what was there, keeping who may read it. */
    static void replace(Path file, String text, boolean isSecret) {
        try {
            Path aside = aside(file, text, isSecret);
            if (Files.exists(file) && isPosix(file)) {
                Files.setPosixFilePermissions(aside, Files.getPosixFilePermissions(file));
            }
            Files.move(aside, file, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            throw InputException.of("cannot write " + file, e);
        }
    }

    /** Refuses, before anything is made, a file that is there already. */
    public static void refuseExisting(Path file) {
        if (Files.exists(file)) {
            throw new InputException(exists(file));
        }
    }

    /** Bytes as PEM. */
    static String pem(String type, byte[] content) {
        return "-----BEGIN " + type + "-----\n"
                + Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(content) + "\n-----END " + type
                + "-----\n";
    }

    /** What this file holds first. */
    static Block read(Path file) {
        String text = text(file);
        Matcher block = BLOCK.matcher(text);
        if (!block.find()) {
            throw new InputException(file + " holds nothing in PEM (-----BEGIN ...-----)");
        }
        try {
            return new Block(block.group(1), Base64.getMimeDecoder().decode(block.group(2)));
        } catch (IllegalArgumentException e) {
            // The cause would quote a character, perhaps of a key.
            throw new InputException(file + " is damaged: what is between BEGIN and END is not Base64");
        }
    }

    /** What this file holds first, which must be of this type. */
    static byte[] read(Path file, String type) {
        Block block = read(file);
        boolean isRequest = type.equals(REQUEST) && block.type().equals("NEW CERTIFICATE REQUEST");
        if (!block.type().equals(type) && !isRequest) {
            throw new InputException(file + " holds " + block.type() + ", not " + type);
        }
        return block.content();
    }

    static X509Certificate certificate(Path file) {
        return certificate(file, read(file, CERTIFICATE));
    }

    static X509Certificate certificate(Path file, byte[] encoded) {
        try {
            return (X509Certificate)
                    CertificateFactory.getInstance("X.509").generateCertificate(new ByteArrayInputStream(encoded));
        } catch (CertificateException e) {
            throw new InputException(file + " is damaged: not a certificate of X.509", e);
        }
    }

    static PrivateKey privateKey(Path file) {
        byte[] encoded = read(file, PRIVATE_KEY);
        try {
            return KeyFactory.getInstance("EC").generatePrivate(new PKCS8EncodedKeySpec(encoded));
        } catch (GeneralSecurityException e) {
            throw new InputException(file + " is damaged, or no key of an elliptic curve");
        } finally {
            Arrays.fill(encoded, (byte) 0);
        }
    }

    /** The text of a small file. */
    static String text(Path file) {
        try {
            if (Files.size(file) > MAX_BYTES) {
                throw new InputException(file + " has " + Files.size(file) + " bytes, at most " + MAX_BYTES
                        + " are read: it is none of these files");
            }
            return Files.readString(file, StandardCharsets.ISO_8859_1);
        } catch (NoSuchFileException e) {
            throw new InputException(file + " does not exist", e);
        } catch (IOException e) {
            throw InputException.of("cannot read " + file, e);
        }
    }

    /** A client's id as the name of a file. */
    static String fileName(String clientId) {
        String name = clientId.replaceAll("[^A-Za-z0-9._-]", "_");
        return name.startsWith(".") ? "_" + name.substring(1) : name;
    }

    /** What is wrong with a client's id, if anything. */
    static Optional<String> problem(String clientId) {
        // 64: as long as a common name of X.520 may be.
        if (clientId.isBlank() || clientId.length() > 64) {
            return Optional.of("must have 1 to 64 characters");
        }
        boolean isPlain = clientId.equals(clientId.strip())
                && !clientId.startsWith("#")
                && clientId.chars().noneMatch(Character::isISOControl);
        return isPlain
                ? Optional.empty()
                : Optional.of("must not begin with '#' nor begin or end with a space, nor have control characters");
    }

    private static Path aside(Path file, String text, boolean isSecret) throws IOException {
        Path folder = file.toAbsolutePath().getParent();
        // createTempFile makes it readable by its owner only, from the first moment.
        Path aside = Files.createTempFile(folder, ".certs-", ".part");
        try (FileChannel channel = FileChannel.open(aside, StandardOpenOption.WRITE)) {
            ByteBuffer bytes = ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8));
            while (bytes.hasRemaining()) {
                channel.write(bytes);
            }
            channel.force(true);
        } catch (IOException e) {
            Files.deleteIfExists(aside);
            throw e;
        }
        if (!isSecret && isPosix(aside)) {
            Files.setPosixFilePermissions(aside, PosixFilePermissions.fromString("rw-r--r--"));
        }
        return aside;
    }

    private static FileAttribute<?>[] permissions(Path path, String permissions) {
        if (!path.getFileSystem().supportedFileAttributeViews().contains("posix")) {
            return new FileAttribute<?>[0];
        }
        Set<PosixFilePermission> set = PosixFilePermissions.fromString(permissions);
        return new FileAttribute<?>[] {PosixFilePermissions.asFileAttribute(set)};
    }

    private static boolean isPosix(Path path) {
        return path.getFileSystem().supportedFileAttributeViews().contains("posix");
    }

    private static String exists(Path file) {
        return file + " exists already and is not written over: move it away, or name another place";
    }
}
