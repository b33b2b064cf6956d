package io.fedlearn.luna16.patch;

import io.fedlearn.luna16.dataset.Candidate;
import io.fedlearn.luna16.image.Point;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.zip.CRC32C;

/**
 * The patches of one scan in a file. Byte by byte, numbers little-endian:
 * <pre>
 *   0   8   "LUNAPTCH"
 *   8   4   version of this layout: 1
 *   12  4   bytes of the header, H
 *   16  32  the key, a SHA-256 over what the patches were cut from and how; also the file's name
 *   48  12  depth, height and width of a patch
 *   60  4   number of patches, n
 *   64  24  millimetres between voxels along z, y and x (float64)
 *   88  4   bytes of the scan's name, u
 *   92  u   the scan's name (UTF-8)
 *   .   32n for each patch: x, y, z of its centre in mm (float64), 1 for a nodule or 0 (int32), CRC-32C of its voxels
 *   H-4 4   CRC-32C of the header up to here
 *   H       zeros up to a multiple of 64, from where
 *       2n depth height width    voxels in HU (int16), patch after patch, slice after slice, row after row
 * </pre>
 *
 * <p>A patch is read by opening the file, reading and closing it: no handle stays open however many files there are, and an
 * interrupted thread does not close a file that others read. Immutable and thread-safe.
 */
final class CacheFile {
    /** What names of finished files end with. */
    static final String SUFFIX = ".patches";

    /** What names of unfinished files end with. */
    static final String PART = ".part";

    /** Bytes of a key. */
    static final int KEY_BYTES = 32;

    private static final byte[] MAGIC = "LUNAPTCH".getBytes(StandardCharsets.US_ASCII);
    private static final int VERSION = 1;
    private static final int KEY_AT = 16;
    private static final int SHAPE_AT = 48;
    private static final int COUNT_AT = 60;
    private static final int SPACING_AT = 64;
    private static final int NAME_LENGTH_AT = 88;
    private static final int NAME_AT = 92;
    private static final int ENTRY_BYTES = 32;
    private static final int LABEL_AT = 24;
    private static final int CHECKSUM_AT = 28;
    private static final int ALIGNMENT = 64;
    private static final int MAX_NAME_BYTES = 4096;
    private static final int ATTEMPTS = 3;
    /** Tells this process's unfinished files from those of others, which a process number does not do for ever. */
    static final String PROCESS = UUID.randomUUID().toString();

    private final Path path;
    private final ByteBuffer header;
    private final String seriesUid;
    private final PatchShape shape;
    private final int count;
    private final int entriesAt;
    private final long voxelsAt;

    private CacheFile(Path path, ByteBuffer header, String seriesUid, PatchShape shape) {
        this.path = path;
        this.header = header;
        this.seriesUid = seriesUid;
        this.shape = shape;
        this.count = header.getInt(COUNT_AT);
        this.entriesAt = NAME_AT + header.getInt(NAME_LENGTH_AT);
        this.voxelsAt = aligned(header.capacity());
    }

    /** Cuts one patch after the other. */
    @FunctionalInterface
    interface Cutter {
        /** Fills the target with the voxels of a patch. */
        void cut(int index, short[] target) throws InterruptedException;
    }

