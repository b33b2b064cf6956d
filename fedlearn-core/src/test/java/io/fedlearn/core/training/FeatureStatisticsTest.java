package io.fedlearn.core.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import io.fedlearn.core.metric.Metrics;
import io.fedlearn.core.random.SeededRandom;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Shape;
import io.fedlearn.core.tensor.Tensor;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class FeatureStatisticsTest {
    private static InMemoryExamples examples(float... features) {
        return InMemoryExamples.wrap(Shape.of(2), features, new float[features.length / 2]);
    }

    /** Features far from 0, some of them missing. */
    private static InMemoryExamples random(int count) {
        SeededRandom random = SeededRandom.of(1);
        float[] features = new float[2 * count];
        for (int i = 0; i < features.length; i++) {
            features[i] = random.nextDouble() < 0.2 ? Float.NaN : (float) (1000 + 3 * random.nextGaussian());
        }
        return examples(features);
    }

    @Test
    void countsMeansAndDeviationsWithoutWhatIsMissing() {
        FeatureStatistics statistics = FeatureStatistics.of(examples(1, Float.NaN, 3, Float.NaN, 8, 5));

        assertThat(statistics.featureCount()).isEqualTo(2);
        assertThat(statistics.count(0)).isEqualTo(3);
        assertThat(statistics.mean(0)).isCloseTo(4, within(1e-12));
        assertThat(statistics.standardDeviation(0)).isCloseTo(Math.sqrt(26.0 / 3), within(1e-12));
        assertThat(statistics.count(1)).isEqualTo(1);
        assertThat(statistics.mean(1)).isEqualTo(5);
        assertThat(statistics.standardDeviation(1)).isZero();
    }

    @Test
    void isZeroForAFeatureThatIsAlwaysMissing() {
        FeatureStatistics statistics = FeatureStatistics.of(examples(1, Float.NaN));

        assertThat(statistics.count(1)).isZero();
        assertThat(statistics.mean(1)).isZero();
        assertThat(statistics.standardDeviation(1)).isZero();
    }

    @Test
    void isEmptyForASourceWithoutExamples() {
        assertThat(FeatureStatistics.of(examples()).count(0)).isZero();
    }

    @Test
    void mergedSitesAreThePooledData() {
        InMemoryExamples all = random(1000);
        FeatureStatistics pooled = FeatureStatistics.of(all);
        FeatureStatistics merged = FeatureStatistics.empty(2);
        for (int[] site : new int[][] {{0, 10}, {10, 10}, {10, 700}, {700, 1000}}) {
            merged.merge(FeatureStatistics.of(
                    all.subset(IntStream.range(site[0], site[1]).toArray())));
        }

        for (int feature = 0; feature < 2; feature++) {
            assertThat(merged.count(feature)).isEqualTo(pooled.count(feature));
            assertThat(merged.mean(feature)).isCloseTo(pooled.mean(feature), within(1e-10));
            assertThat(merged.standardDeviation(feature)).isCloseTo(pooled.standardDeviation(feature), within(1e-10));
        }
    }

    @Test
    void mergingWithNothingChangesNoBit() {
        for (int count : new int[] {1, 3, 7, 49, 1000}) {
            FeatureStatistics statistics = FeatureStatistics.of(random(count));
            Model before = statistics.toUpdate(count).tensors().get(FeatureStatistics.TENSORS);

            FeatureStatistics merged = FeatureStatistics.empty(2);
            merged.merge(statistics);
            merged.merge(FeatureStatistics.empty(2));

            assertThat(merged.toUpdate(count).tensors().get(FeatureStatistics.TENSORS))
                    .isEqualTo(before);
        }
    }

    @Test
    void survivesTheWayThroughAnUpdate() {
        FeatureStatistics statistics = FeatureStatistics.of(random(50));

        ClientUpdate update = statistics.toUpdate(50);
        FeatureStatistics read = FeatureStatistics.ofUpdate(update, 2);

        assertThat(update.exampleCount()).isEqualTo(50);
        assertThat(update.model()).isEmpty();
        assertThat(read.toUpdate(50).tensors()).isEqualTo(update.tensors());
    }

    private static ClientUpdate update(double[] count, double[] mean, double[] deviation) {
        return ClientUpdate.ofMetrics(Metrics.none(), 1)
                .withTensors(
                        FeatureStatistics.TENSORS,
                        Model.builder()
                                .buffer("count", Tensor.copyOf(count))
                                .buffer("mean", Tensor.copyOf(mean))
                                .buffer("deviation", Tensor.copyOf(deviation))
                                .build());
    }

    @ParameterizedTest
    @CsvSource({"-1, 0", "1, -0.5", "1e300, 0"})
    void refusesImpossibleStatistics(double count, double deviation) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> FeatureStatistics.ofUpdate(
                        update(new double[] {1, count}, new double[2], new double[] {0, deviation}), 2))
                .withMessage("the statistics of feature 1 are impossible");
    }

    @Test
    void refusesStatisticsOfAnotherForm() {
        ClientUpdate good = update(new double[2], new double[2], new double[2]);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> FeatureStatistics.ofUpdate(good, 3))
                .withMessage("statistics 'count' must be 3 finite FLOAT64 values, were FLOAT64 2");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> FeatureStatistics.ofUpdate(
                        update(new double[2], new double[] {0, Double.NaN}, new double[2]), 2))
                .withMessage("statistics 'mean' must be 2 finite FLOAT64 values, were FLOAT64 2");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> FeatureStatistics.ofUpdate(ClientUpdate.ofMetrics(Metrics.none(), 1), 2))
                .withMessage("the update holds no tensors 'statistics'");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> FeatureStatistics.empty(2).merge(FeatureStatistics.empty(1)))
                .withMessage("statistics must be of 2 features, were of 1");
    }
}
