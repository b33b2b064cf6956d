package io.fedlearn.privacy.central;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.fedlearn.core.random.SeededRandom;
import io.fedlearn.core.strategy.WeightedUpdate;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.update.PartState;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class ClippingNormTest {
    private static CentralPrivacy.Builder privacy(Clipping clipping) {
        return CentralPrivacy.builder("run")
                .clipping(clipping)
                .noiseMultiplier(1)
                .sampling(ClientSampling.poisson(0.01))
                .expectedCohort(100);
    }

    /** Rounds of 100 clients whose norms are spread evenly between 0 and 4. */
    private static double norm(PrivateMean mean) {
        return mean.snapshot().values().getDouble("clippingNorm").orElseThrow();
    }

    private static void train(PrivateMean mean, int rounds) {
        SeededRandom random = SeededRandom.of(5);
        Model global = Updates.model(0);
        for (int round = 0; round < rounds; round++) {
            List<WeightedUpdate> updates = new ArrayList<>();
            for (int k = 0; k < 100; k++) {
                updates.add(Updates.delta("c" + k, 4 * random.nextDouble()));
            }
            mean.begin(global);
            mean.accumulate(updates);
            mean.finish();
        }
    }

    @Test
    void followsTheQuantile() {
        for (double quantile : new double[] {0.25, 0.5, 0.9}) {
            Clipping clipping = Clipping.adaptive(0.01).withQuantile(quantile);
            PrivateMean mean = new PrivateMean(privacy(clipping).build(), KnownNoise.none());
            train(mean, 150);
            assertThat(norm(mean)).isCloseTo(4 * quantile, within(0.45));
        }
    }

    @Test
    void movesByHalfABitWhenAClientSendsZerosInstead() {
        Clipping.Adaptive clipping = Clipping.adaptive(1);
        double nobody = normAfter(clipping);
        double zeros = normAfter(clipping, 0);
        double within = normAfter(clipping, 0.5);
        double clipped = normAfter(clipping, 2);
        // C exp(-eta (b - gamma)), b being the sum of bits over the expected cohort, plus 1/2.
        double halfABit = clipping.learningRate() * 0.5 / 100;
        assertThat(zeros).isEqualTo(nobody);
        assertThat(Math.log(zeros / within)).isCloseTo(halfABit, within(1e-12));
        assertThat(Math.log(clipped / zeros)).isCloseTo(halfABit, within(1e-12));
    }

    private static double normAfter(Clipping clipping, double... updateNorms) {
        ClippingNorm norm = new ClippingNorm(clipping, 100, KnownNoise.none());
        norm.begin();
        for (double updateNorm : updateNorms) {
            norm.add(updateNorm);
        }
        norm.finish(KnownNoise.none().source());
        return norm.value();
    }

    @Test
    void followsItThroughTheNoiseOfTheCount() {
        PrivateMean mean = new PrivateMean(privacy(Clipping.adaptive(20)).build(), KnownNoise.times(1));
        train(mean, 80);
        assertThat(norm(mean)).isBetween(1.0, 3.2);
    }

    @Test
    void movesByTheStepOfThePaper() {
        PrivateMean mean = new PrivateMean(
                privacy(Clipping.adaptive(1))
                        .expectedCohort(4)
                        .noiseMultiplier(0.1)
                        .build(),
                KnownNoise.none());
        mean.begin(Updates.model(0));
        // Two within the norm, one beyond it, one missing: b = 1/2 + (1/2 + 1/2 - 1/2) / 4.
        mean.accumulate(List.of(Updates.delta("a", 0.5), Updates.delta("b", -1), Updates.delta("c", 2)));
        mean.finish();
        assertThat(norm(mean)).isEqualTo(StrictMath.exp(-0.2 * (0.625 - 0.5)));
    }

    @Test
    void bothNoisesTogetherAreTheOneThatIsAccounted() {
        KnownNoise noise = KnownNoise.times(1);
        PrivateMean mean = new PrivateMean(privacy(Clipping.adaptive(1)).build(), noise);
        mean.begin(Updates.model(0));
        mean.finish();
        double deltas = noise.deviations().get(0) / ClippingGrid.of(1).radius();
        // The count is kept in 2^-20 of half bits; one client moves it by one half bit.
        double count = noise.deviations().get(1) / (1 << 20);
        assertThat(count).isCloseTo(10, within(1e-9));
        double multiplier = 1 / Math.sqrt(1 / (deltas * deltas) + 1 / (count * count));
        assertThat(multiplier).isGreaterThanOrEqualTo(1).isCloseTo(1, within(1e-11));
    }

    @Test
    void normIsTakenUpAgain() {
        PrivateMean mean = new PrivateMean(privacy(Clipping.adaptive(1)).build(), KnownNoise.times(1));
        train(mean, 5);
        PartState state = mean.snapshot();
        PrivateMean resumed = new PrivateMean(privacy(Clipping.adaptive(1)).build(), KnownNoise.times(1));
        resumed.restore(state);
        assertThat(resumed.snapshot()).isEqualTo(state);
        assertThat(norm(resumed)).isNotEqualTo(1);
    }

    @Test
    void fixedNormKeepsNoState() {
        PrivateMean mean = new PrivateMean(privacy(Clipping.fixed(1)).build(), KnownNoise.times(1));
        train(mean, 1);
        assertThat(mean.snapshot().isEmpty()).isTrue();
    }

    @Test
    void refusesSmallCohorts() {
        assertThatThrownBy(
                        () -> privacy(Clipping.adaptive(1)).expectedCohort(10).build())
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("adaptive clipping needs 2 x countNoise > noiseMultiplier, had 2 x 0.5 for an expected"
                        + " cohort of 10.0 and 1.0: take larger cohorts, more noise on the count, or fixed clipping");
        assertThat(privacy(Clipping.adaptive(1).withCountNoise(5))
                        .expectedCohort(10)
                        .build()
                        .deltaNoiseMultiplier())
                .isCloseTo(1 / Math.sqrt(0.99), within(1e-9));
    }

    @Test
    void refusesSettingsOutOfRange() {
        assertThatThrownBy(() -> Clipping.fixed(0)).hasMessageStartingWith("clippingNorm must be in");
        assertThatThrownBy(() -> Clipping.fixed(Double.NaN)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> Clipping.fixed(Double.POSITIVE_INFINITY)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> Clipping.adaptive(1).withQuantile(1))
                .hasMessageContaining("quantile must be in (0, 1)");
        assertThatThrownBy(() -> Clipping.adaptive(1).withLearningRate(0)).hasMessageContaining("was 0.0");
        assertThatThrownBy(() -> Clipping.adaptive(1).withCountNoise(-1))
                .hasMessageContaining("countNoise must be in [");
    }
}
