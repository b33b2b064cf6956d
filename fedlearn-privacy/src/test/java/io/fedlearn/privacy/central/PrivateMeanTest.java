package io.fedlearn.privacy.central;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.fedlearn.core.strategy.Aggregate;
import io.fedlearn.core.strategy.WeightedUpdate;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.task.UpdateForm;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Shape;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.tensor.TensorType;
import io.fedlearn.core.update.InvalidUpdateException;
import io.fedlearn.testkit.statistics.StatisticalAssertions;
import java.util.List;
import org.junit.jupiter.api.Test;

class PrivateMeanTest {
    /** Of each statistical test here. */
    private static final double FALSE_ALARM = 1e-7;

    private static final int TRIALS = 20_000;

    private static CentralPrivacy.Builder privacy() {
        return CentralPrivacy.builder("run")
                .clipping(Clipping.fixed(1))
                .noiseMultiplier(1.5)
                .sampling(ClientSampling.poisson(0.1))
                .expectedCohort(10);
    }

    private static Aggregate round(PrivateMean mean, Model global, WeightedUpdate... updates) {
        mean.begin(global);
        mean.accumulate(List.of(updates));
        return mean.finish();
    }

    private static PrivateMean noiseless(CentralPrivacy.Builder settings) {
        return new PrivateMean(settings.build(), KnownNoise.none());
    }

    @Test
    void dividesByTheExpectedCohortAndNotTheRealOne() {
        Model global = Updates.model(5, 5);
        Aggregate aggregate =
                round(noiseless(privacy()), global, Updates.delta("a", 0.5, 0), Updates.delta("b", 0.25, -0.5));
        assertThat(aggregate.form()).isEqualTo(UpdateForm.MODEL_DELTA);
        assertThat(Updates.values(aggregate)).containsExactly(0.075, -0.05);
        assertThat(aggregate.updateCount()).isEqualTo(10);
        assertThat(aggregate.totalWeight()).isEqualTo(10);
        assertThat(aggregate.clientWeights()).isEmpty();
    }

    @Test
    void ignoresTheWeightsThatItIsTold() {
        Model global = Updates.model(0, 0);
        WeightedUpdate heavy =
                new WeightedUpdate("a", ClientUpdate.ofModelDelta(Updates.model(0.5, 0.25), 1_000_000), 1_000_000);
        assertThat(Updates.values(round(noiseless(privacy()), global, heavy))).containsExactly(0.05, 0.025);
    }

    @Test
    void capsWhatExamplesCount() {
        Model global = Updates.model(0, 0);
        CentralPrivacy.Builder capped = privacy().weightsByExamplesUpTo(8);
        WeightedUpdate few = new WeightedUpdate("a", ClientUpdate.ofModelDelta(Updates.model(0.5, 0), 2), 2);
        WeightedUpdate many =
                new WeightedUpdate("b", ClientUpdate.ofModelDelta(Updates.model(0, 0.5), Long.MAX_VALUE), 8);
        assertThat(Updates.values(round(noiseless(capped), global, few, many))).containsExactly(0.0125, 0.05);
    }

    @Test
    void takesModelsAndDeltasAlike() {
        Model global = Updates.model(2, 3);
        WeightedUpdate model = new WeightedUpdate("a", ClientUpdate.ofModel(Updates.model(2.5, 3), 1), 1);
        Aggregate aggregate = round(noiseless(privacy()), global, model, Updates.delta("b", 0, 0.5));
        assertThat(Updates.values(aggregate)).containsExactly(0.05, 0.05);
        assertThat(noiseless(privacy()).takesModelDeltas()).isTrue();
    }

    @Test
    void leavesCountersAndIntegersAsTheyAre() {
        Model global = Updates.mixedModel();
        Model change = Model.builder()
                .trainable("single", Tensor.zeros(TensorType.FLOAT32, Shape.of(5000)))
                .trainable("double", Tensor.zeros(TensorType.FLOAT64, Shape.of(37)))
                .buffer("half", Tensor.zeros(TensorType.FLOAT16, Shape.of(3, 5)))
                .trainable("brain", Tensor.zeros(TensorType.BFLOAT16, Shape.of(11)))
                .counter("batches", Tensor.copyOf(new long[] {100}, 1))
                .buffer("kept", Tensor.copyOf(new int[] {30, 40}, 2))
                .build();
        PrivateMean mean = new PrivateMean(privacy().buffers(Buffers.COUNTED).build(), KnownNoise.times(1));
        Model next = round(mean, global, Updates.delta("a", change)).toModel(global);
        assertThat(next.tensor("batches")).isEqualTo(global.tensor("batches"));
        assertThat(next.tensor("kept")).isEqualTo(global.tensor("kept"));
        assertThat(next.tensor("half")).isNotEqualTo(global.tensor("half"));
        assertThat(next.tensor("single")).isNotEqualTo(global.tensor("single"));
    }

