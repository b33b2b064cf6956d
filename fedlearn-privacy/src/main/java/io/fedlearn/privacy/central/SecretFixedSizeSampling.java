package io.fedlearn.privacy.central;

import io.fedlearn.core.strategy.ClientInfo;
import io.fedlearn.core.strategy.ClientSelector;
import io.fedlearn.privacy.internal.NoiseSource;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Supplier;

/**
 * Draws so many of a fixed population by bits that nobody else has, and asks those of them that are connected. To draw among the
 * connected instead would ask each more often than is accounted for when others are away. Immutable.
 */
final class SecretFixedSizeSampling implements ClientSelector {
    private final ClientSampling.WithoutReplacement sampling;
    private final Supplier<NoiseSource> sources;

    SecretFixedSizeSampling(ClientSampling.WithoutReplacement sampling, Supplier<NoiseSource> sources) {
        this.sampling = sampling;
        this.sources = sources;
    }

    @Override
    public List<String> select(Context context) {
        NoiseSource source = sources.get();
        List<String> ids = new ArrayList<>(sampling.population());
        Set<String> drawn = new HashSet<>();
        for (int i = 0; i < sampling.cohort(); i++) {
            int place = i + source.nextInt(ids.size() - i);
            drawn.add(ids.get(place));
            ids.set(place, ids.get(i));
        }
        return context.clients().stream()
                .map(ClientInfo::id)
                .filter(drawn::contains)
                .toList();
    }

    @Override
    public String description() {
        return sampling.toString();
    }
}
