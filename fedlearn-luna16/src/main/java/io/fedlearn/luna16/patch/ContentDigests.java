package io.fedlearn.luna16.patch;

import io.fedlearn.luna16.image.MetaImageHeader;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.zip.CRC32C;

/**
 * SHA-256 of scans' files, remembered in a text file of the cache by path, size and time of change, so that 130 GB need not
 * be read again in each run. Thread-safe, and several processes may use one file.
 *
 * <p>A line is {@code crc sha256 size nanoseconds path}: the CRC-32C of what follows it, in hexadecimal; the digest; the
 * file's size in bytes; when it was changed, in nanoseconds since 1970; and its absolute path. Lines that are not whole count
 * for nothing, of two for one path the later one counts, and the file may be deleted at any time.
 */
final class ContentDigests {
    private static final String NAME = "digests.txt";
    private static final int BLOCK = 1 << 20;
    private static final int CHECKSUM_DIGITS = 8;
    private static final int DIGEST_DIGITS = 64;
    private static final long NANOS = 1_000_000_000L;
    /** A file that was changed just now may be changed again within the resolution of its time. */
    private static final Duration SETTLED = Duration.ofSeconds(2);

    private final Path file;
    private final Map<String, String> known = new ConcurrentHashMap<>();

    private ContentDigests(Path file) {
        this.file = file;
    }

    /** Those that are remembered in a folder. */
    static ContentDigests in(Path folder) throws IOException {
        ContentDigests digests = new ContentDigests(folder.resolve(NAME));
        if (Files.exists(digests.file)) {
            // Not as UTF-8, in which a damaged byte would be an error.
            for (String line :
                    Files.readString(digests.file, StandardCharsets.ISO_8859_1).split("\n", -1)) {
                digests.remember(line);
            }
        }
        return digests;
    }

    private void remember(String line) {
        int digestAt = CHECKSUM_DIGITS + 1;
        int stateAt = digestAt + DIGEST_DIGITS + 1;
        if (line.length() > stateAt
                && line.substring(0, CHECKSUM_DIGITS)
                        .equals(checksum(line.substring(digestAt).getBytes(StandardCharsets.ISO_8859_1)))) {
            String state =
                    new String(line.substring(stateAt).getBytes(StandardCharsets.ISO_8859_1), StandardCharsets.UTF_8);
            known.put(state, line.substring(digestAt, stateAt - 1));
        }
    }

    private static String checksum(byte[] bytes) {
        CRC32C checksum = new CRC32C();
        checksum.update(bytes);
        return HexFormat.of().toHexDigits((int) checksum.getValue());
    }

    static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError("every JDK has SHA-256", e);
        }
    }

    /** One digest over those of the header and of all files with its voxels, in the order of the slices. */
    byte[] of(MetaImageHeader header) throws IOException {
        MessageDigest all = sha256();
        for (Path path : files(header)) {
            all.update(HexFormat.of().parseHex(of(path)));
        }
        return all.digest();
    }

    private static List<Path> files(MetaImageHeader header) {
        List<Path> files = new ArrayList<>();
        files.add(header.file());
        for (String name : header.voxelFiles()) {
            Path voxels = header.file().resolveSibling(name);
            // As in ITK, a file that is not there may be there compressed.
            for (String suffix : List.of("", ".gz", ".Z")) {
                Path there = voxels.resolveSibling(voxels.getFileName() + suffix);
                if (Files.exists(there)) {
                    files.add(there);
                    break;
                }
            }
        }
        return files;
    }

    private String of(Path path) throws IOException {
        BasicFileAttributes attributes = Files.readAttributes(path, BasicFileAttributes.class);
        Instant changed = attributes.lastModifiedTime().toInstant();
        String state = attributes.size() + " " + (changed.getEpochSecond() * NANOS + changed.getNano()) + " "
                + path.toAbsolutePath().normalize();
        String remembered = known.get(state);
        if (remembered != null) {
            return remembered;
        }
        Instant now = Instant.now();
        String digest = digest(path);
        if (changed.isBefore(now.minus(SETTLED)) && state.indexOf('\n') < 0) {
            known.put(state, digest);
            append(digest + " " + state);
        }
        return digest;
    }

    private static String digest(Path path) throws IOException {
        MessageDigest digest = sha256();
        byte[] block = new byte[BLOCK];
        try (InputStream in = Files.newInputStream(path)) {
            for (int count = in.read(block); count >= 0; count = in.read(block)) {
                digest.update(block, 0, count);
            }
        }
        return HexFormat.of().formatHex(digest.digest());
    }

    private void append(String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        String checked = checksum(bytes) + " ";
        // In one write, so that lines of several processes do not mix, and on a line of its own after one that was cut.
        byte[] line = new byte[checked.length() + bytes.length + 2];
        line[0] = '\n';
        System.arraycopy(checked.getBytes(StandardCharsets.US_ASCII), 0, line, 1, checked.length());
        System.arraycopy(bytes, 0, line, 1 + checked.length(), bytes.length);
        line[line.length - 1] = '\n';
        try {
            Files.write(file, line, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
        } catch (IOException e) {
            // What is not remembered is computed again. That the disk is full shows where it matters.
        }
    }
}
