package io.fedlearn.privacy.central;

import io.fedlearn.core.strategy.ClientInfo;
import io.fedlearn.core.strategy.ClientSelector;
import io.fedlearn.privacy.internal.NoiseSource;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;

/**
 * Asks each client with the same probability, independently, by bits that nobody else has. The run's seed plays no part: whoever
 * knew the cohort would see through the amplification. Immutable.
 */
final class SecretPoissonSampling implements ClientSelector {
    private static final int BITS = 53;

    private final ClientSampling.Poisson sampling;
    private final Supplier<NoiseSource> sources;
    private final long threshold;

    SecretPoissonSampling(ClientSampling.Poisson sampling, Supplier<NoiseSource> sources) {
        this.sampling = sampling;
        this.sources = sources;
        // Rounded down, so that nobody is asked more often than is accounted for.
        this.threshold = (long) Math.scalb(sampling.rate(), BITS);
    }

    @Override
    public List<String> select(Context context) {
        NoiseSource source = sources.get();
        List<String> cohort = new ArrayList<>();
        for (ClientInfo client : context.clients()) {
            if (source.nextLong() >>> (Long.SIZE - BITS) < threshold) {
                cohort.add(client.id());
            }
        }
        return cohort;
    }

    @Override
    public String description() {
        return sampling.toString();
    }
}
