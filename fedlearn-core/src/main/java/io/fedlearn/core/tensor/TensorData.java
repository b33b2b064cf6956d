package io.fedlearn.core.tensor;

import java.nio.ByteBuffer;

/**
 * Where the values of a tensor lie when they are not in a Java array: in a file, a memory mapping, a generator.
 *
 * <p>Rules for implementers: (1) the bytes are the elements in row-major order, little-endian, without padding; (2) the same
 * bytes come back every time, for as long as the tensor is in use; (3) calls may come from any thread at the same time.
 */
public interface TensorData {
    /**
     * Fills the whole remaining room of {@code target} with the bytes from {@code byteOffset} on.
     *
     * @throws java.io.UncheckedIOException if the storage fails
     */
    void read(long byteOffset, ByteBuffer target);

    /** The bytes of Java heap that this storage keeps alive; 0 for files and mappings. */
    default long heapBytes() {
        return 0;
    }
}
