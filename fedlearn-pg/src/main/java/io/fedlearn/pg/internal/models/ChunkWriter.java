package io.fedlearn.pg.internal.models;

import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.ModelDigest;
import io.fedlearn.core.tensor.Tensor;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.sql.SQLException;
import java.util.zip.CRC32C;
import org.postgresql.copy.CopyIn;

/**
 * Streams a model's values as rows of {@code model_chunk}, in the binary format of COPY, through one buffer of a chunk's size. No
 * element is split between two chunks.
 */
final class ChunkWriter {
    /** The columns that {@link #write} fills, in order. */
    static final String COLUMNS = "digest, number, crc32c, bytes";

    private static final byte[] SIGNATURE = {'P', 'G', 'C', 'O', 'P', 'Y', '\n', (byte) 0xff, '\r', '\n', 0};
    /** Signature, flags, and the length of what else a header may have. */
    private static final int HEADER_BYTES = SIGNATURE.length + 2 * Integer.BYTES;

    private static final short COLUMN_COUNT = 4;
    private static final short END = -1;

    private final CopyIn copy;
    private final String digest;
    private final int rowHeaderBytes;
    private final ByteBuffer row;
    private final ModelDigest written;
    private int number;

    ChunkWriter(CopyIn copy, Model model, int chunkBytes) {
        this.copy = copy;
        this.digest = model.digest();
        this.rowHeaderBytes = Short.BYTES
                + Integer.BYTES
                + digest.length()
                + Integer.BYTES
                + Integer.BYTES
                + Integer.BYTES
                + Long.BYTES
                + Integer.BYTES;
        int values = (int) Math.min(chunkBytes, model.byteCount());
        this.row = ByteBuffer.allocate(Math.max(HEADER_BYTES, rowHeaderBytes + values));
        this.written = ModelDigest.of(model.spec());
    }

    /** Writes everything, and gives the digest of what was written. */
    String write(Model model) throws SQLException {
        row.clear().put(SIGNATURE).putInt(0).putInt(0);
        copy.writeToCopy(row.array(), 0, row.position());
        row.clear().position(rowHeaderBytes);
        for (Tensor tensor : model.tensors()) {
            for (long done = 0; done < tensor.elementCount(); ) {
                if (row.remaining() < tensor.type().byteSize()) {
                    writeRow();
                }
                done += tensor.encodeTo(done, row);
            }
        }
        if (row.position() > rowHeaderBytes) {
            writeRow();
        }
        row.clear().putShort(END);
        copy.writeToCopy(row.array(), 0, row.position());
        return written.finish();
    }

    private void writeRow() throws SQLException {
        int end = row.position();
        int length = end - rowHeaderBytes;
        CRC32C crc = new CRC32C();
        crc.update(row.array(), rowHeaderBytes, length);
        written.update(ByteBuffer.wrap(row.array(), rowHeaderBytes, length));
        row.clear().putShort(COLUMN_COUNT);
        row.putInt(digest.length()).put(digest.getBytes(StandardCharsets.US_ASCII));
        row.putInt(Integer.BYTES).putInt(number++);
        row.putInt(Long.BYTES).putLong(crc.getValue());
        row.putInt(length);
        copy.writeToCopy(row.array(), 0, end);
        row.clear().position(rowHeaderBytes);
    }
}
