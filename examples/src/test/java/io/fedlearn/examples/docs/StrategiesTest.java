package io.fedlearn.examples.docs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fedlearn.aggregators.BiasCorrection;
import io.fedlearn.aggregators.FedAdam;
import io.fedlearn.aggregators.FedAvg;
import io.fedlearn.aggregators.FedAvgM;
import io.fedlearn.aggregators.FedProx;
import io.fedlearn.aggregators.catalogue.MethodCatalogue;
import io.fedlearn.aggregators.robust.Bulyan;
import io.fedlearn.aggregators.robust.CoordinateMedian;
import io.fedlearn.aggregators.robust.Krum;
import io.fedlearn.aggregators.robust.MultiKrum;
import io.fedlearn.aggregators.robust.TrimmedMean;
import io.fedlearn.aggregators.selection.ExampleWeightedSelection;
import io.fedlearn.aggregators.selection.PoissonSampling;
import io.fedlearn.aggregators.selection.PowerOfChoice;
import io.fedlearn.aggregators.selection.RoundRobin;
import io.fedlearn.aggregators.transform.NormBounding;
import io.fedlearn.aggregators.transform.NormClipping;
import io.fedlearn.core.federation.Federation;
import io.fedlearn.core.federation.RoundPolicy;
import io.fedlearn.core.federation.Run;
import io.fedlearn.core.record.OutcomeRecord;
import io.fedlearn.core.strategy.ClientInfo;
import io.fedlearn.core.strategy.ClientSelector;
import io.fedlearn.core.strategy.Strategy;
import io.fedlearn.core.strategy.Weighting;
import io.fedlearn.core.task.Config;
import io.fedlearn.core.training.TrainingSettings;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Code of {@code docs/choosing-a-strategy.md} and {@code docs/methods.md}. */
final class StrategiesTest {
    private static Run run(Strategy strategy) throws InterruptedException {
        return run(strategy, RoundPolicy.defaults());
    }

    private static Run run(Strategy strategy, RoundPolicy policy) throws InterruptedException {
        return Federation.of(Hospitals.all())
                .strategy(strategy)
                .initialModel(Hospitals.initialModel())
                .policy(policy)
                .rounds(3)
                .run();
    }

    @Test
    void offersMethods() throws Exception {
        // tag::methods[]
        Strategy average = FedAvg.create();
        Strategy proximal = FedProx.withMu(0.1);
        Strategy adaptive = FedAdam.withServerLearningRate(0.01);
        Strategy tuned = FedAdam.builder()
                .serverLearningRate(0.01)
                .beta2(0.999)
                .biasCorrection(BiasCorrection.KINGMA_BA)
                .build();
        // end::methods[]
        // tag::by-name[]
        Strategy named = MethodCatalogue.parse("fedadam", Map.of("serverLearningRate", "0.01"));
        // end::by-name[]
        for (Strategy strategy : List.of(average, proximal, adaptive, tuned, named)) {
            assertThat(run(strategy).records()).hasSize(3);
        }
        assertThat(named.settings()).isEqualTo(adaptive.settings());
        // tag::refused[]
        assertThatThrownBy(() -> FedProx.withMu(-1)).hasMessage("mu must be >= 0 and finite, was -1.0");
        // end::refused[]
    }

    @Test
    void tellsClientsHowToTrain() throws Exception {
        // tag::training[]
        Run run = Federation.of(Hospitals.all())
                .strategy(FedAvg.create())
                .training(TrainingSettings.defaults()
                        .withLocalEpochs(5)
                        .withBatchSize(16)
                        .withLearningRate(0.05)
                        .withMomentum(0.9))
                .run();
        // end::training[]
        assertThat(run.records().get(0).clientConfig().getLong("localEpochs")).hasValue(5L);
    }

    @Test
    void changesOnePart() throws Exception {
        // tag::parts[]
        Strategy strategy = FedProx.withMu(0.1)
                .withSelector(ClientSelector.uniform(2))
                .withWeighting(Weighting.byExamplesUpTo(100));
        // end::parts[]
        Run run = run(strategy);
        assertThat(run.records().get(0).cohort()).hasSize(2);
        assertThat(run.records().get(0).outcomes()).allMatch(outcome -> outcome.weight() <= 100);
    }

