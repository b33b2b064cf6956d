package io.fedlearn.privacy.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fedlearn.core.random.SeededRandom;
import java.math.BigInteger;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class GridClippingTest {
    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
    void addsNoMoreThanTheBoundWhateverTheVector(long seed) {
        SeededRandom random = SeededRandom.of(seed);
        for (int trial = 0; trial < 60; trial++) {
            double[] vector = new double[1 + (int) (random.nextDouble() * 5000)];
            double scale = Math.pow(10, random.nextDouble() * 40 - 20);
            for (int i = 0; i < vector.length; i++) {
                vector[i] = (random.nextDouble() - 0.5) * scale * Math.pow(10, -random.nextDouble() * 3);
            }
            double norm = Math.pow(10, random.nextDouble() * 8 - 4);
            GridClipping l2 = GridClipping.l2(norm);
            long[] sum = new long[vector.length];
            l2.addTo(sum, GridVector.of(vector));
            assertThat(squares(sum))
                    .isLessThanOrEqualTo(BigInteger.valueOf(l2.bound()).pow(2));
            GridClipping l1 = GridClipping.l1(norm);
            long[] sum1 = new long[vector.length];
            l1.addTo(sum1, GridVector.of(vector));
            assertThat(Arrays.stream(sum1).map(Math::abs).sum()).isLessThanOrEqualTo(l1.bound());
        }
    }

    @Test
    void keepsAVectorWithinTheNormToTheStep() {
        GridClipping clipping = GridClipping.l2(1.5);
        float[] vector = {0.5f, -0.25f, 0.125f, 1};
        long[] sum = new long[4];
        assertThat(clipping.addTo(sum, GridVector.of(vector))).isEqualTo(GridClipping.Outcome.WITHIN);
        for (int i = 0; i < 4; i++) {
            assertThat(sum[i] * clipping.step()).isEqualTo(vector[i]);
        }
    }

    @Test
    void scalesALongVectorToTheNormInItsDirection() {
        GridClipping clipping = GridClipping.l2(2);
        long[] sum = new long[2];
        assertThat(clipping.addTo(sum, GridVector.of(new double[] {30, -40}))).isEqualTo(GridClipping.Outcome.CLIPPED);
        assertThat(sum[0] * clipping.step()).isBetween(1.2 - 1e-8, 1.2);
        assertThat(sum[1] * clipping.step()).isBetween(-1.6, -1.6 + 1e-8);
    }

    @Test
    void boundIsNotAboveTheNormAndFineEnough() {
        for (double norm : new double[] {1e-9, 0.1, 1, Math.nextDown(2), 2, 3.7, 1e12}) {
            for (GridClipping clipping : new GridClipping[] {GridClipping.l2(norm), GridClipping.l1(norm)}) {
                assertThat(clipping.bound() * clipping.step()).isBetween(norm * (1 - 0x1p-28), norm);
            }
            assertThat(GridClipping.l2(norm).bound()).isBetween(1L << 29, 1L << 30);
        }
    }

    @Test
    void addsInSeveralPartsAndOntoWhatIsThere() {
        GridClipping clipping = GridClipping.l2(1);
        GridVector whole = GridVector.of(new double[] {3, 4, 12});
        GridVector parts = new GridVector() {
            @Override
            public int parts() {
                return 2;
            }

            @Override
            public int length(int part) {
                return part == 0 ? 1 : 2;
            }

            @Override
            public void read(int part, int from, double[] block, int count) {
                whole.read(0, part + from, block, count);
            }
        };
        long[] one = {5, 6, 7};
        clipping.addTo(one, whole);
        long[][] two = {{5}, {6, 7}};
        clipping.addTo(two, parts);
        assertThat(two[0]).containsExactly(one[0]);
        assertThat(two[1]).containsExactly(one[1], one[2]);
    }

    @Test
    void addsNothingOfAVectorThatIsNotFinite() {
        for (double bad : new double[] {Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY}) {
            long[] sum = {1, 2};
            assertThat(GridClipping.l2(1).addTo(sum, GridVector.of(new double[] {0.5, bad})))
                    .isEqualTo(GridClipping.Outcome.NOT_FINITE);
            assertThat(sum).containsExactly(1, 2);
        }
    }

    @Test
    void clipsVectorsWhoseSquaresOverflow() {
        double[] vector = new double[9000];
        Arrays.fill(vector, Double.MAX_VALUE);
        GridClipping clipping = GridClipping.l2(1);
        long[] sum = new long[vector.length];
        assertThat(clipping.addTo(sum, GridVector.of(vector))).isEqualTo(GridClipping.Outcome.CLIPPED);
        assertThat(squares(sum))
                .isLessThanOrEqualTo(BigInteger.valueOf(clipping.bound()).pow(2));
        double[] less = {1e200, -1e200};
        long[] lessSum = new long[2];
        clipping.addTo(lessSum, GridVector.of(less));
        assertThat(lessSum[0] * clipping.step()).isBetween(0.7071, 0.70711);
    }

    @Test
    void manyEqualNumbersOnTheEdgeStayWithinTheBound() {
        // 1/sqrt(3) and the like are rounded: now and then up, which the check in whole numbers must catch.
        for (int length = 1; length < 300; length++) {
            double[] vector = new double[length];
            Arrays.fill(vector, 1 / Math.sqrt(length) * (1 + length % 3));
            GridClipping clipping = GridClipping.l2(1);
            long[] sum = new long[length];
            clipping.addTo(sum, GridVector.of(vector));
            assertThat(squares(sum))
                    .isLessThanOrEqualTo(BigInteger.valueOf(clipping.bound()).pow(2));
        }
    }

    @ParameterizedTest
    @ValueSource(doubles = {0, -1, Double.NaN, Double.POSITIVE_INFINITY, 1e-300})
    void refusesANormThatIsNone(double norm) {
        assertThatThrownBy(() -> GridClipping.l2(norm))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("clippingNorm must be > 0 and finite")
                .hasMessageContaining(String.valueOf(norm));
    }

    private static BigInteger squares(long[] sum) {
        BigInteger total = BigInteger.ZERO;
        for (long units : sum) {
            total = total.add(BigInteger.valueOf(units).pow(2));
        }
        return total;
    }
}
