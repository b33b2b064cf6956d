package io.fedlearn.aggregators.selection;

import static io.fedlearn.testkit.statistics.StatisticalAssertions.assertProbability;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.fedlearn.core.metric.Metrics;
import io.fedlearn.core.random.SeededRandom;
import io.fedlearn.core.strategy.ClientInfo;
import io.fedlearn.core.strategy.ClientSelector;
import io.fedlearn.core.strategy.Participation;
import io.fedlearn.core.task.Config;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Statistical bounds here raise a false alarm with a probability of 1e-8 each; the seeds are fixed. */
class SelectionTest {
    private static final double FALSE_ALARM = 1e-8;
    private static final int TRIALS = 20_000;

    private static List<ClientInfo> clients(int count) {
        return IntStream.range(0, count)
                .mapToObj(i -> new ClientInfo("c" + i, Config.empty()))
                .toList();
    }

    private static ClientSelector.Context context(
            long seed, List<ClientInfo> clients, Map<String, Participation> participation) {
        return new ClientSelector.Context(
                1, clients, SeededRandom.of(seed), id -> participation.getOrDefault(id, Participation.none()));
    }

    private static Map<String, Long> counts(
            ClientSelector selector, List<ClientInfo> clients, Map<String, Participation> participation) {
        Map<String, Long> counts = new HashMap<>();
        for (int trial = 0; trial < TRIALS; trial++) {
            selector.select(context(trial, clients, participation)).forEach(id -> counts.merge(id, 1L, Long::sum));
        }
        return counts;
    }

    static Stream<ClientSelector> selectors() {
        return Stream.of(
                PoissonSampling.withRate(0.4),
                ExampleWeightedSelection.choosing(3),
                RoundRobin.choosing(3),
                PowerOfChoice.choosing(3, 5));
    }

    @ParameterizedTest
    @MethodSource("selectors")
    void choosesTheSameForTheSameContextAndNobodyTwice(ClientSelector selector) {
        for (int seed = 0; seed < 50; seed++) {
            List<String> cohort = selector.select(context(seed, clients(8), Map.of()));
            assertThat(cohort)
                    .isEqualTo(selector.select(context(seed, clients(8), Map.of())))
                    .doesNotHaveDuplicates()
                    .isSubsetOf(clients(8).stream().map(ClientInfo::id).toList());
            selector.largestCohort().ifPresent(largest -> assertThat(cohort).hasSize(largest));
        }
    }

    @ParameterizedTest
    @MethodSource("selectors")
    void takesWhoIsThereWhenTheyAreFewAndNobodyWhenThereAreNone(ClientSelector selector) {
        assertThat(selector.select(context(1, List.of(), Map.of()))).isEmpty();
        if (selector.largestCohort().isPresent()) {
            assertThat(selector.select(context(1, clients(2), Map.of()))).containsExactlyInAnyOrder("c0", "c1");
        }
    }

    @Test
    void poissonAsksEachIndependentlyWithItsRate() {
        long first = 0;
        long both = 0;
        for (int trial = 0; trial < TRIALS; trial++) {
            List<String> cohort = PoissonSampling.withRate(0.3).select(context(trial, clients(5), Map.of()));
            first += cohort.contains("c0") ? 1 : 0;
            both += cohort.containsAll(List.of("c0", "c4")) ? 1 : 0;
        }
        assertProbability(first, TRIALS, 0.3, FALSE_ALARM);
        assertProbability(both, TRIALS, 0.09, FALSE_ALARM);
    }

    @Test
    void weightedSelectionDrawsOneInProportionToExamples() {
        List<ClientInfo> clients = List.of(
                new ClientInfo("said", Config.empty().with(ExampleWeightedSelection.EXAMPLE_COUNT, 600L)),
                new ClientInfo("seen", Config.empty()),
                new ClientInfo("nonsense", Config.empty().with(ExampleWeightedSelection.EXAMPLE_COUNT, "many")));
        Map<String, Participation> past =
                Map.of("seen", Participation.none().selected(1).accepted(1, 200, Metrics.none()));

        Map<String, Long> counts = counts(ExampleWeightedSelection.choosing(1), clients, past);

        // Of the third nothing is known: it counts as the mean of 600 and 200.
        assertProbability(counts.getOrDefault("said", 0L), TRIALS, 0.5, FALSE_ALARM);
        assertProbability(counts.getOrDefault("seen", 0L), TRIALS, 1 / 6.0, FALSE_ALARM);
        assertProbability(counts.getOrDefault("nonsense", 0L), TRIALS, 1 / 3.0, FALSE_ALARM);
    }

