package io.fedlearn.formats.numpy;

import io.fedlearn.formats.FormatException;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;

/**
 * The bytes of a zip archive on their way to a reader of its entries: counts them and keeps the last ones, where the
 * archive's directory says how many entries there are. A reader of entries alone would take an archive cut between two
 * of them for whole.
 */
final class ZipTail extends FilterInputStream {
    private static final int END_LENGTH = 22;
    private static final int MAX_COMMENT = 0xffff;
    private static final int ENTRIES_AT = 10;
    private static final int COMMENT_LENGTH_AT = 20;
    /** Stands for "more than fits, see the 64-bit directory". */
    private static final int MANY = 0xffff;

    private final byte[] ring = new byte[1 << 17];
    private long count;

    ZipTail(InputStream in) {
        super(in);
    }

    /** The number of bytes that have passed. */
    long count() {
        return count;
    }

    @Override
    public int read() throws IOException {
        int value = super.read();
        if (value >= 0) {
            ring[(int) (count++ & ring.length - 1)] = (byte) value;
        }
        return value;
    }

    @Override
    public int read(byte[] target, int at, int room) throws IOException {
        int step = super.read(target, at, room);
        for (int done = Math.max(0, step - ring.length); done < step; ) {
            int place = (int) (count + done & ring.length - 1);
            int length = Math.min(step - done, ring.length - place);
            System.arraycopy(target, at + done, ring, place, length);
            done += length;
        }
        count += Math.max(0, step);
        return step;
    }

    @Override
    public long skip(long wanted) throws IOException {
        long done = 0;
        while (done < wanted && read() >= 0) {
            done++;
        }
        return done;
    }

    /** Reads the rest of the archive and compares the number of its entries with what its directory says. */
    void requireEntries(int entries, String source) throws IOException {
        byte[] rest = new byte[1 << 13];
        while (read(rest, 0, rest.length) >= 0) {
            continue;
        }
        for (long end = count - END_LENGTH; end >= Math.max(0, count - END_LENGTH - MAX_COMMENT); end--) {
            if (at(end) == 'P'
                    && at(end + 1) == 'K'
                    && at(end + 2) == 5
                    && at(end + 3) == 6
                    && end + END_LENGTH + unsignedShort(end + COMMENT_LENGTH_AT) == count) {
                int said = unsignedShort(end + ENTRIES_AT);
                if (said == MANY ? entries < MANY : entries != said) {
                    throw new FormatException(
                            source,
                            "its directory must list " + entries + " entries, as many as it has, lists " + said);
                }
                return;
            }
        }
        throw new FormatException(source, "is not a zip archive, or is truncated: its directory has no end");
    }

    private int at(long index) {
        return ring[(int) (index & ring.length - 1)];
    }

    private int unsignedShort(long index) {
        return at(index) & 0xff | (at(index + 1) & 0xff) << 8;
    }
}
