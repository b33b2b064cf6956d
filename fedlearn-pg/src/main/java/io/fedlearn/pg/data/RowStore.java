package io.fedlearn.pg.data;

import io.fedlearn.core.training.Batch;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.List;

/**
 * Rows of floats and the hash of each row's key, of fixed length: on the heap up to a limit, beyond it in a file that only its owner may
 * read and that has no name any more as soon as it is open, so that nothing is left of it however the process ends. (Where a system cannot
 * delete a file that is open, it goes when the store is closed or the process exits.) Filled by one thread; then read by any number.
 */
final class RowStore implements AutoCloseable {
    private static final int CHUNK_BYTES = 1 << 20;
    private static final long SEGMENT_BYTES = 256L << 20;

    private final int featureLength;
    private final int targetLength;
    private final int rowBytes;
    private final long maxHeapBytes;
    private final Path folder;
    private final MessageDigest digest;
    private final int rowsInChunk;

    /** While it is filled: full chunks, and the one that is being filled. */
    private final List<ByteBuffer> chunks = new ArrayList<>();

    private ByteBuffer chunk;
    private FloatBuffer chunkFloats;
    private int rowsInLast;
    private long rowCount;
    private int rowsInSegment;
    private Path file = Path.of("");
    private boolean isFileNamed;
    private boolean isOnDisk;
    private FileChannel[] channel = {};

    private volatile Segments segments = new Segments(new ByteBuffer[0], new FloatBuffer[0], true);

    /** What readers look at. */
    private static final class Segments {
        final ByteBuffer[] bytes;
        final FloatBuffer[] floats;
        final boolean isOpen;

        Segments(ByteBuffer[] bytes, FloatBuffer[] floats, boolean isOpen) {
            this.bytes = bytes;
            this.floats = floats;
            this.isOpen = isOpen;
        }
    }

    /**
     * An empty store.
     *
     * @param digest is updated with all that is stored
     */
    RowStore(int featureLength, int targetLength, long maxHeapBytes, Path folder, MessageDigest digest) {
        this.featureLength = featureLength;
        this.targetLength = targetLength;
        this.rowBytes =
                Math.addExact(Math.multiplyExact(Math.addExact(featureLength, targetLength), Float.BYTES), Long.BYTES);
        this.maxHeapBytes = maxHeapBytes;
        this.folder = folder;
        this.digest = digest;
        this.rowsInChunk = Math.max(1, CHUNK_BYTES / rowBytes);
        this.rowsInSegment = rowsInChunk;
        this.chunk = newChunk();
        this.chunkFloats = chunk.asFloatBuffer();
    }

    private ByteBuffer newChunk() {
        return ByteBuffer.allocate(rowsInChunk * rowBytes).order(ByteOrder.LITTLE_ENDIAN);
    }

    /** Adds a row: its features, then its targets. */
    void add(float[] row, long hash) {
        if (rowsInLast == rowsInChunk) {
            flush();
        }
        if (rowCount == Integer.MAX_VALUE - 8) {
            throw new PgDatasetException("a data set must have at most " + rowCount + " rows");
        }
        int at = rowsInLast * rowBytes;
        chunkFloats.put(at / Float.BYTES, row, 0, featureLength + targetLength);
        chunk.putLong(at + rowBytes - Long.BYTES, hash);
        rowsInLast++;
        rowCount++;
    }

    private void flush() {
        int length = rowsInLast * rowBytes;
        digest.update(chunk.array(), 0, length);
        if (!isOnDisk && (chunks.size() + 1L) * chunk.capacity() > maxHeapBytes) {
            moveToDisk();
        }
        if (isOnDisk) {
            write(chunk.limit(length));
            chunk.clear();
        } else {
            chunks.add(chunk);
            chunk = newChunk();
            chunkFloats = chunk.asFloatBuffer();
        }
        rowsInLast = 0;
    }

