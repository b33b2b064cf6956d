package io.fedlearn.privacy.internal;

import java.util.random.RandomGenerator;

/**
 * Where the bits of all noise and of all secret sampling come from: a cryptographic stream. A source that repeats itself exists
 * in this module's tests alone. Confined to one thread at a time.
 */
public abstract class NoiseSource implements RandomGenerator {
    /** For the sources of this package: the secure one, and that of the tests. */
    NoiseSource() {}

    /** A source keyed afresh from the platform's {@link java.security.SecureRandom}. */
    public static NoiseSource secure() {
        return new SecureNoiseSource();
    }

    /** 64 uniform bits. */
    @Override
    public abstract long nextLong();
}
