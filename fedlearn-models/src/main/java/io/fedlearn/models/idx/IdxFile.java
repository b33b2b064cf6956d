package io.fedlearn.models.idx;

import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.zip.GZIPInputStream;
import java.util.zip.ZipException;

/**
 * One idx file of unsigned bytes: two zero bytes, the type {@code 0x08}, the number of dimensions, each length as a
 * big-endian int32, the values. What the header promises is compared with what is there before and while memory is
 * taken.
 */
final class IdxFile {
    private static final int UNSIGNED_BYTE = 0x08;
    private static final int MAX_VALUES = Integer.MAX_VALUE - 8;

    private final int[] lengths;
    private final byte[] values;

    private IdxFile(int[] lengths, byte[] values) {
        this.lengths = lengths;
        this.values = values;
    }

    static IdxFile read(Path file, int dimensions) {
        try (InputStream in = open(file)) {
            return read(file, dimensions, in);
        } catch (NoSuchFileException e) {
            throw new IdxException(file, "the file does not exist", e);
        } catch (AccessDeniedException e) {
            throw new IdxException(file, "the file may not be read", e);
        } catch (EOFException | ZipException e) {
            throw new IdxException(file, "the file is not a whole gzip file", e);
        } catch (IOException e) {
            throw new IdxException(file, "the file cannot be read", e);
        }
    }

    private static InputStream open(Path file) throws IOException {
        InputStream in = Files.newInputStream(file);
        if (!file.toString().endsWith(".gz")) {
            return new BufferedInputStream(in);
        }
        try {
            return new GZIPInputStream(in, 1 << 16);
        } catch (IOException e) {
            in.close();
            throw e;
        }
    }

    private static IdxFile read(Path file, int dimensions, InputStream in) throws IOException {
        byte[] header = in.readNBytes(4 + 4 * dimensions);
        if (header.length < 4 || header[0] != 0 || header[1] != 0) {
            throw new IdxException(file, "the file is not an idx file");
        }
        if (header[2] != UNSIGNED_BYTE || header[3] != dimensions) {
            throw new IdxException(
                    file,
                    "the idx file must hold unsigned bytes (type 8) in " + dimensions + " dimensions, holds type "
                            + (header[2] & 0xff) + " in " + (header[3] & 0xff));
        }
        if (header.length < 4 + 4 * dimensions) {
            throw new IdxException(file, "the file ends within its header");
        }
        int[] lengths = new int[dimensions];
        ByteBuffer.wrap(header, 4, 4 * dimensions).asIntBuffer().get(lengths);
        int expected = count(file, lengths);
        // Reads in pieces, so that a header that promises too much takes no memory.
        byte[] values = in.readNBytes(expected);
        if (values.length < expected) {
            throw new IdxException(
                    file,
                    "the file is cut off: " + expected + " values were expected, " + values.length + " are there");
        }
        if (in.read() >= 0) {
            throw new IdxException(file, "the file goes on after its " + expected + " values");
        }
        return new IdxFile(lengths, values);
    }

    private static int count(Path file, int[] lengths) {
        long count = 1;
        for (int length : lengths) {
            if (length < 0 || (length > 0 && count > MAX_VALUES / length)) {
                throw new IdxException(file, "lengths " + Arrays.toString(lengths) + " are negative or too large");
            }
            count *= length;
        }
        return (int) count;
    }

    int length(int dimension) {
        return lengths[dimension];
    }

    /** The values, row-major: the file's own array. */
    byte[] values() {
        return values;
    }
}
