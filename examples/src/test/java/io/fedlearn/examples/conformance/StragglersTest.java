package io.fedlearn.examples.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import io.fedlearn.aggregators.FedAvg;
import io.fedlearn.aggregators.FedProx;
import io.fedlearn.core.random.SeededRandom;
import io.fedlearn.core.strategy.ClientInfo;
import io.fedlearn.core.strategy.ClientSelector;
import io.fedlearn.core.strategy.Participation;
import io.fedlearn.core.strategy.Strategy;
import io.fedlearn.core.task.Config;
import io.fedlearn.core.training.TrainingSettings;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

final class StragglersTest {
    private static final List<String> CLIENTS =
            IntStream.range(10, 40).mapToObj(i -> "user-" + i).toList();
    private static final Stragglers PLAN = new Stragglers(CLIENTS, 10, 9, 20, 4);

    private static List<String> cohort(Strategy strategy, int round) {
        List<ClientInfo> infos =
                CLIENTS.stream().map(id -> new ClientInfo(id, Config.empty())).toList();
        return strategy.selector()
                .select(new ClientSelector.Context(round, infos, SeededRandom.of(1), id -> Participation.none()));
    }

    private static int epochs(Strategy strategy, int round, String client) {
        Config told = strategy.start(Config.empty()).instructions().settingsFor(round, client);
        return told.getLong(TrainingSettings.LOCAL_EPOCHS).orElse(20L).intValue();
    }

    @Test
    void whoIsDroppedIsOfTheSameCohort() {
        for (int round = 1; round <= 20; round++) {
            List<String> kept = cohort(PLAN.keptBy(FedProx.withMu(1)), round);
            assertThat(kept).hasSize(10).doesNotHaveDuplicates();
            assertThat(cohort(PLAN.droppedBy(FedAvg.create()), round)).isEqualTo(kept.subList(0, 1));
        }
        assertThat(cohort(PLAN.keptBy(FedProx.withMu(1)), 1)).isNotEqualTo(cohort(PLAN.keptBy(FedProx.withMu(1)), 2));
    }

    @Test
    void stragglersDoPartOfTheWorkAndTheOthersAllOfIt() {
        Strategy strategy = PLAN.keptBy(FedProx.withMu(1));
        Set<Integer> parts = new TreeSet<>();
        for (int round = 1; round <= 100; round++) {
            List<String> cohort = cohort(strategy, round);
            assertThat(epochs(strategy, round, cohort.get(0))).isEqualTo(20);
            for (String straggler : cohort.subList(1, 10)) {
                parts.add(epochs(strategy, round, straggler));
            }
        }
        // 900 draws of 19 values: one is missing once in 10^19.
        assertThat(parts)
                .containsExactlyElementsOf(IntStream.range(1, 20).boxed().toList());
    }

    @Test
    void withoutStragglersAllDoAllOfTheWork() {
        Stragglers none = new Stragglers(CLIENTS, 10, 0, 20, 4);
        Strategy strategy = none.keptBy(FedProx.withMu(1));
        assertThat(cohort(none.droppedBy(FedAvg.create()), 3))
                .isEqualTo(cohort(strategy, 3))
                .hasSize(10);
        assertThat(cohort(strategy, 3))
                .allSatisfy(client -> assertThat(epochs(strategy, 3, client)).isEqualTo(20));
    }
}
