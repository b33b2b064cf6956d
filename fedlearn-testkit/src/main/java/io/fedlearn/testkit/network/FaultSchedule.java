package io.fedlearn.testkit.network;

import io.fedlearn.core.random.SeededRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * Faults of a network, one after another. Immutable.
 *
 * @param faults in their order
 */
public record FaultSchedule(List<NetworkFault> faults) {
    /** Copies the list. */
    public FaultSchedule {
        faults = List.copyOf(faults);
    }

    /**
     * The schedule of a seed: the same one for the same arguments. Kinds are equally likely; half of the span is pauses and half of it
     * faults that last, both drawn.
     *
     * @param count of faults, {@code >= 1}
     * @param span that all of them take together, about
     */
    public static FaultSchedule seeded(long seed, int count, Duration span) {
        if (count < 1 || span.isNegative()) {
            throw new IllegalArgumentException("count must be >= 1 and span >= 0, were " + count + " and " + span);
        }
        SeededRandom random = SeededRandom.of(SeededRandom.derive(seed, "network faults"));
        NetworkFault.Kind[] kinds = NetworkFault.Kind.values();
        List<NetworkFault> faults = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            NetworkFault.Kind kind = kinds[random.nextInt(kinds.length)];
            Duration pause = share(random, span, count);
            Duration lasting = share(random, span, count);
            faults.add(new NetworkFault(pause, kind, kind.isMomentary() ? Duration.ZERO : lasting));
        }
        return new FaultSchedule(faults);
    }

    /** On average half of one fault's share of the span. */
    private static Duration share(SeededRandom random, Duration span, int count) {
        return Duration.ofNanos((long) (random.nextDouble() * span.toNanos() / count));
    }
}