    private void moveToDisk() {
        try {
            FileAttribute<?>[] owners =
                    folder.getFileSystem().supportedFileAttributeViews().contains("posix")
                            ? new FileAttribute<?>[] {
                                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"))
                            }
                            : new FileAttribute<?>[] {};
            file = Files.createTempFile(folder, "fedlearn-rows", ".bin", owners);
            isFileNamed = true;
            channel = new FileChannel[] {FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE)};
        } catch (IOException e) {
            throw failure(e);
        }
        deleteFile();
        if (isFileNamed) {
            file.toFile().deleteOnExit();
        }
        isOnDisk = true;
        for (ByteBuffer full : chunks) {
            write(full);
        }
        chunks.clear();
    }

    private void write(ByteBuffer bytes) {
        try {
            bytes.position(0);
            while (bytes.hasRemaining()) {
                channel[0].write(bytes);
            }
        } catch (IOException e) {
            throw failure(e);
        }
    }

    private PgDatasetException failure(IOException e) {
        return new PgDatasetException(
                "the rows do not fit in " + maxHeapBytes + " bytes of heap and cannot be kept in a file in folder "
                        + folder + ": " + e.getMessage(),
                e);
    }

    private void deleteFile() {
        try {
            Files.deleteIfExists(file);
            isFileNamed = false;
        } catch (IOException e) {
            // Open files cannot be deleted on every system: then it is deleted when the process exits.
        }
    }

    /** Ends filling. */
    void finish() {
        if (rowsInLast > 0) {
            flush();
        }
        ByteBuffer[] bytes = isOnDisk ? mapped() : chunks.toArray(new ByteBuffer[0]);
        FloatBuffer[] floats = new FloatBuffer[bytes.length];
        for (int i = 0; i < bytes.length; i++) {
            floats[i] = bytes[i].order(ByteOrder.LITTLE_ENDIAN).clear().asFloatBuffer();
        }
        chunks.clear();
        chunk = ByteBuffer.allocate(0);
        chunkFloats = chunk.asFloatBuffer();
        segments = new Segments(bytes, floats, true);
    }

    private ByteBuffer[] mapped() {
        // Mapped and not read by position: an interrupted reader would close the channel for all others.
        rowsInSegment = (int) Math.max(1, SEGMENT_BYTES / rowBytes);
        ByteBuffer[] bytes = new ByteBuffer[Math.toIntExact((rowCount + rowsInSegment - 1) / rowsInSegment)];
        try (FileChannel source = channel[0]) {
            for (int i = 0; i < bytes.length; i++) {
                long from = (long) i * rowsInSegment;
                bytes[i] = source.map(
                        FileChannel.MapMode.READ_ONLY,
                        from * rowBytes,
                        Math.min(rowsInSegment, rowCount - from) * rowBytes);
            }
        } catch (IOException e) {
            throw failure(e);
        }
        return bytes;
    }

    int rowCount() {
        return (int) rowCount;
    }

    boolean isOnDisk() {
        return isOnDisk;
    }

    private Segments segments() {
        Segments now = segments;
        if (!now.isOpen) {
            throw new IllegalStateException("the data set is closed");
        }
        return now;
    }

    /** The hash of a row's key. */
    long hash(int row) {
        ByteBuffer bytes = segments().bytes[row / rowsInSegment];
        return bytes.getLong((row % rowsInSegment + 1) * rowBytes - Long.BYTES);
    }

    /** Copies a row into a batch. */
    void copy(int row, Batch batch, int place) {
        FloatBuffer floats = segments().floats[row / rowsInSegment];
        int at = row % rowsInSegment * (rowBytes / Float.BYTES);
        floats.get(at, batch.features(), place * featureLength, featureLength);
        floats.get(at + featureLength, batch.targets(), place * targetLength, targetLength);
    }

    /** Copies a part of a row's features. */
    void copy(int row, int from, float[] target, int length) {
        FloatBuffer floats = segments().floats[row / rowsInSegment];
        floats.get(row % rowsInSegment * (rowBytes / Float.BYTES) + from, target, 0, length);
    }

    @Override
    public void close() {
        segments = new Segments(new ByteBuffer[0], new FloatBuffer[0], false);
        for (FileChannel open : channel) {
            try {
                open.close();
            } catch (IOException e) {
                // It was read only from now on, or is thrown away.
            }
        }
        if (isFileNamed) {
            deleteFile();
        }
    }
}
