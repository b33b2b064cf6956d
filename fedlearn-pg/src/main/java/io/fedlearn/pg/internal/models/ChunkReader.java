package io.fedlearn.pg.internal.models;

import io.fedlearn.formats.internal.run.DamagedException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.sql.SQLException;
import java.util.zip.CRC32C;
import org.postgresql.copy.CopyOut;

/** Reads rows of number, checksum and bytes, in the binary format of COPY, and holds one of them at a time. */
final class ChunkReader {
    /** The columns that are read, in order. */
    static final String COLUMNS = "number, crc32c, bytes";

    private static final int SIGNATURE_BYTES = 11;
    private static final short COLUMN_COUNT = 3;

    private final CopyOut copy;
    private boolean isBegun;
    private int expected;

    ChunkReader(CopyOut copy) {
        this.copy = copy;
    }

    /** The values of the next chunk, little-endian; none left, and so at the end, if there is none. */
    ByteBuffer next() throws SQLException, DamagedException {
        byte[] message = copy.readFromCopy();
        if (message == null) {
            return ByteBuffer.allocate(0);
        }
        ByteBuffer row = ByteBuffer.wrap(message);
        if (!isBegun) {
            // The header comes with the first row or before it.
            isBegun = true;
            row.position(SIGNATURE_BYTES + Integer.BYTES);
            int extension = row.getInt();
            row.position(row.position() + extension);
            if (!row.hasRemaining()) {
                return next();
            }
        }
        if (row.getShort() != COLUMN_COUNT) {
            return ByteBuffer.allocate(0);
        }
        row.getInt();
        int number = row.getInt();
        if (number != expected) {
            throw new DamagedException("chunk " + expected + " is missing");
        }
        expected++;
        row.getInt();
        long crc32c = row.getLong();
        int length = row.getInt();
        CRC32C crc = new CRC32C();
        crc.update(row.array(), row.position(), length);
        if (length == 0 || length != row.remaining() || crc.getValue() != crc32c) {
            throw new DamagedException("chunk " + number + " does not have the checksum that it was written with");
        }
        return row.slice().order(ByteOrder.LITTLE_ENDIAN);
    }

    /** The number of the chunk that comes next. */
    int expected() {
        return expected;
    }
}
