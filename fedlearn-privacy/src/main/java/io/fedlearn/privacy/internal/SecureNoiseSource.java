package io.fedlearn.privacy.internal;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.LongBuffer;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.util.Objects;
import javax.crypto.Cipher;
import javax.crypto.ShortBufferException;
import javax.crypto.spec.IvParameterSpec;
import javax.crypto.spec.SecretKeySpec;

/**
 * The key stream of AES-256 in counter mode, under a key that nobody else has and that is never kept. A stream is far shorter than
 * the 2^64 blocks at which the absence of repeated blocks would begin to tell it from random bits.
 */
final class SecureNoiseSource extends NoiseSource {
    /** Drawn at a time: large enough for the processor's AES instructions to work on many blocks at once. */
    private static final int BUFFER_BYTES = 16 << 10;

    private final Cipher cipher;
    private final byte[] zeros = new byte[BUFFER_BYTES];
    private final byte[] stream = new byte[BUFFER_BYTES];
    // In the processor's order, so that words are copied in bulk.
    private final LongBuffer words =
            ByteBuffer.wrap(stream).order(ByteOrder.nativeOrder()).asLongBuffer();

    SecureNoiseSource() {
        byte[] key = new byte[32];
        byte[] counter = new byte[16];
        SecureRandom seeder = new SecureRandom();
        seeder.nextBytes(key);
        seeder.nextBytes(counter);
        try {
            cipher = Cipher.getInstance("AES/CTR/NoPadding");
            cipher.init(Cipher.ENCRYPT_MODE, new SecretKeySpec(key, "AES"), new IvParameterSpec(counter));
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("this Java runtime has no AES in counter mode", e);
        }
        words.position(words.limit());
    }

    @Override
    public long nextLong() {
        if (!words.hasRemaining()) {
            refill();
        }
        return words.get();
    }

    @Override
    public void nextLongs(long[] target, int from, int count) {
        Objects.checkFromIndexSize(from, count, target.length);
        int done = 0;
        while (done < count) {
            if (!words.hasRemaining()) {
                refill();
            }
            int part = Math.min(words.remaining(), count - done);
            words.get(target, from + done, part);
            done += part;
        }
    }

    private void refill() {
        try {
            cipher.update(zeros, 0, zeros.length, stream, 0);
        } catch (ShortBufferException e) {
            throw new IllegalStateException("a stream cipher gave more than it was given", e);
        }
        words.rewind();
    }
}
