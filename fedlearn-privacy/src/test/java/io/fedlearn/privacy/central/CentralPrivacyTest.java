package io.fedlearn.privacy.central;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.fedlearn.core.strategy.Aggregate;
import io.fedlearn.core.strategy.AggregateTransform;
import io.fedlearn.core.strategy.Aggregator;
import io.fedlearn.core.strategy.Capability;
import io.fedlearn.core.strategy.ClientSelector;
import io.fedlearn.core.strategy.Disclosure;
import io.fedlearn.core.strategy.ServerOptimizer;
import io.fedlearn.core.strategy.Strategy;
import io.fedlearn.core.strategy.WeightedUpdate;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.ModelSpec;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.update.TransformContext;
import io.fedlearn.core.update.UpdateTransform;
import io.fedlearn.privacy.accounting.NeighboringRelation;
import io.fedlearn.privacy.accounting.PrivacyEvent;
import io.fedlearn.privacy.accounting.RdpAccountant;
import java.util.List;
import org.assertj.core.api.AbstractThrowableAssert;
import org.junit.jupiter.api.Test;

class CentralPrivacyTest {
    private static CentralPrivacy.Builder privacy(ClientSampling sampling) {
        return CentralPrivacy.builder("run/heart")
                .clipping(Clipping.fixed(0.5))
                .noiseMultiplier(1.2)
                .sampling(sampling);
    }

    private static final ClientSampling POISSON = ClientSampling.poisson(0.01);

    private static CentralPrivacy poisson() {
        return privacy(POISSON).expectedCohort(10).build();
    }

    @Test
    void relationAndEventFollowTheSampling() {
        assertThat(poisson().relation()).isEqualTo(NeighboringRelation.ADD_OR_REMOVE_ONE);
        assertThat(poisson().event()).isEqualTo(new PrivacyEvent.PoissonSampled(0.01, new PrivacyEvent.Gaussian(1.2)));

        CentralPrivacy fixed = privacy(ClientSampling.withoutReplacement(2, List.of("a", "b", "c")))
                .build();
        assertThat(fixed.relation()).isEqualTo(NeighboringRelation.REPLACE_ONE);
        // One client replaced moves the sum twice as far.
        assertThat(fixed.event())
                .isEqualTo(new PrivacyEvent.SampledWithoutReplacement(3, 2, new PrivacyEvent.Gaussian(0.6)));
        assertThat(fixed.expectedCohort()).isEqualTo(2);

        CentralPrivacy everybody =
                privacy(ClientSampling.asSelected()).expectedCohort(3).build();
        assertThat(everybody.relation()).isEqualTo(NeighboringRelation.REPLACE_SPECIAL);
        assertThat(everybody.event()).isEqualTo(new PrivacyEvent.Gaussian(1.2));

        CentralPrivacy tree = privacy(ClientSampling.separated(8))
                .restartEvery(8)
                .expectedCohort(3)
                .build();
        assertThat(tree.relation()).isEqualTo(NeighboringRelation.REPLACE_SPECIAL);
        assertThat(tree.event()).isEqualTo(new PrivacyEvent.TreeAggregation(1.2, 8, 1, 8));
        assertThat(tree.event(17)).isEqualTo(new PrivacyEvent.Repeated(3, tree.event()));
        assertThat(poisson().event(17))
                .isEqualTo(new PrivacyEvent.Repeated(17, poisson().event()));
    }

    @Test
    void everyEventCanBeAnalysedUnderItsRelation() {
        for (CentralPrivacy privacy : List.of(
                poisson(),
                privacy(ClientSampling.withoutReplacement(2, List.of("a", "b", "c", "d")))
                        .build(),
                privacy(ClientSampling.asSelected()).expectedCohort(3).build(),
                privacy(ClientSampling.separated(100))
                        .restartEvery(8)
                        .expectedCohort(3)
                        .build())) {
            assertThat(RdpAccountant.of(privacy.relation())
                            .compose(privacy.event(20))
                            .epsilon(1e-5))
                    .as("%s", privacy)
                    .isBetween(0.01, 200.0);
        }
    }

