package io.fedlearn.formats.internal;

import io.fedlearn.core.tensor.Tensor;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;

/** Tensors' values as little-endian, row-major bytes, block by block. Confined to one thread at a time. */
public final class ValueOutput {
    private static final int BLOCK = 1 << 18;

    private final WritableByteChannel channel;
    private final ByteBuffer block = ByteBuffer.allocate(BLOCK);

    /** Writes to {@code channel}, which it does not close. */
    public ValueOutput(WritableByteChannel channel) {
        this.channel = channel;
    }

    /** Writes these bytes. */
    public void write(byte[] bytes) throws IOException {
        drain(ByteBuffer.wrap(bytes));
    }

    /** Writes the values. */
    public void write(Tensor tensor) throws IOException {
        for (long done = 0; done < tensor.elementCount(); ) {
            done += tensor.encodeTo(done, block.clear());
            drain(block.flip());
        }
    }

    private void drain(ByteBuffer bytes) throws IOException {
        while (bytes.hasRemaining()) {
            channel.write(bytes);
        }
    }
}
