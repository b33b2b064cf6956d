package io.fedlearn.grpc.internal.transfer;

import io.grpc.Drainable;
import io.grpc.KnownLength;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.Optional;

/** The bytes of a chunk's message. A transport over a network drains them; one within the process may read them. */
final class ChunkStream extends InputStream implements Drainable, KnownLength {
    private final byte[] before;
    private final OutgoingChunk chunk;
    private final byte[] after;
    private Optional<InputStream> bytes = Optional.empty();
    private boolean isDrained;

    ChunkStream(byte[] before, OutgoingChunk chunk, byte[] after) {
        this.before = before;
        this.chunk = chunk;
        this.after = after;
    }

    private int length() {
        return before.length + chunk.dataCount() + after.length;
    }

    @Override
    public int drainTo(OutputStream target) throws IOException {
        if (bytes.isPresent()) {
            return (int) bytes.get().transferTo(target);
        }
        if (isDrained) {
            return 0;
        }
        isDrained = true;
        target.write(before);
        chunk.writeData(target);
        target.write(after);
        return length();
    }

    private InputStream bytes() throws IOException {
        if (bytes.isEmpty()) {
            ByteArrayOutputStream copy = new ByteArrayOutputStream(length());
            drainTo(copy);
            bytes = Optional.of(new ByteArrayInputStream(copy.toByteArray()));
        }
        return bytes.get();
    }

    @Override
    public int read() throws IOException {
        return bytes().read();
    }

    @Override
    public int read(byte[] target, int at, int count) throws IOException {
        return bytes().read(target, at, count);
    }

    @Override
    public int available() throws IOException {
        if (bytes.isPresent()) {
            return bytes.get().available();
        }
        return isDrained ? 0 : length();
    }
}
