package io.fedlearn.examples.conformance;

import io.fedlearn.core.random.SeededRandom;
import io.fedlearn.core.strategy.ClientInfo;
import io.fedlearn.core.strategy.ClientSelector;
import io.fedlearn.core.strategy.Strategy;
import io.fedlearn.core.task.Config;
import io.fedlearn.core.training.TrainingSettings;
import java.util.List;
import java.util.stream.IntStream;

/**
 * The cohorts of FedProx's experiments, in which a share of the chosen clients gets done with part of the work only: a straggler
 * trains for {@code U{1 .. epochs - 1}} epochs. Who is chosen and who straggles depends on seed and round alone, so that methods
 * are compared on the same cohorts. Immutable and thread-safe.
 *
 * @param clientIds all clients, in order
 * @param cohort how many are chosen in a round
 * @param stragglers how many of those do not get done
 * @param epochs of those that do
 * @param seed where the choice starts
 */
record Stragglers(List<String> clientIds, int cohort, int stragglers, int epochs, long seed) {
    /** Copies the list. */
    Stragglers {
        clientIds = List.copyOf(clientIds);
    }

    /** The strategy with all the chosen clients, stragglers with the part of their work. */
    Strategy keptBy(Strategy strategy) {
        return strategy.withSelector(selector(cohort, "all that were chosen"))
                .withInstructions(this + " do part of the work", this::settingsFor);
    }

    /** The strategy without the stragglers, whose work comes too late. */
    Strategy droppedBy(Strategy strategy) {
        return strategy.withSelector(selector(cohort - stragglers, "those that get done"));
    }

    private ClientSelector selector(int count, String which) {
        return new ClientSelector() {
            @Override
            public List<String> select(Context context) {
                List<String> present =
                        context.clients().stream().map(ClientInfo::id).toList();
                return chosen(context.round()).subList(0, count).stream()
                        .filter(present::contains)
                        .toList();
            }

            @Override
            public String description() {
                return Stragglers.this + ", " + which;
            }
        };
    }

    /** The cohort, stragglers last. */
    private List<String> chosen(int round) {
        int[] places = IntStream.range(0, clientIds.size()).toArray();
        random(round, "cohort").shuffle(places);
        return IntStream.of(places).limit(cohort).mapToObj(clientIds::get).toList();
    }

    private Config settingsFor(int round, String clientId) {
        int place = chosen(round).indexOf(clientId);
        if (place < cohort - stragglers) {
            return Config.empty();
        }
        return Config.empty()
                .with(TrainingSettings.LOCAL_EPOCHS, 1 + random(round, clientId).nextInt(epochs - 1));
    }

    private SeededRandom random(int round, String purpose) {
        return SeededRandom.of(SeededRandom.derive(SeededRandom.derive(seed, round), purpose));
    }

    @Override
    public String toString() {
        return stragglers + " stragglers of " + cohort + " chosen clients, seed " + seed;
    }
}
