package io.fedlearn.privacy.accounting;

import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;

/**
 * How the privacy loss of pure mechanisms is distributed at worst: each is a post-processing of randomised response on a bit, whose loss
 * is {@code epsilon} with probability {@code e^epsilon / (1 + e^epsilon)} and else {@code -epsilon}. Mechanisms of one epsilon give a
 * binomial distribution, exactly. Of several epsilons the losses are rounded up to a common grid, which gives a bound from above
 * (Murtagh and Vadhan 2016 show that the exact value is hard to compute). Immutable.
 */
final class PureLosses {
    /** So many standard deviations at most lie within: Hoeffding leaves {@code e^-100} outside. */
    private static final double WIDTH = Math.sqrt(50);

    private static final double OUTSIDE = 1e-43;
    private static final int GRID = 1 << 14;

    /** Falling. */
    private final double[] losses;

    private final double[] probabilities;

    /** Of the losses that were cut away above: they count as if nothing were private. */
    private final double lost;

    private final double relativeError;

    private PureLosses(double[] losses, double[] probabilities, double lost, double relativeError) {
        this.losses = losses;
        this.probabilities = probabilities;
        this.lost = lost;
        this.relativeError = relativeError;
    }

    /** Of so many mechanisms of each epsilon; at least one. */
    static PureLosses of(SortedMap<Double, Long> counts) {
        List<PureLosses> groups = new ArrayList<>();
        counts.forEach((epsilon, count) -> groups.add(binomial(epsilon, count)));
        return groups.size() == 1 ? groups.get(0) : sum(groups);
    }

    private static PureLosses binomial(double epsilon, long count) {
        double flip = 1 / (1 + StrictMath.exp(epsilon));
        double half = WIDTH * Math.sqrt((double) count) + 2;
        long first = (long) Math.max(0, Math.floor(count * flip - half));
        long last = (long) Math.min(count, Math.ceil(count * flip + half));
        int size = Math.toIntExact(last - first + 1);
        long mode = Math.min(last, Math.max(first, (long) (count * flip)));
        double[] losses = new double[size];
        double[] probabilities = new double[size];
        int middle = (int) (mode - first);
        double odds = StrictMath.exp(-epsilon);
        probabilities[middle] = 1;
        for (int i = middle + 1; i < size; i++) {
            probabilities[i] = probabilities[i - 1] * odds * (count - (first + i) + 1) / (first + i);
        }
        for (int i = middle - 1; i >= 0; i--) {
            probabilities[i] = probabilities[i + 1] / odds * (first + i + 1) / (count - (first + i));
        }
        double total = 0;
        for (double probability : probabilities) {
            total += probability;
        }
        for (int i = 0; i < size; i++) {
            losses[i] = (count - 2.0 * (first + i)) * epsilon;
            probabilities[i] /= total;
        }
        if (last < count) {
            probabilities[size - 1] += OUTSIDE;
        }
        return new PureLosses(losses, probabilities, first > 0 ? OUTSIDE : 0, 1e-12 + 1e-15 * size);
    }

    private static PureLosses sum(List<PureLosses> groups) {
        double range = 0;
        double lost = 0;
        double relativeError = 1e-10;
        for (PureLosses group : groups) {
            range += group.losses[0] - group.losses[group.losses.length - 1];
            lost += group.lost;
            relativeError += group.relativeError;
        }
        double width = range / GRID;
        double[] sum = {1};
        double top = 0;
        for (PureLosses group : groups) {
            // Places on the grid are counted from the group's largest loss downwards, and rounded towards it.
            double largest = group.losses[0];
            int places = (int) ((largest - group.losses[group.losses.length - 1]) / width) + 1;
            double[] onGrid = new double[places];
            for (int i = 0; i < group.losses.length; i++) {
                int place = Math.min(places - 1, (int) Math.max(0, (largest - group.losses[i]) / width - 1e-9));
                onGrid[place] += group.probabilities[i];
            }
            sum = convolve(sum, onGrid);
            top += largest;
        }
        double[] losses = new double[sum.length];
        for (int i = 0; i < losses.length; i++) {
            losses[i] = top - i * width;
        }
        return new PureLosses(losses, sum, lost, relativeError);
    }

    private static double[] convolve(double[] one, double[] other) {
        double[] result = new double[one.length + other.length - 1];
        for (int i = 0; i < other.length; i++) {
            double factor = other[i];
            if (factor > 0) {
                for (int j = 0; j < one.length; j++) {
                    result[i + j] += factor * one[j];
                }
            }
        }
        return result;
    }

    /** {@code sum over losses L > epsilon of p (1 - e^(epsilon - L))}. */
    double privacyDelta(double epsilon) {
        double sum = 0;
        for (int i = 0; i < losses.length && losses[i] > epsilon; i++) {
            sum -= probabilities[i] * StrictMath.expm1(epsilon - losses[i]);
        }
        return Math.min(1, Upward.raise(sum, relativeError) + lost + Double.MIN_NORMAL);
    }

    /** The least epsilon at this delta; infinite if what was cut away is more than it. */
    double epsilon(double privacyDelta) {
        double target = (privacyDelta - lost - Double.MIN_NORMAL) * (1 - relativeError);
        if (!(target > 0)) {
            return Double.POSITIVE_INFINITY;
        }
        // Of the losses seen, their probability, and the sum of p e^(current - L).
        double probability = 0;
        double scaled = 0;
        double current = losses[0];
        for (int i = 0; i < losses.length; i++) {
            double next = Math.max(0, losses[i]);
            double moved = scaled * StrictMath.exp(next - current);
            if (probability - moved > target) {
                double between = current + StrictMath.log((probability - target) / scaled);
                return Upward.raise(Math.min(current, Math.max(next, between)), 1e-14);
            }
            if (next == 0) {
                return 0;
            }
            scaled = moved + probabilities[i];
            probability += probabilities[i];
            current = next;
        }
        double between = current + StrictMath.log((probability - target) / scaled);
        return probability <= target ? 0 : Upward.raise(Math.max(0, Math.min(current, between)), 1e-14);
    }
}