    @Test
    void weightedSelectionGoesOnWithThoseThatAreLeft() {
        List<ClientInfo> clients = IntStream.of(4, 3, 1)
                .mapToObj(n -> new ClientInfo("n" + n, Config.empty().with(ExampleWeightedSelection.EXAMPLE_COUNT, n)))
                .toList();

        Map<String, Long> counts = counts(ExampleWeightedSelection.choosing(2), clients, Map.of());

        // First 1/8; else after n4 (1/2) one of 3 and 1, after n3 (3/8) one of 4 and 1.
        assertProbability(
                counts.getOrDefault("n1", 0L),
                TRIALS,
                1 / 8.0 + 1 / 2.0 * (1 / 4.0) + 3 / 8.0 * (1 / 5.0),
                FALSE_ALARM);
    }

    @Test
    void weightedSelectionBelievesNoMoreThanItsCap() {
        List<ClientInfo> clients = IntStream.of(1_000_000, 10)
                .mapToObj(n -> new ClientInfo("n" + n, Config.empty().with(ExampleWeightedSelection.EXAMPLE_COUNT, n)))
                .toList();

        Map<String, Long> counts = counts(ExampleWeightedSelection.choosing(1).withMost(10), clients, Map.of());

        assertProbability(counts.getOrDefault("n10", 0L), TRIALS, 0.5, FALSE_ALARM);
    }

    @Test
    void roundRobinAsksEverybodyBeforeAnybodyAgain() {
        Map<String, Participation> past = new HashMap<>();
        for (int round = 1; round <= 21; round++) {
            ClientSelector.Context context = new ClientSelector.Context(
                    round, clients(7), SeededRandom.of(round), id -> past.getOrDefault(id, Participation.none()));
            int now = round;
            RoundRobin.choosing(2)
                    .select(context)
                    .forEach(id -> past.merge(
                            id, Participation.none().selected(now), (before, unused) -> before.selected(now)));
            int[] turns = clients(7).stream()
                    .mapToInt(client ->
                            past.getOrDefault(client.id(), Participation.none()).selectedRounds())
                    .toArray();
            assertThat(IntStream.of(turns).max().getAsInt()
                            - IntStream.of(turns).min().getAsInt())
                    .isLessThanOrEqualTo(1);
        }
        assertThat(past.values())
                .allSatisfy(client -> assertThat(client.selectedRounds()).isEqualTo(6));
    }

    @Test
    void roundRobinTakesTheLongestWaitingAmongEquals() {
        Map<String, Participation> past = Map.of(
                "c0", Participation.none().selected(3),
                "c1", Participation.none().selected(1),
                "c2", Participation.none().selected(2));

        assertThat(RoundRobin.choosing(2).select(context(1, clients(3), past))).containsExactly("c1", "c2");
    }

    @Test
    void powerOfChoiceTakesTheWorstOffOfItsCandidatesAndNewcomersFirst() {
        Map<String, Participation> past = new HashMap<>();
        for (int i = 0; i < 4; i++) {
            past.put(
                    "c" + i,
                    Participation.none()
                            .selected(1)
                            .accepted(1, 100, Metrics.of("loss", new double[] {1, 4, 3, 2}[i])));
        }

        assertThat(PowerOfChoice.choosing(2, 4).select(context(7, clients(4), past)))
                .containsExactly("c1", "c2");
        assertThat(PowerOfChoice.choosing(2, 5).select(context(7, clients(5), past)))
                .containsExactly("c4", "c1");
        // Among two of four, the better half of the pairs holds c1: the best off, c0, is never the worse of a pair.
        Map<String, Long> counts = counts(PowerOfChoice.choosing(1, 2), clients(4), past);
        assertProbability(counts.getOrDefault("c1", 0L), TRIALS, 3 / 6.0, FALSE_ALARM);
        assertProbability(counts.getOrDefault("c3", 0L), TRIALS, 1 / 6.0, FALSE_ALARM);
        assertThat(counts).doesNotContainKey("c0");
    }

    @Test
    void refusesSettingsOutOfRange() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> PoissonSampling.withRate(0))
                .withMessage("rate must be in (0, 1], was 0.0");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> PoissonSampling.withRate(Double.NaN))
                .withMessage("rate must be in (0, 1], was NaN");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> ExampleWeightedSelection.choosing(0))
                .withMessage("count must be >= 1, was 0");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> ExampleWeightedSelection.choosing(1).withMost(0))
                .withMessage("most must be >= 1, was 0");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> RoundRobin.choosing(-1))
                .withMessage("count must be >= 1, was -1");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> PowerOfChoice.choosing(3, 2))
                .withMessage("candidates must be >= 3, was 2");
    }
}