    private static long aligned(long bytes) {
        return (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    }

    private static int headerBytes(byte[] name, int count) {
        return Math.addExact(NAME_AT + name.length + Integer.BYTES, Math.multiplyExact(ENTRY_BYTES, count));
    }

    /** How many bytes a file of so many patches takes. */
    static long byteCount(String seriesUid, PatchShape shape, int patches) {
        return aligned(headerBytes(seriesUid.getBytes(StandardCharsets.UTF_8), patches))
                + (long) patches * shape.voxelCount() * Short.BYTES;
    }

    /** The file of a key in a folder. */
    static Path path(Path folder, byte[] key) {
        return folder.resolve(HexFormat.of().formatHex(key) + SUFFIX);
    }

    /** Writes a file aside, syncs and renames it: who sees it sees it whole. */
    static CacheFile write(
            Path folder,
            byte[] key,
            String seriesUid,
            PatchShape shape,
            PatchSettings.VoxelSpacing spacing,
            List<Candidate> candidates,
            Cutter cutter)
            throws IOException, InterruptedException {
        Path file = path(folder, key);
        for (int attempt = 1; ; attempt++) {
            Path aside = folder.resolve(file.getFileName() + "." + PROCESS + "." + UUID.randomUUID() + PART);
            try {
                ByteBuffer header;
                try (RandomAccessFile out = new RandomAccessFile(aside.toFile(), "rw")) {
                    lock(out);
                    header = write(out, key, seriesUid, shape, spacing, candidates, cutter);
                    out.getFD().sync();
                }
                // The directory is not synced: a file that a power failure takes away is made again.
                Files.move(aside, file, StandardCopyOption.ATOMIC_MOVE);
                return new CacheFile(file, header, seriesUid, shape);
            } catch (NoSuchFileException e) {
                // Another process may take a file for left over before it is locked, or once it no longer is.
                if (attempt == ATTEMPTS) {
                    throw e;
                }
            } catch (IOException | InterruptedException | RuntimeException | Error e) {
                try {
                    Files.deleteIfExists(aside);
                } catch (IOException notDeleted) {
                    e.addSuppressed(notDeleted);
                }
                throw e;
            }
        }
    }

    /** Locks a file as long as it is open, if the file system has locks; whether it has is of no matter to who writes. */
    private static Optional<FileLock> lock(RandomAccessFile file) {
        try {
            return Optional.ofNullable(file.getChannel().tryLock());
        } catch (IOException | OverlappingFileLockException e) {
            // The latter where this code was loaded twice into one process.
            return Optional.empty();
        }
    }

    /** Deletes what processes that are no more left unfinished. */
    static void deleteLeftovers(Path folder) throws IOException {
        try (DirectoryStream<Path> parts = Files.newDirectoryStream(folder, "*" + PART)) {
            for (Path part : parts) {
                // One of this process must not even be opened: closing it would let its lock go.
                if (!part.getFileName().toString().contains(PROCESS)) {
                    deleteUnlessLocked(part);
                }
            }
        }
    }

    private static void deleteUnlessLocked(Path part) {
        try (RandomAccessFile file = new RandomAccessFile(part.toFile(), "rw")) {
            if (lock(file).isPresent()) {
                Files.deleteIfExists(part);
            }
        } catch (IOException e) {
            // Somebody else's file, or gone meanwhile: no reason not to go on.
        }
    }

    private static ByteBuffer write(
            RandomAccessFile out,
            byte[] key,
            String seriesUid,
            PatchShape shape,
            PatchSettings.VoxelSpacing spacing,
            List<Candidate> candidates,
            Cutter cutter)
            throws IOException, InterruptedException {
        byte[] name = seriesUid.getBytes(StandardCharsets.UTF_8);
        ByteBuffer header =
                ByteBuffer.allocate(headerBytes(name, candidates.size())).order(ByteOrder.LITTLE_ENDIAN);
        header.put(MAGIC).putInt(VERSION).putInt(header.capacity()).put(key);
        header.putInt(shape.depth()).putInt(shape.height()).putInt(shape.width());
        header.putInt(candidates.size());
        header.putDouble(spacing.z()).putDouble(spacing.y()).putDouble(spacing.x());
        header.putInt(name.length).put(name);
        short[] values = new short[shape.voxelCount()];
        ByteBuffer bytes = ByteBuffer.allocate(values.length * Short.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        out.seek(aligned(header.capacity()));
        for (int i = 0; i < candidates.size(); i++) {
            cutter.cut(i, values);
            bytes.asShortBuffer().put(values);
            out.write(bytes.array());
            Point center = candidates.get(i).center();
            header.putDouble(center.x()).putDouble(center.y()).putDouble(center.z());
            header.putInt(candidates.get(i).isNodule() ? 1 : 0);
            header.putInt(checksum(bytes.array(), bytes.capacity()));
        }
        header.putInt(checksum(header.array(), header.position()));
        out.seek(0);
        out.write(header.array());
        return header;
    }

    private static int checksum(byte[] bytes, int count) {
        CRC32C checksum = new CRC32C();
        checksum.update(bytes, 0, count);
        return (int) checksum.getValue();
    }

    /**
     * Opens the file of a key after a check of every byte.
     *
     * @return nothing if there is no such file
     * @throws DamagedException if there is one and it is not as it was written
     */
    static Optional<CacheFile> open(Path folder, byte[] key) throws IOException, DamagedException {
        Path path = path(folder, key);
        if (!Files.exists(path)) {
            return Optional.empty();
        }
        try (RandomAccessFile in = new RandomAccessFile(path.toFile(), "r")) {
            CacheFile file = readHeader(path, in, key);
            byte[] bytes = new byte[file.patchBytes()];
            in.seek(file.voxelsAt);
            for (int i = 0; i < file.count; i++) {
                in.readFully(bytes);
                file.requireChecksum(i, bytes);
            }
            return Optional.of(file);
        }
    }

    private static CacheFile readHeader(Path path, RandomAccessFile in, byte[] key)
            throws IOException, DamagedException {
        long length = in.length();
        ByteBuffer start = ByteBuffer.allocate(NAME_AT).order(ByteOrder.LITTLE_ENDIAN);
        require(length >= NAME_AT, "is too short");
        in.readFully(start.array());
        require(Arrays.equals(start.array(), 0, MAGIC.length, MAGIC, 0, MAGIC.length), "is no file of patches");
        require(start.getInt(MAGIC.length) == VERSION, "has another version");
        require(Arrays.equals(start.array(), KEY_AT, KEY_AT + KEY_BYTES, key, 0, KEY_BYTES), "has another key");
        int count = start.getInt(COUNT_AT);
        int nameLength = start.getInt(NAME_LENGTH_AT);
        require(nameLength >= 0 && nameLength <= MAX_NAME_BYTES, "has a name that is too long");
        int size = start.getInt(MAGIC.length + Integer.BYTES);
        require(
                count >= 0
                        && size == NAME_AT + nameLength + (long) count * ENTRY_BYTES + Integer.BYTES
                        && size <= length,
                "has a header of the wrong length");
        ByteBuffer header = ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN);
        in.seek(0);
        in.readFully(header.array());
        require(header.getInt(size - Integer.BYTES) == checksum(header.array(), size - Integer.BYTES), "is damaged");
        PatchShape shape = new PatchShape(
                header.getInt(SHAPE_AT),
                header.getInt(SHAPE_AT + Integer.BYTES),
                header.getInt(SHAPE_AT + 2 * Integer.BYTES));
        String name = new String(header.array(), NAME_AT, nameLength, StandardCharsets.UTF_8);
        require(length == byteCount(name, shape, count), "has the wrong length");
        return new CacheFile(path, header, name, shape);
    }

    private static void require(boolean right, String otherwise) throws DamagedException {
        if (!right) {
            throw new DamagedException(otherwise);
        }
    }

    private void requireChecksum(int index, byte[] bytes) throws DamagedException {
        require(checksum(bytes, bytes.length) == header.getInt(entry(index) + CHECKSUM_AT), "is damaged");
    }

    private int entry(int index) {
        return entriesAt + index * ENTRY_BYTES;
    }

    /** How many patches there are. */
    int count() {
        return count;
    }

    /** The scan's name. */
    String seriesUid() {
        return seriesUid;
    }

    /** The shape of a patch, the margin included. */
    PatchShape shape() {
        return shape;
    }

    /** How many times further apart voxels are along y than along x. */
    double spacingRatio() {
        return header.getDouble(SPACING_AT + Double.BYTES) / header.getDouble(SPACING_AT + 2 * Double.BYTES);
    }

    /** Whether a patch shows a nodule. */
    boolean isNodule(int index) {
        return header.getInt(entry(index) + LABEL_AT) == 1;
    }

    /** Where a patch's centre is, and what it shows. */
    Candidate candidate(int index) {
        int at = entry(index);
        return new Candidate(
                new Point(
                        header.getDouble(at),
                        header.getDouble(at + Double.BYTES),
                        header.getDouble(at + 2 * Double.BYTES)),
                isNodule(index));
    }

    /** How many bytes the voxels of one patch take. */
    int patchBytes() {
        return shape.voxelCount() * Short.BYTES;
    }

    /**
     * Reads the voxels of one patch, as little-endian 16-bit numbers.
     *
     * @param target of {@link #patchBytes()} bytes
     */
    void read(int index, byte[] target) {
        try (RandomAccessFile in = new RandomAccessFile(path.toFile(), "r")) {
            in.seek(voxelsAt + (long) index * target.length);
            in.readFully(target);
            requireChecksum(index, target);
        } catch (IOException e) {
            throw PatchCacheException.ofReading(path, "cannot be read; prepare the patches again", e);
        } catch (DamagedException e) {
            throw PatchCacheException.ofReading(
                    path, e.getMessage() + " since the patches were prepared; prepare them again", e);
        }
    }

    /** Adds what is in the file to a digest: the header, and through its checksums the voxels. */
    void addTo(MessageDigest digest) {
        digest.update(header.array());
    }

    /** A file is not as it was written. */
    static final class DamagedException extends Exception {
        private static final long serialVersionUID = 1L;

        private DamagedException(String what) {
            super(what);
        }
    }
}