    @Test
    void keptBuffersGetNeitherChangeNorNoiseAndTakeNoPartInTheNorm() {
        Model global = buffered(0, 7);
        WeightedUpdate update = Updates.delta("a", buffered(0.5, 1000));
        PrivateMean noisy = new PrivateMean(privacy().buffers(Buffers.KEPT).build(), KnownNoise.times(1));
        assertThat(round(noisy, global, update).toModel(global).tensor("scale")).isEqualTo(global.tensor("scale"));
        assertThat(round(noiseless(privacy().buffers(Buffers.KEPT)), global, update)
                        .values(0))
                .containsExactly(0.05);
    }

    private static Model buffered(double weight, double scale) {
        return Model.builder()
                .trainable("weight", Tensor.wrap(new double[] {weight}, 1))
                .buffer("scale", Tensor.wrap(new double[] {scale}, 1))
                .build();
    }

    @Test
    void givesNoiseAloneWithoutUpdates() {
        Model global = Updates.mixedModel();
        PrivateMean mean = new PrivateMean(privacy().build(), KnownNoise.times(1));
        mean.begin(global);
        Aggregate aggregate = mean.finish();
        StatisticalAssertions.assertNormalDeviation(aggregate.values(0), 0, 0.15, FALSE_ALARM);
        assertThat(aggregate.updateCount()).isEqualTo(10);
    }

    private static double[] noiseOf(NoiseSamplers samplers) {
        Model global = Model.builder()
                .trainable("weight", Tensor.zeros(TensorType.FLOAT32, Shape.of(20_000)))
                .build();
        Model delta = Updates.randomDelta(global, 3);
        double[] bare = Updates.values(
                round(new PrivateMean(privacy().build(), KnownNoise.none()), global, Updates.delta("a", delta)));
        double[] noisy =
                Updates.values(round(new PrivateMean(privacy().build(), samplers), global, Updates.delta("a", delta)));
        for (int i = 0; i < noisy.length; i++) {
            noisy[i] -= bare[i];
        }
        return noisy;
    }

    @Test
    void noiseHasTheDeviationThatIsAccounted() {
        double[] noise = noiseOf(KnownNoise.times(1));
        StatisticalAssertions.assertNormalDeviation(noise, 0, 0.15, FALSE_ALARM);
        StatisticalAssertions.assertMean(noise, 0, 0.15, FALSE_ALARM);
    }

    @Test
    void tooLittleNoiseIsNoticed() {
        double[] noise = noiseOf(KnownNoise.times(0.9));
        assertThatThrownBy(() -> StatisticalAssertions.assertNormalDeviation(noise, 0, 0.15, FALSE_ALARM))
                .isInstanceOf(AssertionError.class);
    }

    @Test
    void asksForNoiseOfWholeRadiiAndNeverLess() {
        KnownNoise noise = KnownNoise.times(1);
        round(new PrivateMean(privacy().clipping(Clipping.fixed(0.7)).build(), noise), Updates.model(0));
        assertThat(noise.deviations())
                .singleElement()
                .satisfies(deviation -> assertThat(deviation)
                        .isGreaterThanOrEqualTo(1.5 * ClippingGrid.of(0.7).radius())
                        .isCloseTo(1.5 * ClippingGrid.of(0.7).radius(), within(1e-6)));
    }

    @Test
    void outputsLieOnAGridWhateverTheInputs() {
        ClippingGrid grid = ClippingGrid.of(1);
        CentralPrivacy.Builder settings = privacy().expectedCohort(8);
        for (double input : new double[] {0.1, 1e-12, 123.456, 0}) {
            PrivateMean mean = new PrivateMean(settings.build(), KnownNoise.times(1));
            double value = Updates.values(round(mean, Updates.model(0.3), Updates.delta("a", input)))[0];
            double steps = value * 8 / grid.step();
            assertThat(steps).isEqualTo(Math.rint(steps));
        }
    }

