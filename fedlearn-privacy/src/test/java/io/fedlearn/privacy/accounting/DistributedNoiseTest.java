package io.fedlearn.privacy.accounting;

import static io.fedlearn.privacy.accounting.NeighboringRelation.ADD_OR_REMOVE_ONE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

final class DistributedNoiseTest {
    /** The orders of the reference. */
    private static RdpAccountant accountant() {
        return RdpAccountant.of(
                ADD_OR_REMOVE_ONE,
                IntStream.concat(IntStream.rangeClosed(2, 128), IntStream.of(256))
                        .asDoubleStream()
                        .toArray());
    }

    private static PrivacyEvent sampled(double rate, PrivacyEvent event) {
        return rate == 1 ? event : new PrivacyEvent.PoissonSampled(rate, event);
    }

    static Stream<Golden> discreteGaussians() {
        return Golden.rows("distributed-discrete-gaussian").stream();
    }

    @ParameterizedTest
    @MethodSource("discreteGaussians")
    void discreteGaussianSharesEqualTheReference(Golden row) {
        double grid = row.get("gamma");
        long dimension = row.whole("dimension");
        double l2 = DistributedNoise.roundedL2Norm(row.get("l2") / grid, row.get("beta"), dimension);
        double sigma = row.get("localStddev") / grid;
        assertThat(l2 * grid).isCloseTo(row.get("roundedL2"), within(1e-12));
        // The reference computes with the double next to this one.
        assertThat(DistributedNoise.tau(sigma, row.whole("clients")))
                .isCloseTo(row.get("tau"), within(1e-6 * row.get("tau")));
        PrivacyEvent event = new PrivacyEvent.DistributedDiscreteGaussian(
                sigma, row.whole("clients"), dimension, DistributedNoise.wholeL1Norm(l2, dimension), l2);
        double epsilon = accountant()
                .compose(sampled(row.get("q"), event), row.whole("steps"))
                .epsilon(row.get("delta"));
        assertThat(epsilon).isCloseTo(row.get("epsilon"), within(1e-9 * row.get("epsilon")));
    }

    static Stream<Golden> skellams() {
        return Golden.rows("skellam").stream();
    }

    @ParameterizedTest
    @MethodSource("skellams")
    void skellamSharesEqualTheReference(Golden row) {
        long dimension = row.whole("dimension");
        double l2 = DistributedNoise.roundedL2Norm(row.get("l2") * row.get("scale"), row.get("beta"), dimension);
        double variance = Math.pow(row.get("centralStddev") * row.get("scale"), 2);
        PrivacyEvent event =
                new PrivacyEvent.DistributedSkellam(variance / 40, 40, DistributedNoise.wholeL1Norm(l2, dimension), l2);
        double epsilon = accountant()
                .compose(sampled(row.get("q"), event), row.whole("steps"))
                .epsilon(row.get("delta"));
        assertThat(epsilon).isCloseTo(row.get("epsilon"), within(1e-9 * row.get("epsilon")));
    }

    @Test
    void skellamBoundCoversTheExactDivergence() {
        for (double variance : new double[] {4, 20, 100}) {
            double[] p = skellam(variance, 400);
            for (int shift : new int[] {1, 3}) {
                for (int order = 2; order <= 16; order++) {
                    double sum = 0;
                    for (int x = shift; x < p.length; x++) {
                        if (p[x] > 0 && p[x - shift] > 0) {
                            sum += Math.exp(order * Math.log(p[x]) + (1 - order) * Math.log(p[x - shift]));
                        }
                    }
                    double exact = Math.log(sum) / (order - 1);
                    double bound = DistributedNoise.skellam(
                            new PrivacyEvent.DistributedSkellam(variance, 1, shift, shift), order);
                    assertThat(bound)
                            .as("variance %s, shift %s, order %s", variance, shift, order)
                            .isBetween(exact, exact * 4);
                }
            }
        }
    }

    /** {@code P(x) = e^-v I_x(v)} from -reach to reach, by Miller's backward recurrence. */
    private static double[] skellam(double variance, int reach) {
        double[] bessel = new double[reach + 2];
        bessel[reach] = 1e-300;
        for (int x = reach; x >= 1; x--) {
            bessel[x - 1] = bessel[x + 1] + 2 * x / variance * bessel[x];
            if (bessel[x - 1] > 1e200) {
                for (int i = x - 1; i <= reach; i++) {
                    bessel[i] *= 1e-280;
                }
            }
        }
        double total = bessel[0];
        for (int x = 1; x <= reach; x++) {
            total += 2 * bessel[x];
        }
        double[] p = new double[2 * reach + 1];
        for (int x = -reach; x <= reach; x++) {
            p[x + reach] = bessel[Math.abs(x)] / total;
        }
        return p;
    }

    @Test
    void moreClientsCostNoMore() {
        double few = epsilon(10);
        assertThat(epsilon(12)).isLessThan(few);
    }

    private static double epsilon(long clients) {
        return RdpAccountant.of(ADD_OR_REMOVE_ONE)
                .compose(new PrivacyEvent.DistributedDiscreteGaussian(2, clients, 100, 30, 5))
                .epsilon(1e-6);
    }

    @Test
    void rejectsWhatIsOutOfRange() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> DistributedNoise.roundedL2Norm(0, 0.5, 3))
                .withMessage("l2Norm must be > 0 and finite, was 0.0");
        assertThatIllegalArgumentException().isThrownBy(() -> DistributedNoise.roundedL2Norm(1, 1, 3));
        assertThatIllegalArgumentException().isThrownBy(() -> DistributedNoise.wholeL1Norm(1, 0));
        assertThatIllegalArgumentException().isThrownBy(() -> DistributedNoise.tau(0.4, 3));
    }
}
