package io.fedlearn.luna16.image;

import io.fedlearn.luna16.image.VolumeException.Problem;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.PushbackInputStream;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.zip.GZIPInputStream;
import java.util.zip.Inflater;
import java.util.zip.InflaterInputStream;
import java.util.zip.ZipException;
import org.jspecify.annotations.Nullable;

/** The bytes of the voxels in one file, read to their end and not further. Confined to one thread at a time. */
final class VoxelInput implements AutoCloseable {
    private static final int BLOCK = 1 << 16;
    private static final int GZIP_MAGIC = 0x1f8b;
    private static final int LZW_MAGIC = 0x1f9d;

    private final VoxelFile file;
    private final InputStream in;
    private long done;

    private VoxelInput(VoxelFile file, InputStream in) {
        this.file = file;
        this.in = in;
    }

    static VoxelInput open(VoxelFile file) {
        FileChannel channel = null;
        try {
            channel = FileChannel.open(file.path(), StandardOpenOption.READ);
            channel.position(file.start());
            InputStream stored = Channels.newInputStream(channel);
            InputStream in = file.compressed() ? inflated(file.path(), stored) : stored;
            in.skipNBytes(file.skipped());
            return new VoxelInput(file, in);
        } catch (EOFException e) {
            VolumeException failure = new VolumeException(
                    Problem.TOO_SHORT, file.path(), "ends before its voxels, which begin at byte " + file.skipped(), e);
            closeQuietly(channel, failure);
            throw failure;
        } catch (IOException e) {
            VolumeException failure = failure(file.path(), e);
            closeQuietly(channel, failure);
            throw failure;
        } catch (VolumeException e) {
            closeQuietly(channel, e);
            throw e;
        }
    }

    private static void closeQuietly(@Nullable FileChannel channel, Throwable failure) {
        if (channel != null) {
            try {
                channel.close();
            } catch (IOException e) {
                failure.addSuppressed(e);
            }
        }
    }

    private static InputStream inflated(Path path, InputStream stored) throws IOException {
        PushbackInputStream in = new PushbackInputStream(stored, 2);
        byte[] magic = in.readNBytes(2);
        in.unread(magic);
        int first = magic.length < 2 ? 0 : (magic[0] & 0xff) << 8 | magic[1] & 0xff;
        if (first == GZIP_MAGIC) {
            return new GZIPInputStream(in, BLOCK);
        }
        // A zlib stream begins with its method, 8, in the low bits of a byte, and is a multiple of 31.
        if (first == LZW_MAGIC || (first >> 8 & 0xf) != 8 || first % 31 != 0) {
            throw new VolumeException(
                    Problem.BAD_COMPRESSION, path, "compressed voxels must be in zlib or gzip form, are in neither");
        }
        return new ZlibInputStream(in);
    }

    /** Inflates, and gives its memory back when closed. */
    private static final class ZlibInputStream extends InflaterInputStream {
        ZlibInputStream(InputStream in) {
            super(in, new Inflater(), BLOCK);
        }

        @Override
        public void close() throws IOException {
            try {
                super.close();
            } finally {
                inf.end();
            }
        }
    }

    /** How many bytes are still to come. */
    long left() {
        return file.bytes() - done;
    }

    /** Reads exactly so many bytes; with the last ones, also checks that no more follow. */
    void read(byte[] target, int offset, int count) {
        try {
            int read = in.readNBytes(target, offset, count);
            done += read;
            if (read < count) {
                throw tooShort();
            }
            if (left() == 0 && in.read() >= 0) {
                throw new VolumeException(
                        Problem.TOO_LONG, file.path(), "must have " + file.bytes() + " bytes of voxels, has more");
            }
        } catch (EOFException e) {
            VolumeException failure = tooShort();
            failure.initCause(e);
            throw failure;
        } catch (IOException e) {
            throw failure(file.path(), e);
        }
    }

    private VolumeException tooShort() {
        return new VolumeException(
                Problem.TOO_SHORT,
                file.path(),
                "must have " + file.bytes() + " bytes of voxels, " + (file.compressed() ? "expands to " : "has ")
                        + done);
    }

    private static VolumeException failure(Path path, IOException e) {
        if (e instanceof ZipException || e instanceof EOFException) {
            return new VolumeException(
                    Problem.BAD_COMPRESSION, path, "compressed voxels are damaged: " + e.getMessage(), e);
        }
        return new VolumeException(Problem.UNREADABLE, path, "cannot be read: " + e, e);
    }

    @Override
    public void close() {
        try {
            in.close();
        } catch (IOException e) {
            throw failure(file.path(), e);
        }
    }
}
