package io.fedlearn.core.metric;

import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Shape;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.tensor.TensorType;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;

/**
 * How often a binary classifier gave which score, by true class: counts that sites can add up to one ROC curve without
 * sharing a score or a label of any single example.
 *
 * <p>A score is the probability {@code p} of the positive class. Its bin is that of {@code logit(p)}, cut into
 * {@value #BINS} bins of width {@value #BIN_WIDTH} around 0, the outermost ones unbounded, so that a classifier that is sure of
 * itself keeps its resolution. Scores in one bin count as tied. The area under the curve therefore differs from the exact
 * one by at most {@link #aucErrorBound()}.
 *
 * <p>Counts of few examples still say much about them: a site with a handful of test examples should decline the evaluation
 * or take part with more. Mutable until it is sent; confined to one thread at a time.
 */
public final class ScoreHistogram {
    /** The number of bins: {@value}. */
    public static final int BINS = 512;

    /** The width of a bin, in logits: {@value}. */
    public static final double BIN_WIDTH = 0.0625;

    private static final double RATE_ROUNDING = 1e-12;
    private static final String POSITIVES = "positives";
    private static final String NEGATIVES = "negatives";

    private final long[] positives = new long[BINS];
    private final long[] negatives = new long[BINS];

    private ScoreHistogram() {}

    /** A histogram without scores. */
    public static ScoreHistogram empty() {
        return new ScoreHistogram();
    }

    /**
     * Counts one score.
     *
     * @param probability of the positive class, from 0 to 1
     * @param positive the true class
     */
    public void add(double probability, boolean positive) {
        if (!(probability >= 0 && probability <= 1)) {
            throw new IllegalArgumentException("probability must be in [0, 1], was " + probability);
        }
        double logit = StrictMath.log(probability) - StrictMath.log1p(-probability);
        int bin = (int) Math.max(0, Math.min(BINS - 1, Math.floor(logit / BIN_WIDTH) + BINS / 2));
        (positive ? positives : negatives)[bin]++;
    }

    /** Adds the counts of another histogram. */
    public void add(ScoreHistogram other) {
        for (int i = 0; i < BINS; i++) {
            positives[i] = Math.addExact(positives[i], other.positives[i]);
            negatives[i] = Math.addExact(negatives[i], other.negatives[i]);
        }
    }

    /** The counts as tensors, for a client update. */
    public Model toTensors() {
        Shape shape = Shape.of(BINS);
        return Model.builder()
                .counter(POSITIVES, Tensor.ofIntegers(TensorType.INT64, shape, positives))
                .counter(NEGATIVES, Tensor.ofIntegers(TensorType.INT64, shape, negatives))
                .build();
    }

    /**
     * The histogram that {@link #toTensors()} gave.
     *
     * @throws IllegalArgumentException if the tensors are not such counts: missing, of another type or length, or negative
     */
    public static ScoreHistogram ofTensors(Model tensors) {
        ScoreHistogram histogram = new ScoreHistogram();
        read(tensors, POSITIVES, histogram.positives);
        read(tensors, NEGATIVES, histogram.negatives);
        return histogram;
    }

    private static void read(Model tensors, String name, long[] target) {
        Tensor tensor = tensors.tensor(name);
        if (tensor.type() != TensorType.INT64 || !tensor.shape().equals(Shape.of(BINS))) {
            throw new IllegalArgumentException(
                    "score histogram '" + name + "' must be INT64 " + BINS + ", was " + tensor);
        }
        tensor.copyTo(0, target, 0, BINS);
        for (long count : target) {
            if (count < 0 || count > Integer.MAX_VALUE) {
                throw new IllegalArgumentException("score histogram '" + name + "' must hold counts from 0 to 2^31-1");
            }
        }
    }

    /** How many scores of true positives were counted. */
    public long positiveCount() {
        return sum(positives);
    }

    /** How many scores of true negatives were counted. */
    public long negativeCount() {
        return sum(negatives);
    }

    private static long sum(long[] counts) {
        long sum = 0;
        for (long count : counts) {
            sum += count;
        }
        return sum;
    }

    /**
     * The area under the ROC curve: how probably a positive example scores higher than a negative one, ties counting half.
     * Empty if a class is missing.
     */
    public OptionalDouble auc() {
        double positiveCount = positiveCount();
        double negativeCount = negativeCount();
        if (positiveCount == 0 || negativeCount == 0) {
            return OptionalDouble.empty();
        }
        double below = 0;
        double wins = 0;
        for (int i = 0; i < BINS; i++) {
            wins += positives[i] * (below + 0.5 * negatives[i]);
            below += negatives[i];
        }
        return OptionalDouble.of(wins / (positiveCount * negativeCount));
    }

    /** How far {@link #auc()} may be from the area without bins: half the share of pairs that fell into one bin. */
    public double aucErrorBound() {
        double tied = 0;
        for (int i = 0; i < BINS; i++) {
            tied += (double) positives[i] * negatives[i];
        }
        double pairs = (double) positiveCount() * negativeCount();
        return pairs == 0 ? 0 : 0.5 * tied / pairs;
    }

    /** A point of the ROC curve: what share of negatives and of positives lies at or above some threshold. */
    public record RocPoint(double falsePositiveRate, double truePositiveRate) {}

    /** The ROC curve from (0, 0) to (1, 1). Empty if a class is missing. */
    public List<RocPoint> roc() {
        double positiveCount = positiveCount();
        double negativeCount = negativeCount();
        if (positiveCount == 0 || negativeCount == 0) {
            return List.of();
        }
        List<RocPoint> points = new ArrayList<>();
        points.add(new RocPoint(0, 0));
        long truePositives = 0;
        long falsePositives = 0;
        for (int i = BINS - 1; i >= 0; i--) {
            if (positives[i] != 0 || negatives[i] != 0) {
                truePositives += positives[i];
                falsePositives += negatives[i];
                points.add(new RocPoint(falsePositives / negativeCount, truePositives / positiveCount));
            }
        }
        return List.copyOf(points);
    }

    /**
     * What share of the positives is found when this share of the negatives is left alone: the ROC curve at
     * {@code falsePositiveRate = 1 - specificity}, joined linearly between its points. Empty if a class is missing.
     *
     * @param specificity in [0, 1]
     */
    public OptionalDouble sensitivityAt(double specificity) {
        if (!(specificity >= 0 && specificity <= 1)) {
            throw new IllegalArgumentException("specificity must be in [0, 1], was " + specificity);
        }
        double rate = 1 - specificity;
        RocPoint before = new RocPoint(0, 0);
        for (RocPoint point : roc()) {
            // 1 - 0.9 is a little less than 0.1, and what the curve rises by at 0.1 counts.
            if (point.falsePositiveRate() > rate + RATE_ROUNDING) {
                double share = Math.max(0, rate - before.falsePositiveRate())
                        / (point.falsePositiveRate() - before.falsePositiveRate());
                return OptionalDouble.of(
                        before.truePositiveRate() + share * (point.truePositiveRate() - before.truePositiveRate()));
            }
            before = point;
        }
        return before.truePositiveRate() == 0 ? OptionalDouble.empty() : OptionalDouble.of(1);
    }
}