    @Test
    void privateStrategyTellsWhatItIs() {
        Strategy strategy = poisson().appliedTo(PlainMean.strategy());
        assertThat(strategy.name()).isEqualTo("DP-Mean");
        assertThat(strategy.disclosure()).isEqualTo(Disclosure.MODEL);
        assertThat(strategy.settings().asMap())
                .containsEntry("privacyUnit", "client")
                .containsEntry("privacyRelation", "add-remove")
                .containsEntry("privacyScope", "run/heart")
                .containsEntry("clipping", "fixed(clippingNorm=0.5)")
                .containsEntry("noiseMultiplier", 1.2)
                .containsEntry("sampling", "secret-poisson(rate=0.01)")
                .containsEntry("selector", "secret-poisson(rate=0.01)")
                .containsEntry("expectedCohort", 10.0)
                .containsEntry("weighting", "uniform")
                .containsEntry("aggregator", "private-mean");
        Strategy tree = privacy(ClientSampling.separated(3))
                .restartEvery(4)
                .expectedCohort(5)
                .weightsByExamplesUpTo(50)
                .build()
                .appliedTo(PlainMean.strategy().withSelector(ClientSelector.uniform(5)));
        assertThat(tree.name()).isEqualTo("DP-FTRL-Mean");
        assertThat(tree.disclosure()).isEqualTo(Disclosure.MODEL_AND_COHORT);
        assertThat(tree.settings().asMap())
                .containsEntry("restartEvery", 4L)
                .containsEntry("weighting", "by-examples-up-to(50)")
                .containsEntry("selector", "separated(minSeparation=3, uniform(count=5))");
    }

    private static AbstractThrowableAssert<?, ?> assertRefused(Strategy strategy) {
        return assertThatThrownBy(() -> poisson().appliedTo(strategy))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(strategy.name());
    }

    @Test
    void refusesStrategiesThatTakeMoreThanAMean() {
        assertRefused(Strategy.builder("Median", Unknown::new, ServerOptimizer::identity)
                        .build())
                .hasMessageContaining("its rule is not a plain mean");
        assertRefused(PlainMean.strategy().toBuilder()
                        .requires(Capability.SIDE_TENSORS)
                        .build())
                .hasMessageContaining("it needs tensors beside the model");
        assertRefused(PlainMean.strategy().toBuilder()
                        .requires(Capability.CLIENT_STATE)
                        .build())
                .hasMessageContaining("it needs state kept at the client");
        assertRefused(PlainMean.strategy().toBuilder()
                        .serverTransform(() -> new Named("shift"))
                        .build())
                .hasMessageContaining("transforms updates before the mean, by shift");
        assertRefused(PlainMean.strategy().toBuilder()
                        .aggregateTransform(() -> new NamedAggregate("halve"))
                        .build())
                .hasMessageContaining("transforms the mean, by halve");
        assertRefused(PlainMean.strategy().toBuilder()
                        .protocol((parts, context) -> {
                            throw new IllegalStateException("is not started");
                        })
                        .build())
                .hasMessageContaining("its rule is not a plain mean");
        assertRefused(poisson().appliedTo(PlainMean.strategy())).hasMessageContaining("it is private already");
        assertRefused(PlainMean.strategy().withSelector(ClientSelector.uniform(3)))
                .hasMessageContaining("selects by uniform(count=3), and privacy is claimed for secret-poisson");
    }

    @Test
    void refusesAModelWithBuffersUnlessToldWhatBecomesOfThem() {
        ModelSpec model = Model.builder()
                .trainable("weight", Tensor.wrap(new double[] {1}, 1))
                .buffer("running_var", Tensor.wrap(new double[] {1}, 1))
                .build()
                .spec();
        assertThatThrownBy(() -> poisson().appliedTo(PlainMean.strategy()).requireModel(model))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("running_var")
                .hasMessageContaining("Buffers.KEPT");
        privacy(POISSON)
                .expectedCohort(10)
                .buffers(Buffers.KEPT)
                .build()
                .appliedTo(PlainMean.strategy())
                .requireModel(model);
    }