    @Test
    void mixesParts() throws Exception {
        // tag::mix[]
        Strategy strategy = FedProx.withMu(0.1).toBuilder()
                .serverOptimizer(FedAvgM.builder().serverMomentum(0.5).serverOptimizer())
                .serverTransform(() -> NormClipping.withClippingNorm(1.0))
                .setting("serverMomentum", 0.5)
                .build();
        // end::mix[]
        assertThat(run(strategy).header().settings().asMap())
                .containsEntry("strategy.mu", 0.1)
                .containsEntry("strategy.serverMomentum", 0.5);
    }

    @Test
    void bearsAHostileSite() {
        // tag::hostile[]
        Strategy trimmed = TrimmedMean.bearing(1);
        Strategy bounded = MultiKrum.bearing(1).toBuilder()
                .serverTransform(() -> NormBounding.withMaxNorm(10))
                .build()
                .withWeighting(Weighting.uniform());
        // end::hostile[]
        assertThat(trimmed.leastUpdates()).isEqualTo(3);
        assertThat(bounded.leastUpdates()).isEqualTo(5);
        // What the page says of six sites.
        assertThat(TrimmedMean.bearing(2).leastUpdates()).isLessThanOrEqualTo(6);
        assertThat(CoordinateMedian.bearing(2).leastUpdates()).isLessThanOrEqualTo(6);
        assertThat(Krum.bearing(2).leastUpdates()).isGreaterThan(6);
        assertThat(Bulyan.bearing(1).leastUpdates()).isEqualTo(7);
    }

    @Test
    void choosesWhoIsAsked() throws Exception {
        // tag::selection[]
        Strategy inTurn = FedAvg.create().withSelector(RoundRobin.choosing(2));
        Strategy byChance = FedAvg.create().withSelector(PoissonSampling.withRate(0.5));
        Strategy bySize = FedAvg.create()
                .withSelector(ExampleWeightedSelection.choosing(2))
                .withWeighting(Weighting.uniform());
        Strategy worstOff =
                FedAvg.create().withSelector(PowerOfChoice.choosing(2, 3)).withWeighting(Weighting.uniform());
        // end::selection[]
        for (Strategy strategy : List.of(inTurn, byChance, bySize, worstOff)) {
            assertThat(run(strategy, RoundPolicy.defaults().withQuorum(1).withToleratedAborts(3))
                            .records())
                    .allSatisfy(record -> assertThat(record.cohort()).hasSizeLessThanOrEqualTo(3));
        }
    }

    @Test
    void overSelects() throws Exception {
        // tag::over-selection[]
        Strategy strategy = FedAvg.create().withSelector(ClientSelector.uniform(3));
        RoundPolicy policy = RoundPolicy.defaults().withQuorum(2).withCloseAfter(2);
        // end::over-selection[]
        Run run = run(strategy, policy);
        // The third is cancelled, or has not yet noticed that it was in the round before.
        assertThat(run.records()).allSatisfy(record -> {
            assertThat(record.outcomes()).hasSize(3);
            assertThat(record.outcomes().stream().filter(OutcomeRecord::isCompleted))
                    .hasSize(2);
        });
        assertThat(run.records().get(0).outcomes())
                .extracting(OutcomeRecord::outcome)
                .contains("cancelled");
    }

    // tag::selector[]
    /** Asks those who were asked least; the same for the same past, as a selector must be. */
    record LeastAsked(int count) implements ClientSelector {
        @Override
        public List<String> select(Context context) {
            return context.clients().stream()
                    .map(ClientInfo::id)
                    .sorted(Comparator.comparingInt(
                            id -> context.participation().apply(id).selectedRounds()))
                    .limit(count)
                    .toList();
        }

        @Override
        public String description() {
            return "least-asked(count=" + count + ")";
        }
    }
    // end::selector[]

    @Test
    void takesASelectorOfOnesOwn() throws Exception {
        Run run = run(FedAvg.create().withSelector(new LeastAsked(1)));
        assertThat(run.records().stream().map(record -> record.cohort().get(0)))
                .containsExactly("north", "south", "west");
    }

    @Test
    void instructsSingleClients() throws Exception {
        // tag::instructions[]
        Strategy strategy = FedProx.withMu(0.1)
                .withInstructions(
                        "slow sites train one epoch",
                        (round, clientId) ->
                                clientId.equals("west") ? Config.empty().with("localEpochs", 1) : Config.empty());
        // end::instructions[]
        Run run = Federation.of(Hospitals.all())
                .strategy(strategy)
                .training(TrainingSettings.defaults().withLocalEpochs(4))
                .rounds(1)
                .run();
        assertThat(run.records().get(0).outcomes())
                .extracting(outcome -> outcome.metrics().get("localEpochs").orElseThrow())
                .containsExactly(4.0, 4.0, 1.0);
    }
}
