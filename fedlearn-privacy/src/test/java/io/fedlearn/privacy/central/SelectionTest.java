package io.fedlearn.privacy.central;

import static org.assertj.core.api.Assertions.assertThat;

import io.fedlearn.core.random.SeededRandom;
import io.fedlearn.core.strategy.ClientInfo;
import io.fedlearn.core.strategy.ClientSelector;
import io.fedlearn.core.strategy.Participation;
import io.fedlearn.core.task.Config;
import io.fedlearn.privacy.internal.DataBlindSelection;
import io.fedlearn.privacy.internal.NoiseSource;
import io.fedlearn.privacy.internal.SeededNoise;
import io.fedlearn.testkit.statistics.StatisticalAssertions;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class SelectionTest {
    private static final double FALSE_ALARM = 1e-8;

    private static final NoiseSource SOURCE = SeededNoise.of(41);

    private static List<String> names(int count) {
        return IntStream.range(0, count)
                .mapToObj(i -> String.format("c%04d", i))
                .toList();
    }

    private static ClientSelector.Context context(int round, List<String> ids, Map<String, Participation> past) {
        return new ClientSelector.Context(
                round,
                ids.stream()
                        .map(id -> new ClientInfo(id, Config.empty().with("exampleCount", 17)))
                        .toList(),
                SeededRandom.of(1),
                id -> past.getOrDefault(id, Participation.none()));
    }

    private static ClientSelector poisson(double rate) {
        return new SecretPoissonSampling(new ClientSampling.Poisson(rate), () -> SOURCE);
    }

    @Test
    void poissonSamplingAsksEachClientAtTheRate() {
        ClientSelector.Context many = context(1, names(2000), Map.of());
        long asked = 0;
        for (int round = 0; round < 50; round++) {
            asked += poisson(0.03).select(many).size();
        }
        StatisticalAssertions.assertProbability(asked, 100_000, 0.03, FALSE_ALARM);
    }

    @Test
    void poissonCohortsAreIndependentOfTheSeed() {
        ClientSelector.Context context = context(1, names(500), Map.of());
        ClientSelector selector = new SecretPoissonSampling(new ClientSampling.Poisson(0.5), NoiseSource::secure);
        // Equal by chance with probability (1 - 2 q (1 - q))^500 = 2^-500.
        assertThat(selector.select(context)).isNotEqualTo(selector.select(context));
    }

    @Test
    void poissonSamplingOfOneAsksEverybody() {
        assertThat(poisson(1).select(context(1, names(100), Map.of()))).isEqualTo(names(100));
    }

    @Test
    void rateIsRoundedDown() {
        // Less than half the least multiple: rounded to the nearest it would be 0 as well, rounded up 2^-53.
        assertThat(poisson(Math.nextDown(0x1p-53)).select(context(1, names(100), Map.of())))
                .isEmpty();
    }

    @Test
    void fixedSizeAsksSoManyEachAsLikely() {
        ClientSelector selector =
                new SecretFixedSizeSampling(new ClientSampling.WithoutReplacement(7, names(20)), () -> SOURCE);
        ClientSelector.Context everybody = context(1, names(20), Map.of());
        Map<String, Integer> counts = new HashMap<>();
        int rounds = 2000;
        for (int round = 0; round < rounds; round++) {
            List<String> cohort = selector.select(everybody);
            assertThat(cohort).hasSize(7).doesNotHaveDuplicates();
            cohort.forEach(id -> counts.merge(id, 1, Integer::sum));
        }
        for (String id : names(20)) {
            StatisticalAssertions.assertProbability(counts.getOrDefault(id, 0), rounds, 0.35, FALSE_ALARM / 20);
        }
    }

    /** Who is away is drawn all the same: the others must not be asked more often for it. */
    @Test
    void fixedSizeKeepsItsRateWhenClientsAreAway() {
        ClientSelector selector =
                new SecretFixedSizeSampling(new ClientSampling.WithoutReplacement(5, names(20)), () -> SOURCE);
        List<String> connected = new ArrayList<>(names(20).subList(0, 4));
        connected.add("stranger");
        ClientSelector.Context some = context(1, connected, Map.of());
        int rounds = 2000;
        int asked = 0;
        for (int round = 0; round < rounds; round++) {
            List<String> cohort = selector.select(some);
            assertThat(cohort).doesNotContain("stranger");
            asked += cohort.contains("c0000") ? 1 : 0;
        }
        StatisticalAssertions.assertProbability(asked, rounds, 0.25, FALSE_ALARM);
    }

    @Test
    void clientsRestBetweenTwoRounds() {
        ClientSelector selector = new DataBlindSelection(ClientSelector.uniform(3), 4);
        Map<String, Participation> past = new HashMap<>();
        Map<String, Integer> last = new HashMap<>();
        int asked = 0;
        for (int round = 1; round <= 60; round++) {
            for (String id : selector.select(context(round, names(8), past))) {
                assertThat(round - last.getOrDefault(id, -100)).isGreaterThanOrEqualTo(4);
                last.put(id, round);
                past.put(id, past.getOrDefault(id, Participation.none()).selected(round));
                asked++;
            }
        }
        // Eight clients, each every fourth round.
        assertThat(asked).isBetween(100, 120);
    }

    @Test
    void treesHoldNoMoreRoundsOfAClientThanIsAccounted() {
        CentralPrivacy privacy = CentralPrivacy.builder("run")
                .clipping(Clipping.fixed(1))
                .noiseMultiplier(1)
                .sampling(ClientSampling.separated(4))
                .restartEvery(10)
                .expectedCohort(2)
                .build();
        // In any ten rounds at most 3 that are 4 apart: 1, 5, 9.
        assertThat(privacy.event().toString()).contains("steps=10, maxParticipations=3, minSeparation=4");
    }

    @Test
    void selectorsSeeNothingThatClientsSay() {
        List<Config> seen = new ArrayList<>();
        ClientSelector looking = new ClientSelector() {
            @Override
            public List<String> select(Context context) {
                context.clients().forEach(client -> seen.add(client.properties()));
                return List.of();
            }

            @Override
            public String description() {
                return "looking";
            }
        };
        new DataBlindSelection(looking, 1).select(context(1, names(3), Map.of()));
        assertThat(seen).containsOnly(Config.empty()).hasSize(3);
    }
}