    @Test
    void refusesSettingsThatDoNotGoTogether() {
        assertThatThrownBy(() -> privacy(POISSON).build())
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("expectedCohort must be given");
        assertThatThrownBy(
                        () -> privacy(POISSON).expectedCohort(3).restartEvery(4).build())
                .hasMessageContaining("tree aggregation (restartEvery) and separated sampling belong together");
        assertThatThrownBy(() ->
                        privacy(ClientSampling.separated(3)).expectedCohort(3).build())
                .hasMessageContaining("had no tree and separated(minSeparation=3)");
        assertThatThrownBy(() -> privacy(ClientSampling.separated(3))
                        .expectedCohort(300)
                        .clipping(Clipping.adaptive(1))
                        .restartEvery(4)
                        .build())
                .hasMessageContaining("tree aggregation needs fixed clipping");
        assertThatThrownBy(() -> privacy(ClientSampling.withoutReplacement(2, List.of("a", "b", "c")))
                        .expectedCohort(3)
                        .build())
                .hasMessageContaining("expectedCohort must be the 2 that are drawn, was 3.0");
        assertThatThrownBy(() -> CentralPrivacy.builder("run").build()).hasMessage("clipping must be given");
    }

    @Test
    void refusesSettingsOutOfRange() {
        CentralPrivacy.Builder builder = CentralPrivacy.builder("run");
        for (double bad : new double[] {0, -1, Double.NaN, Double.POSITIVE_INFINITY}) {
            assertThatThrownBy(() -> builder.noiseMultiplier(bad))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("noiseMultiplier must be in")
                    .hasMessageContaining("was " + bad);
            assertThatThrownBy(() -> builder.expectedCohort(bad)).hasMessageContaining("expectedCohort must be > 0");
            assertThatThrownBy(() -> Clipping.fixed(bad)).hasMessageContaining("clippingNorm must be in");
        }
        for (double bad : new double[] {0, -0.1, 1.0000001, Double.NaN}) {
            assertThatThrownBy(() -> ClientSampling.poisson(bad)).hasMessage("rate must be in (0, 1], was " + bad);
        }
        assertThatThrownBy(() -> ClientSampling.withoutReplacement(3, List.of("a", "b", "b")))
                .hasMessage("cohort must be at most the population's 2 clients, was 3");
        assertThatThrownBy(() -> ClientSampling.separated(0)).hasMessage("minSeparation must be >= 1, was 0");
        assertThatThrownBy(() -> builder.restartEvery(0)).hasMessage("restartEvery must be >= 1, was 0");
        assertThatThrownBy(() -> builder.weightsByExamplesUpTo(0)).hasMessage("examples must be >= 1, were 0");
        assertThatThrownBy(() -> CentralPrivacy.builder("")).hasMessage("scope must not be empty");
    }

    /** Four hospitals and 300,000 weights: the noise buries the model. */
    @Test
    void warnsWhereClientsAreFew() {
        ExpectedNoise hospitals = privacy(ClientSampling.asSelected())
                .noiseMultiplier(2)
                .expectedCohort(4)
                .build()
                .expectedNoise(300_000);
        assertThat(hospitals.deviation()).isEqualTo(0.25);
        assertThat(hospitals.ratio()).isCloseTo(273.9, within(0.1));
        assertThat(hospitals.norm()).isCloseTo(136.9, within(0.1));
        assertThat(hospitals.warning().orElseThrow())
                .contains("274 times as long")
                .contains("protect the person");
        ExpectedNoise phones = privacy(POISSON).expectedCohort(10_000).build().expectedNoise(300_000);
        assertThat(phones.ratio()).isLessThan(0.1);
        assertThat(phones.warning()).isEmpty();
    }

    private static final class Unknown implements Aggregator.Streaming {
        @Override
        public void begin(Model global) {}

        @Override
        public void accumulate(List<WeightedUpdate> updates) {}

        @Override
        public Aggregate finish() {
            throw new IllegalStateException("is not asked");
        }
    }

    private record Named(String description) implements UpdateTransform {
        @Override
        public ClientUpdate apply(ClientUpdate update, TransformContext context) {
            return update;
        }
    }

    private record NamedAggregate(String description) implements AggregateTransform {
        @Override
        public void applyInPlace(Aggregate aggregate) {}
    }
}
