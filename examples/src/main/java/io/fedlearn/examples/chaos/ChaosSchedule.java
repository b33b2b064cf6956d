package io.fedlearn.examples.chaos;

import io.fedlearn.core.random.SeededRandom;
import io.fedlearn.testkit.network.NetworkFault;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * What befalls one federation, in order.
 *
 * @param seed that made it
 * @param method by which is trained
 * @param faults one after another
 */
record ChaosSchedule(long seed, ChaosTask.Method method, List<ChaosFault> faults) {
    private static final int MIN_FAULTS = 8;
    private static final int MAX_FAULTS = 14;
    private static final int MAX_PAUSE_MILLIS = 300;
    private static final int MAX_LASTING_MILLIS = 500;

    /** Long enough that heartbeats are missed. */
    private static final int BLACK_HOLE_MILLIS = 2500;

    private static final int MAX_BYTES = 1 << 20;

    ChaosSchedule {
        faults = List.copyOf(faults);
    }

    /**
     * The schedule of a seed: the same for the same arguments.
     *
     * @param clients how many there are
     * @param processes in how many they are
     */
    static ChaosSchedule seeded(long seed, int clients, int processes) {
        SeededRandom random = SeededRandom.of(SeededRandom.derive(seed, "chaos"));
        ChaosTask.Method[] methods = ChaosTask.Method.values();
        ChaosTask.Method method = methods[random.nextInt(methods.length)];
        int count = MIN_FAULTS + random.nextInt(MAX_FAULTS - MIN_FAULTS + 1);
        List<ChaosFault> faults = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            faults.add(fault(random, clients, processes));
        }
        return new ChaosSchedule(seed, method, faults);
    }

    private static ChaosFault fault(SeededRandom random, int clients, int processes) {
        Duration pause = Duration.ofMillis(random.nextInt(MAX_PAUSE_MILLIS));
        int chance = random.nextInt(100);
        if (chance < 12) {
            return new ChaosFault(pause, 0, ChaosFault.Kind.KILL_SERVER, Optional.empty(), Duration.ZERO, 0);
        }
        if (chance < 22) {
            return new ChaosFault(
                    pause, random.nextInt(processes), ChaosFault.Kind.KILL_CLIENTS, Optional.empty(), Duration.ZERO, 0);
        }
        int client = random.nextInt(clients);
        if (chance < 52) {
            return new ChaosFault(
                    pause,
                    client,
                    chance < 37 ? ChaosFault.Kind.CUT_UPLOAD : ChaosFault.Kind.CUT_DOWNLOAD,
                    Optional.empty(),
                    Duration.ZERO,
                    1 + random.nextInt(MAX_BYTES));
        }
        NetworkFault.Kind[] kinds = NetworkFault.Kind.values();
        NetworkFault.Kind kind = kinds[random.nextInt(kinds.length)];
        boolean isBlackHole = kind == NetworkFault.Kind.HOLD && random.nextInt(4) == 0;
        Duration lasting = kind.isMomentary()
                ? Duration.ZERO
                : Duration.ofMillis(isBlackHole ? BLACK_HOLE_MILLIS : random.nextInt(MAX_LASTING_MILLIS));
        return new ChaosFault(pause, client, ChaosFault.Kind.NETWORK, Optional.of(kind), lasting, 0);
    }
}
