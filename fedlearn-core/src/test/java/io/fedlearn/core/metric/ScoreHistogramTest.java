package io.fedlearn.core.metric;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import io.fedlearn.core.metric.ScoreHistogram.RocPoint;
import io.fedlearn.core.random.SeededRandom;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Shape;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.tensor.TensorType;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ScoreHistogramTest {
    /** Scores and classes of a classifier that is right more often than not. */
    private static final class Scored {
        final double[] probabilities;
        final boolean[] positives;

        Scored(double[] probabilities, boolean[] positives) {
            this.probabilities = probabilities;
            this.positives = positives;
        }

        static Scored draw(int count, long seed) {
            SeededRandom random = SeededRandom.of(seed);
            double[] probabilities = new double[count];
            boolean[] positives = new boolean[count];
            for (int i = 0; i < count; i++) {
                positives[i] = random.nextDouble() < 0.3;
                probabilities[i] = 1 / (1 + Math.exp(-2 * random.nextGaussian() - (positives[i] ? 1 : -1)));
            }
            return new Scored(probabilities, positives);
        }

        ScoreHistogram histogram() {
            ScoreHistogram histogram = ScoreHistogram.empty();
            for (int i = 0; i < probabilities.length; i++) {
                histogram.add(probabilities[i], positives[i]);
            }
            return histogram;
        }

        /** Compares every positive with every negative. */
        double exactAuc() {
            double wins = 0;
            long pairs = 0;
            for (int i = 0; i < probabilities.length; i++) {
                for (int j = 0; j < probabilities.length; j++) {
                    if (positives[i] && !positives[j]) {
                        int order = Double.compare(probabilities[i], probabilities[j]);
                        wins += order > 0 ? 1 : order == 0 ? 0.5 : 0;
                        pairs++;
                    }
                }
            }
            return wins / pairs;
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5})
    void aucOfBinnedScoresIsThatOfAllPairs(long seed) {
        Scored drawn = Scored.draw(400, seed);
        // The middle of each score's bin, so that exactly the scores of one bin are tied.
        double[] binned = new double[400];
        for (int i = 0; i < binned.length; i++) {
            double p = drawn.probabilities[i];
            double bin = Math.floor(Math.log(p / (1 - p)) / ScoreHistogram.BIN_WIDTH);
            binned[i] = 1 / (1 + Math.exp(-(bin + 0.5) * ScoreHistogram.BIN_WIDTH));
        }
        Scored scored = new Scored(binned, drawn.positives);

        assertThat(scored.histogram().auc().orElseThrow()).isCloseTo(scored.exactAuc(), within(1e-12));
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5})
    void aucIsWithinItsErrorBoundOfTheExactOne(long seed) {
        Scored scored = Scored.draw(300, seed);
        ScoreHistogram histogram = scored.histogram();

        assertThat(histogram.aucErrorBound()).isBetween(1e-6, 0.02);
        assertThat(histogram.auc().orElseThrow())
                .isCloseTo(scored.exactAuc(), within(histogram.aucErrorBound() + 1e-12));
    }

    @Test
    void errorBoundIsReachedByScoresThatAreTiedInOneBinOnly() {
        ScoreHistogram histogram = ScoreHistogram.empty();
        histogram.add(0.501, true);
        histogram.add(0.502, false);

        assertThat(histogram.auc()).hasValue(0.5);
        assertThat(histogram.aucErrorBound()).isEqualTo(0.5);
    }

    @Test
    void separatesPerfectlyAndPerfectlyWrongly() {
        ScoreHistogram right = ScoreHistogram.empty();
        right.add(1, true);
        right.add(0, false);
        ScoreHistogram wrong = ScoreHistogram.empty();
        wrong.add(0, true);
        wrong.add(1, false);

        assertThat(right.auc()).hasValue(1);
        assertThat(wrong.auc()).hasValue(0);
        assertThat(right.aucErrorBound()).isZero();
    }

    @Test
    void countsScoresOfZeroAndOneInTheOutermostBins() {
        ScoreHistogram histogram = ScoreHistogram.empty();
        histogram.add(0, true);
        histogram.add(-0.0, true);
        histogram.add(Double.MIN_VALUE, true);
        histogram.add(1, false);
        histogram.add(Math.nextDown(1.0), false);

        Model tensors = histogram.toTensors();

        assertThat(tensors.tensor("positives").get(0)).isEqualTo(3);
        assertThat(tensors.tensor("negatives").get(ScoreHistogram.BINS - 1)).isEqualTo(2);
        assertThat(histogram.positiveCount()).isEqualTo(3);
        assertThat(histogram.negativeCount()).isEqualTo(2);
    }

    @Test
    void aHalfIsTheFirstScoreOfTheUpperBins() {
        ScoreHistogram histogram = ScoreHistogram.empty();
        histogram.add(0.5, true);
        histogram.add(Math.nextDown(0.5), true);

        assertThat(histogram.toTensors().tensor("positives").get(ScoreHistogram.BINS / 2))
                .isEqualTo(1);
        assertThat(histogram.toTensors().tensor("positives").get(ScoreHistogram.BINS / 2 - 1))
                .isEqualTo(1);
    }

    @Test
    void leavesAucAndRocUndefinedWhileAClassIsMissing() {
        ScoreHistogram histogram = ScoreHistogram.empty();
        assertThat(histogram.auc()).isEmpty();
        assertThat(histogram.roc()).isEmpty();

        histogram.add(0.3, true);
        assertThat(histogram.auc()).isEmpty();
        assertThat(histogram.roc()).isEmpty();
        assertThat(histogram.aucErrorBound()).isZero();

        histogram.add(0.9, false);
        assertThat(histogram.auc()).hasValue(0);
        assertThat(histogram.roc()).containsExactly(new RocPoint(0, 0), new RocPoint(1, 0), new RocPoint(1, 1));
    }

    @Test
    void rocRisesFromTheOriginToOneAndSpansTheAuc() {
        ScoreHistogram histogram = Scored.draw(1000, 7).histogram();

        List<RocPoint> roc = histogram.roc();

        assertThat(roc.get(0)).isEqualTo(new RocPoint(0, 0));
        assertThat(roc.get(roc.size() - 1)).isEqualTo(new RocPoint(1, 1));
        double area = 0;
        for (int i = 1; i < roc.size(); i++) {
            RocPoint from = roc.get(i - 1);
            RocPoint to = roc.get(i);
            assertThat(to.falsePositiveRate()).isGreaterThanOrEqualTo(from.falsePositiveRate());
            assertThat(to.truePositiveRate()).isGreaterThanOrEqualTo(from.truePositiveRate());
            assertThat(to).isNotEqualTo(from);
            area += (to.falsePositiveRate() - from.falsePositiveRate())
                    * (to.truePositiveRate() + from.truePositiveRate())
                    / 2;
        }
        assertThat(area).isCloseTo(histogram.auc().orElseThrow(), within(1e-12));
    }

    @Test
    void sitesAddUpToThePooledHistogram() {
        Scored one = Scored.draw(100, 1);
        Scored two = Scored.draw(150, 2);
        ScoreHistogram sum = one.histogram();
        sum.add(two.histogram());
        ScoreHistogram pooled = one.histogram();
        for (int i = 0; i < 150; i++) {
            pooled.add(two.probabilities[i], two.positives[i]);
        }

        assertThat(sum.toTensors()).isEqualTo(pooled.toTensors());
    }

    @Test
    void survivesTheWayThroughTensors() {
        ScoreHistogram histogram = Scored.draw(100, 3).histogram();

        ScoreHistogram read = ScoreHistogram.ofTensors(histogram.toTensors());

        assertThat(read.toTensors()).isEqualTo(histogram.toTensors());
        assertThat(read.auc()).isEqualTo(histogram.auc());
    }

    @Test
    void refusesTensorsThatAreNotSuchCounts() {
        Tensor counts = Tensor.zeros(TensorType.INT64, Shape.of(ScoreHistogram.BINS));
        assertThatIllegalArgumentException()
                .isThrownBy(() -> ScoreHistogram.ofTensors(
                        Model.builder().counter("positives", counts).build()))
                .withMessage("the model has no tensor 'negatives'");
        refuses(Tensor.zeros(TensorType.INT32, Shape.of(ScoreHistogram.BINS)), "must be INT64 512, was INT32 512");
        refuses(Tensor.zeros(TensorType.INT64, Shape.of(511)), "must be INT64 512, was INT64 511");
        refuses(Tensor.zeros(TensorType.INT64, Shape.of(2, 256)), "must be INT64 512, was INT64 2x256");
        long[] negative = new long[ScoreHistogram.BINS];
        negative[9] = -1;
        refuses(Tensor.copyOf(negative), "must hold counts from 0 to 2^31-1");
        long[] large = new long[ScoreHistogram.BINS];
        large[511] = 1L << 31;
        refuses(Tensor.copyOf(large), "must hold counts from 0 to 2^31-1");
    }

    private static void refuses(Tensor positives, String why) {
        Model tensors = Model.builder()
                .counter("positives", positives)
                .counter("negatives", Tensor.zeros(TensorType.INT64, Shape.of(ScoreHistogram.BINS)))
                .build();
        assertThatIllegalArgumentException()
                .isThrownBy(() -> ScoreHistogram.ofTensors(tensors))
                .withMessage("score histogram 'positives' " + why);
    }

    @ParameterizedTest
    @ValueSource(doubles = {-1e-300, 1.0000000000000002, Double.NaN, Double.POSITIVE_INFINITY})
    void refusesWhatIsNoProbability(double value) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> ScoreHistogram.empty().add(value, true))
                .withMessage("probability must be in [0, 1], was " + value);
    }

    @Test
    void findsTheSensitivityAtASpecificity() {
        ScoreHistogram histogram = ScoreHistogram.empty();
        // Above .8: 3 of 5 positives, 1 of 10 negatives; above .5: 4 and 3.
        for (int i = 0; i < 5; i++) {
            histogram.add(i < 3 ? 0.9 : i < 4 ? 0.6 : 0.1, true);
        }
        for (int i = 0; i < 10; i++) {
            histogram.add(i < 1 ? 0.9 : i < 3 ? 0.6 : 0.1, false);
        }

        assertThat(histogram.sensitivityAt(0.9).orElseThrow()).isCloseTo(0.6, within(1e-12));
        assertThat(histogram.sensitivityAt(0.7).orElseThrow()).isCloseTo(0.8, within(1e-12));
        assertThat(histogram.sensitivityAt(0.8).orElseThrow())
                .as("between two points, on the line that joins them")
                .isCloseTo(0.7, within(1e-12));
        assertThat(histogram.sensitivityAt(1).orElseThrow()).isZero();
        assertThat(histogram.sensitivityAt(0)).hasValue(1);
    }

    @Test
    void findsAllPositivesThatLieAtTheSpecificityItself() {
        for (int tenth = 1; tenth <= 9; tenth++) {
            ScoreHistogram histogram = ScoreHistogram.empty();
            for (int negative = 0; negative < 10; negative++) {
                histogram.add(0.99 - 0.1 * negative, false);
            }
            // Just below the last of the negatives that the specificity allows: there the curve goes straight up.
            histogram.add(0.98 - 0.1 * (tenth - 1), true);
            histogram.add(0.001, true);

            assertThat(histogram.sensitivityAt((10 - tenth) / 10.0).orElseThrow())
                    .as("with " + tenth + " of 10 negatives at or above")
                    .isCloseTo(0.5, within(1e-9));
        }
    }

    @Test
    void hasNoSensitivityWithoutBothClasses() {
        ScoreHistogram positivesOnly = ScoreHistogram.empty();
        positivesOnly.add(0.5, true);

        assertThat(positivesOnly.sensitivityAt(0.9)).isEmpty();
        assertThat(ScoreHistogram.empty().sensitivityAt(0)).isEmpty();
        assertThatIllegalArgumentException()
                .isThrownBy(() -> positivesOnly.sensitivityAt(Double.NaN))
                .withMessage("specificity must be in [0, 1], was NaN");
    }
}
