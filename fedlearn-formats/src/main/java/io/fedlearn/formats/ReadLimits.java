package io.fedlearn.formats;

/**
 * What a reader accepts from input that may be hostile. Independently of these, no reader allocates much more than its
 * input has delivered, names are limited to {@value io.fedlearn.core.tensor.TensorSpec#MAX_NAME_LENGTH} characters and
 * shapes to {@value io.fedlearn.core.tensor.Shape#MAX_RANK} dimensions.
 *
 * @param maxHeaderBytes the longest header; {@value #DEFAULT_MAX_HEADER_BYTES}, the limit that safetensors itself sets
 * @param maxTensors the most tensors of one file, and the most entries of its metadata; {@value #DEFAULT_MAX_TENSORS}
 * @param maxHeapBytes the most bytes of values read to the heap; {@value #DEFAULT_MAX_HEAP_BYTES}. Values that stay in
 *     a mapped file do not count
 * @param maxExpansion how many times its compressed size an archive may expand once it is past
 *     {@value #EXPANSION_FREE_BYTES} bytes; {@value #DEFAULT_MAX_EXPANSION}. Zeros compress about 1000 times
 */
public record ReadLimits(int maxHeaderBytes, int maxTensors, long maxHeapBytes, int maxExpansion) {
    /** The default of {@link #maxHeaderBytes()}: {@value}. */
    public static final int DEFAULT_MAX_HEADER_BYTES = 100_000_000;

    /** The default of {@link #maxTensors()}: {@value}. */
    public static final int DEFAULT_MAX_TENSORS = 100_000;

    /** The default of {@link #maxHeapBytes()}: {@value}, which is 8 GiB. */
    public static final long DEFAULT_MAX_HEAP_BYTES = 8L << 30;

    /** The default of {@link #maxExpansion()}: {@value}. */
    public static final int DEFAULT_MAX_EXPANSION = 100;

    /** What an archive may expand to whatever its compressed size: {@value} bytes, which is 64 MiB. */
    public static final long EXPANSION_FREE_BYTES = 64L << 20;

    /**
     * Validates the limits.
     *
     * @throws IllegalArgumentException if one is not positive
     */
    public ReadLimits {
        requirePositive("maxHeaderBytes", maxHeaderBytes);
        requirePositive("maxTensors", maxTensors);
        requirePositive("maxHeapBytes", maxHeapBytes);
        requirePositive("maxExpansion", maxExpansion);
    }

    /** The defaults. */
    public static ReadLimits defaults() {
        return new ReadLimits(
                DEFAULT_MAX_HEADER_BYTES, DEFAULT_MAX_TENSORS, DEFAULT_MAX_HEAP_BYTES, DEFAULT_MAX_EXPANSION);
    }

    /** These limits with another longest header. */
    public ReadLimits withMaxHeaderBytes(int bytes) {
        return new ReadLimits(bytes, maxTensors, maxHeapBytes, maxExpansion);
    }

    /** These limits with another number of tensors. */
    public ReadLimits withMaxTensors(int tensors) {
        return new ReadLimits(maxHeaderBytes, tensors, maxHeapBytes, maxExpansion);
    }

    /** These limits with another number of bytes on the heap. */
    public ReadLimits withMaxHeapBytes(long bytes) {
        return new ReadLimits(maxHeaderBytes, maxTensors, bytes, maxExpansion);
    }

    /** These limits with another expansion of archives. */
    public ReadLimits withMaxExpansion(int times) {
        return new ReadLimits(maxHeaderBytes, maxTensors, maxHeapBytes, times);
    }

    private static void requirePositive(String name, long value) {
        if (value <= 0) {
            throw new IllegalArgumentException(name + " must be > 0, was " + value);
        }
    }
}
