package io.fedlearn.luna16.image;

import io.fedlearn.luna16.image.VolumeException.Problem;
import java.io.IOException;
import java.io.InputStream;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.StandardOpenOption;

/** The voxels in one file of numbers in text, read to its end. Confined to one thread at a time. */
final class VoxelText implements AutoCloseable {
    private static final int BLOCK = 1 << 16;
    /** No number that fits 16 bits needs more characters, not even one of 17 digits with an exponent. */
    private static final int MAX_LENGTH = 64;

    /** What an int holds of any digits. */
    private static final int FEW_DIGITS = 9;

    private final VoxelFile file;
    private final InputStream in;
    private final long count;
    private final StringBuilder word = new StringBuilder();
    private final byte[] buffer = new byte[BLOCK];
    private int next;
    private int limit;
    private long done;

    private VoxelText(VoxelFile file, InputStream in, long count) {
        this.file = file;
        this.in = in;
        this.count = count;
    }

    /** @param count how many numbers there must be */
    static VoxelText open(VoxelFile file, long count) {
        try {
            FileChannel channel = FileChannel.open(file.path(), StandardOpenOption.READ);
            try {
                channel.position(file.start());
            } catch (IOException e) {
                channel.close();
                throw e;
            }
            return new VoxelText(file, Channels.newInputStream(channel), count);
        } catch (IOException e) {
            throw failure(file, e);
        }
    }

    /** How many numbers are still to come. */
    long left() {
        return count - done;
    }

    /**
     * Reads exactly so many numbers; with the last ones, also checks that no more follow.
     *
     * @return the place, counted from 0, of the first that is none, or that does not fit, or -1
     */
    int read(ElementType type, short[] target, int offset, int wanted) {
        try {
            for (int i = 0; i < wanted; i++) {
                if (!nextWord()) {
                    throw new VolumeException(
                            Problem.TOO_SHORT, file.path(), "must have " + count + " numbers, has " + done);
                }
                double number = number();
                if (!type.holds(number)) {
                    return i;
                }
                target[offset + i] = (short) Math.rint(number);
                done++;
            }
            if (left() == 0 && nextWord()) {
                throw new VolumeException(Problem.TOO_LONG, file.path(), "must have " + count + " numbers, has more");
            }
            return -1;
        } catch (IOException e) {
            throw failure(file, e);
        }
    }

    private boolean nextWord() throws IOException {
        word.setLength(0);
        int c = nextByte();
        while (isBlank(c)) {
            c = nextByte();
        }
        while (c >= 0 && !isBlank(c) && word.length() <= MAX_LENGTH) {
            word.append((char) c);
            c = nextByte();
        }
        return word.length() > 0;
    }

    private int nextByte() throws IOException {
        if (next == limit) {
            next = 0;
            limit = Math.max(0, in.read(buffer));
            if (limit == 0) {
                return -1;
            }
        }
        return buffer[next++] & 0xff;
    }

    private static boolean isBlank(int c) {
        return c == ' ' || c >= '\t' && c <= '\r';
    }

    private double number() {
        int first = word.charAt(0) == '-' ? 1 : 0;
        int digits = word.length() - first;
        if (digits > 0 && digits <= FEW_DIGITS) {
            int value = 0;
            int i = first;
            while (i < word.length() && word.charAt(i) >= '0' && word.charAt(i) <= '9') {
                value = 10 * value + word.charAt(i++) - '0';
            }
            if (i == word.length()) {
                return first == 0 ? value : -value;
            }
        }
        return decimalNumber();
    }

    private double decimalNumber() {
        for (int i = 0; i < word.length(); i++) {
            char c = word.charAt(i);
            // Java's own idea of a number is wider: hexadecimal, NaN, a trailing f.
            if ((c < '0' || c > '9') && "+-.eE".indexOf(c) < 0) {
                return Double.NaN;
            }
        }
        try {
            return word.length() > MAX_LENGTH ? Double.NaN : Double.parseDouble(word.toString());
        } catch (NumberFormatException e) {
            return Double.NaN;
        }
    }

    private static VolumeException failure(VoxelFile file, IOException e) {
        return new VolumeException(Problem.UNREADABLE, file.path(), "cannot be read: " + e, e);
    }

    @Override
    public void close() {
        try {
            in.close();
        } catch (IOException e) {
            throw failure(file, e);
        }
    }
}
