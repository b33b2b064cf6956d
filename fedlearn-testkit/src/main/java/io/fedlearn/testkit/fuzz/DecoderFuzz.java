package io.fedlearn.testkit.fuzz;

import com.sun.management.ThreadMXBean;
import io.fedlearn.core.random.SeededRandom;
import java.lang.management.ManagementFactory;
import java.util.HexFormat;
import java.util.List;

/**
 * What a decoder promises about input that may be hostile: it gives a result or throws one of its own exceptions, and what it
 * allocates is bounded by the length of the input. Immutable; a decoder that is thread-safe may be checked on several threads.
 */
public final class DecoderFuzz {
    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    private static final int SHOWN_BYTES = 4096;

    /** Reads the bytes of one input. */
    @FunctionalInterface
    public interface Decoder {
        /** Gives up a result, or throws. */
        void decode(byte[] input) throws Exception;
    }

    private final Decoder decoder;
    private final List<Class<? extends Exception>> refusals;
    private final long fixedBytes;
    private final long bytesPerByte;

    private DecoderFuzz(
            Decoder decoder, List<Class<? extends Exception>> refusals, long fixedBytes, long bytesPerByte) {
        this.decoder = decoder;
        this.refusals = List.copyOf(refusals);
        this.fixedBytes = fixedBytes;
        this.bytesPerByte = bytesPerByte;
    }

    /**
     * A decoder and its promise.
     *
     * @param refusals the exceptions by which it refuses input; any other throwable breaks the promise
     * @param fixedBytes what it may allocate whatever the input
     * @param bytesPerByte what it may allocate beyond that for each byte of input
     */
    public static DecoderFuzz of(
            Decoder decoder, List<Class<? extends Exception>> refusals, long fixedBytes, long bytesPerByte) {
        return new DecoderFuzz(decoder, refusals, fixedBytes, bytesPerByte);
    }

    /**
     * Checks one input.
     *
     * @return whether it was decoded rather than refused
     * @throws AssertionError if the promise is broken; its message holds the input in hexadecimal, if that is short
     */
    public boolean check(byte[] input) {
        Attempt attempt = attempt(input);
        long most = fixedBytes + bytesPerByte * input.length;
        // The first attempt may have loaded classes, which is not the input's doing.
        if (attempt.allocated > most && attempt(input).allocated > most) {
            throw new AssertionError("the decoder allocated " + attempt.allocated + " bytes, more than " + most
                    + ", on " + shown(input));
        }
        return attempt.isDecoded;
    }

    private record Attempt(boolean isDecoded, long allocated) {}

    private Attempt attempt(byte[] input) {
        long before = THREADS.getCurrentThreadAllocatedBytes();
        boolean isDecoded = true;
        try {
            decoder.decode(input);
        } catch (Throwable e) {
            if (refusals.stream().noneMatch(type -> type.isInstance(e))) {
                throw new AssertionError("the decoder threw " + e + " on " + shown(input), e);
            }
            isDecoded = false;
        }
        return new Attempt(isDecoded, THREADS.getCurrentThreadAllocatedBytes() - before);
    }

    private static String shown(byte[] input) {
        return input.length > SHOWN_BYTES
                ? input.length + " bytes"
                : HexFormat.of().formatHex(input);
    }

    /**
     * Checks inputs that are made from the seeds by small damage: the same ones for the same arguments.
     *
     * @param runs how many
     * @param maxLength of an input
     * @return how many were decoded, of those and the seeds
     */
    public int checkMutations(List<byte[]> seeds, long seed, int runs, int maxLength) {
        int decoded = 0;
        for (byte[] input : seeds) {
            decoded += check(input) ? 1 : 0;
        }
        Mutations mutations = new Mutations(SeededRandom.of(seed), seeds, maxLength);
        for (int i = 0; i < runs; i++) {
            decoded += check(mutations.next()) ? 1 : 0;
        }
        return decoded;
    }
}
