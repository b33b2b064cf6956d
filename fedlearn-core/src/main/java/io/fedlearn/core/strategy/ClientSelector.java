package io.fedlearn.core.strategy;

import io.fedlearn.core.random.SeededRandom;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;
import java.util.function.Function;

/**
 * Chooses the cohort of a round. Rules for implementers: (1) the same context gives the same cohort, except where privacy
 * rests on a secret one; (2) only clients of the
 * context are chosen, each once. Stateless: what the past has to say lies in the context.
 */
public interface ClientSelector {
    /** The ids of the clients that are asked to train. May be empty, which aborts the round. */
    List<String> select(Context context);

    /** Name and settings, for the run's record, such as {@code uniform(count=10)}. */
    String description();

    /** The most clients that it ever chooses, if its settings say; a run that needs more is refused then. */
    default OptionalInt largestCohort() {
        return OptionalInt.empty();
    }

    /**
     * What a selector knows.
     *
     * @param round to choose for, counted from 1
     * @param clients that can take a task now, in the order of their ids
     * @param random seeded from (run seed, round)
     * @param participation of a client so far
     */
    record Context(
            int round, List<ClientInfo> clients, SeededRandom random, Function<String, Participation> participation) {
        /** Copies the list. */
        public Context {
            clients = List.copyOf(clients);
        }
    }

    /** Every client, in every round. */
    static ClientSelector all() {
        return new ClientSelector() {
            @Override
            public List<String> select(Context context) {
                return context.clients().stream().map(ClientInfo::id).toList();
            }

            @Override
            public String description() {
                return "all";
            }
        };
    }

    /**
     * So many clients, each as likely, without replacement; all of them where there are fewer.
     *
     * @param count at least 1
     */
    static ClientSelector uniform(int count) {
        if (count < 1) {
            throw new IllegalArgumentException("count must be >= 1, was " + count);
        }
        return new ClientSelector() {
            @Override
            public List<String> select(Context context) {
                int[] places = new int[context.clients().size()];
                for (int i = 0; i < places.length; i++) {
                    places[i] = i;
                }
                context.random().shuffle(places);
                return Arrays.stream(places)
                        .limit(count)
                        .mapToObj(place -> context.clients().get(place).id())
                        .toList();
            }

            @Override
            public String description() {
                return "uniform(count=" + count + ")";
            }

            @Override
            public OptionalInt largestCohort() {
                return OptionalInt.of(count);
            }
        };
    }
}