    /**
     * The guarantee itself, on neighbours at their farthest: one client more, whose value is clipped to 1. At noise multiplier 1.5 and
     * epsilon 0.5 no set of outputs may be likelier than {@code exp(epsilon)} times its likelihood without the client, plus delta;
     * the worst set is a half-line.
     */
    private static boolean isPrivate(NoiseSamplers samplers) {
        double epsilon = 0.5;
        // Phi(1/(2z) - z epsilon) - exp(epsilon) Phi(-1/(2z) - z epsilon) at z = 1.5.
        double delta = 0.10875;
        // The likelihoods are exp(epsilon) apart where the sum is z^2 epsilon + 1/2 above that of the others.
        double threshold = -0.1 + 1.625;
        WeightedUpdate first = Updates.delta("a", -0.3);
        WeightedUpdate second = Updates.delta("b", 0.2);
        double likely = shareAbove(samplers, threshold, first, second, Updates.delta("c", 250));
        double unlikely = shareAbove(samplers, threshold, first, second);
        // Two Hoeffding bounds.
        double slack = Math.sqrt(Math.log(2 / FALSE_ALARM) / (2.0 * TRIALS));
        return likely - Math.exp(epsilon) * unlikely <= delta + slack * (1 + Math.exp(epsilon));
    }

    private static double shareAbove(NoiseSamplers samplers, double threshold, WeightedUpdate... cohort) {
        PrivateMean mean = new PrivateMean(privacy().expectedCohort(1).build(), samplers);
        Model global = Updates.model(0);
        int above = 0;
        for (int trial = 0; trial < TRIALS; trial++) {
            above += round(mean, global, cohort).values(0)[0] > threshold ? 1 : 0;
        }
        return (double) above / TRIALS;
    }

    @Test
    void neighboursAreAsHardToTellApartAsPromised() {
        assertThat(isPrivate(KnownNoise.times(1))).isTrue();
    }

    @Test
    void tooLittleNoiseTellsNeighboursApart() {
        assertThat(isPrivate(KnownNoise.times(0.6))).isFalse();
    }

    @Test
    void refusesSumsOverSeveralClients() {
        ClientUpdate sum = ClientUpdate.of(UpdateForm.WEIGHTED_SUM, Updates.model(1), 3);
        assertThatThrownBy(
                        () -> noiseless(privacy()).check(sum, Updates.model(1).spec()))
                .isInstanceOf(InvalidUpdateException.class)
                .hasMessageContaining("a sum over several clients cannot be clipped");
    }

    @Test
    void refusesFlagsByName() {
        Model flags = Model.builder()
                .trainable("weight", Tensor.wrap(new double[] {0}, 1))
                .buffer("mask", Tensor.zeros(TensorType.BOOL, Shape.of(2)))
                .build();
        assertThatThrownBy(() -> noiseless(privacy()).begin(flags))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("mask");
    }

    @Test
    void releasesARoundOnce() {
        PrivateMean mean = noiseless(privacy());
        round(mean, Updates.model(0), Updates.delta("a", 1));
        assertThatThrownBy(mean::finish).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> mean.accumulate(List.of(Updates.delta("a", 1))))
                .isInstanceOf(IllegalStateException.class);
    }

    @Test
    void forgetsARoundThatWasGivenUp() {
        PrivateMean mean = noiseless(privacy());
        Model global = Updates.model(0);
        mean.begin(global);
        mean.accumulate(List.of(Updates.delta("a", 1)));
        mean.restore(mean.snapshot());
        assertThatThrownBy(mean::finish).isInstanceOf(IllegalStateException.class);
        assertThat(Updates.values(round(mean, global, Updates.delta("a", 0.5)))).containsExactly(0.05);
    }

    @Test
    void chargesEveryRound() {
        PrivateMean mean = noiseless(privacy());
        assertThat(mean.charge(3)).hasValueSatisfying(charge -> {
            assertThat(charge.scope()).isEqualTo("run");
            assertThat(charge.mechanism()).isEqualTo("poisson-sampled(rate=0.1, gaussian(noiseMultiplier=1.5))");
            assertThat(charge.parameters().getString("relation")).contains("add-remove");
            assertThat(charge.parameters().getString("purpose")).contains("round 3");
        });
        assertThat(mean.charge(4)).isPresent();
    }
}
