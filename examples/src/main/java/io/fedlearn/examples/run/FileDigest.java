package io.fedlearn.examples.run;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;

/** By what a run knows its data again. */
public final class FileDigest {
    private FileDigest() {}

    /** SHA-256, in hexadecimal, over the SHA-256 of each file in this order. */
    public static String of(List<Path> files) {
        MessageDigest whole = sha256();
        for (Path file : files) {
            whole.update(ByteBuffer.wrap(digest(file)));
        }
        return HexFormat.of().formatHex(whole.digest());
    }

    /** SHA-256, in hexadecimal, over these digests in this order: of data that is not in files. */
    public static String ofDigests(List<String> digests) {
        MessageDigest whole = sha256();
        digests.forEach(digest -> whole.update(HexFormat.of().parseHex(digest)));
        return HexFormat.of().formatHex(whole.digest());
    }

    private static byte[] digest(Path file) {
        MessageDigest digest = sha256();
        byte[] block = new byte[1 << 16];
        try (InputStream in = Files.newInputStream(file)) {
            for (int count = in.read(block); count >= 0; count = in.read(block)) {
                digest.update(block, 0, count);
            }
        } catch (IOException e) {
            throw InputException.of(file + " cannot be read", e);
        }
        return digest.digest();
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has SHA-256", e);
        }
    }
}
