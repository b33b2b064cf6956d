package io.fedlearn.privacy.accounting;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalDouble;
import java.util.function.DoubleUnaryOperator;
import java.util.function.IntToDoubleFunction;

/** Upper bounds of an event's Renyi divergences over orders. */
final class RenyiCurve {
    private static final double MARGIN = 1e-11;

    private RenyiCurve() {}

    /**
     * The bounds at these orders.
     *
     * @throws UnsupportedEventException if there are none for this relation
     */
    static double[] of(PrivacyEvent event, NeighboringRelation relation, double[] orders) {
        Analysable.check(event, relation);
        return analysed(event, orders);
    }

    private static double[] analysed(PrivacyEvent event, double[] orders) {
        if (event instanceof PrivacyEvent.Gaussian gaussian) {
            return at(orders, order -> Renyi.gaussian(order, gaussian.noiseMultiplier()));
        }
        if (event instanceof PrivacyEvent.Laplace laplace) {
            return at(orders, order -> Renyi.laplace(order, laplace.noiseMultiplier()));
        }
        if (event instanceof PrivacyEvent.DiscreteGaussian gaussian) {
            // Canonne, Kamath, Steinke 2020, Theorem 4: as the Gaussian.
            double half = Upward.halfSquaredRatio(Upward.of(gaussian.sensitivity()), gaussian.sigma());
            return concentrated(orders, half);
        }
        if (event instanceof PrivacyEvent.DiscreteLaplace laplace) {
            return at(orders, order -> Renyi.discreteLaplace(order, laplace.scale(), laplace.sensitivity()));
        }
        if (event instanceof PrivacyEvent.RandomizedResponse response) {
            return at(
                    orders,
                    order -> Renyi.randomizedResponse(order, response.randomProbability(), response.categories()));
        }
        if (event instanceof PrivacyEvent.PureLoss pure) {
            return at(orders, order -> Renyi.pure(order, pure.epsilon()));
        }
        if (event instanceof PrivacyEvent.ZeroConcentrated concentrated) {
            return concentrated(orders, concentrated.rho());
        }
        if (event instanceof PrivacyEvent.TreeAggregation tree) {
            return concentrated(
                    orders,
                    Upward.multiply(Tree.squaredSensitivity(tree), Upward.halfSquaredRatio(1, tree.noiseMultiplier())));
        }
        if (event instanceof PrivacyEvent.DistributedDiscreteGaussian gaussian) {
            return concentrated(orders, DistributedNoise.rho(gaussian));
        }
        if (event instanceof PrivacyEvent.DistributedSkellam skellam) {
            return between(orders, order -> DistributedNoise.skellam(skellam, order) * (order - 1));
        }
        if (event instanceof PrivacyEvent.Composed composed) {
            double[] sum = new double[orders.length];
            for (PrivacyEvent part : composed.events()) {
                addInPlace(sum, analysed(part, orders), 1);
            }
            return sum;
        }
        if (event instanceof PrivacyEvent.Repeated repeated) {
            double[] sum = new double[orders.length];
            addInPlace(sum, analysed(repeated.event(), orders), repeated.count());
            return sum;
        }
        if (event instanceof PrivacyEvent.PoissonSampled sample) {
            return poisson(sample, orders);
        }
        if (event instanceof PrivacyEvent.SampledWithoutReplacement sample) {
            return withoutReplacement(sample, orders);
        }
        throw new IllegalStateException("no rule for " + event);
    }

    /** Adds a curve so many times. */
    static void addInPlace(double[] sum, double[] curve, long count) {
        if (count == 0) {
            return;
        }
        double times = Upward.of(count);
        for (int i = 0; i < sum.length; i++) {
            sum[i] = Upward.add(sum[i], Upward.multiply(times, curve[i]));
        }
    }

    private static double[] poisson(PrivacyEvent.PoissonSampled sample, double[] orders) {
        if (!Analysable.samples(sample)) {
            return analysed(sample.event(), orders);
        }
        double[] unsampled = analysed(sample.event(), orders);
        OptionalDouble noiseMultiplier = gaussian(sample.event());
        double[] sampled;
        if (noiseMultiplier.isPresent()) {
            sampled = Double.isInfinite(noiseMultiplier.getAsDouble())
                    ? unsampled
                    : PoissonGaussian.curve(sample.rate(), noiseMultiplier.getAsDouble(), orders);
        } else {
            sampled = poissonOfAny(sample, orders);
            double pure = PureEpsilon.of(sample.event());
            if (Double.isFinite(pure)) {
                sampled = least(sampled, at(orders, order -> sampledPure(sample.rate(), pure, order)));
            }
        }
        return least(sampled, unsampled);
    }

    /**
     * The larger direction for the pair that every mechanism of pure epsilon is a post-processing of: {@code P = (e, 1) / (1 + e)},
     * {@code Q = (1, e) / (1 + e)} with {@code e = e^epsilon}, and {@code q P + (1 - q) Q} beside {@code Q}.
     */
    private static double sampledPure(double rate, double epsilon, double order) {
        double up = PureEpsilon.sampled(rate, epsilon);
        if (epsilon > 300 || order * up > 300) {
            return up;
        }
        // P's second outcome over Q's is e^-epsilon; both moments are written with u, whose mean under Q is 0.
        double gain = rate * StrictMath.expm1(epsilon);
        double loss = rate * StrictMath.expm1(-epsilon);
        double often = 1 / (1 + StrictMath.exp(-epsilon));
        double seldom = 1 / (1 + StrictMath.exp(epsilon));
        double forward = seldom * bernoulli(order, gain) + often * bernoulli(order, loss);
        double backward = seldom * bernoulli(1 - order, gain) + often * bernoulli(1 - order, loss);
        return Math.min(up, Upward.raise(StrictMath.log1p(Math.max(forward, backward)) / (order - 1), MARGIN));
    }

    /** {@code (1 + u)^power - 1 - power u}. */
    private static double bernoulli(double power, double u) {
        if (Math.abs(u) > 0.02 || Math.abs(power * u) > 0.3) {
            return StrictMath.expm1(power * StrictMath.log1p(u)) - power * u;
        }
        double coefficient = 1;
        double sum = 0;
        for (int i = 1; i <= 20; i++) {
            coefficient *= (power - i + 1) / i * u;
            sum += i == 1 ? 0 : coefficient;
        }
        return sum;
    }

    /**
     * Any mechanism of which only its divergences of whole order are known (Zhu and Wang 2019, Theorem 5). Between whole orders
     * {@code (alpha - 1) D} is convex.
     */
    private static double[] poissonOfAny(PrivacyEvent.PoissonSampled sample, double[] orders) {
        int largest = largest(orders);
        double[] divergences = wholeOrders(sample.event(), largest);
        LogBinomials binomials = LogBinomials.upTo(largest);
        double logRate = StrictMath.log(sample.rate());
        double logRest = StrictMath.log1p(-sample.rate());
        return between(orders, order -> {
            LogSum excess = new LogSum();
            for (int i = 2; i <= order; i++) {
                double logarithm = (i - 1) * divergences[i];
                // 3 e^x - 1, but e^x - 1 for the second moment.
                double term = i == 2
                        ? LogSum.logExpm1(logarithm)
                        : logarithm + StrictMath.log(3 - StrictMath.exp(-logarithm));
                excess.add(binomials.of(order, i) + i * logRate + (order - i) * logRest + term);
            }
            return LogSum.log1pExp(excess.value());
        });
    }

    private static double[] withoutReplacement(PrivacyEvent.SampledWithoutReplacement sample, double[] orders) {
        if (!Analysable.samples(sample)) {
            return analysed(sample.event(), orders);
        }
        double[] unsampled = analysed(sample.event(), orders);
        double rate = Math.min(1, Upward.divide(Upward.of(sample.sampleSize()), sample.populationSize()));
        OptionalDouble noiseMultiplier = gaussian(sample.event());
        if (noiseMultiplier.isPresent()) {
            return Double.isInfinite(noiseMultiplier.getAsDouble())
                    ? unsampled
                    : least(WithoutReplacement.gaussian(rate, noiseMultiplier.getAsDouble(), orders), unsampled);
        }
        double[] divergences = wholeOrders(sample.event(), largest(orders));
        double pure = PureEpsilon.of(sample.event());
        double sampledPure = PureEpsilon.sampled(rate, pure);
        double[] sampled = WithoutReplacement.general(rate, order -> divergences[order], pure, orders);
        return least(least(sampled, unsampled), at(orders, order -> Renyi.pure(order, sampledPure)));
    }

    private static double[] wholeOrders(PrivacyEvent event, int largest) {
        double[] orders = new double[largest - 1];
        for (int i = 0; i < orders.length; i++) {
            orders[i] = i + 2;
        }
        double[] curve = analysed(event, orders);
        double[] byOrder = new double[largest + 1];
        System.arraycopy(curve, 0, byOrder, 2, curve.length);
        return byOrder;
    }

    /**
     * The noise multiplier of the one Gaussian mechanism that several on the same sample come to, whichever way each depends on those
     * before it; infinite if there are none.
     */
    private static OptionalDouble gaussian(PrivacyEvent event) {
        List<Double> inverseSquares = new ArrayList<>();
        if (!gather(event, 1, inverseSquares)) {
            return OptionalDouble.empty();
        }
        if (inverseSquares.size() == 1 && event instanceof PrivacyEvent.Gaussian gaussian) {
            return OptionalDouble.of(gaussian.noiseMultiplier());
        }
        double sum = 0;
        for (double one : inverseSquares) {
            sum = Upward.add(sum, one);
        }
        return OptionalDouble.of(sum == 0 ? Double.POSITIVE_INFINITY : Math.nextDown(1 / Math.nextUp(Math.sqrt(sum))));
    }

    private static boolean gather(PrivacyEvent event, double times, List<Double> inverseSquares) {
        if (event instanceof PrivacyEvent.Gaussian gaussian) {
            inverseSquares.add(
                    Upward.multiply(times, Upward.multiply(2, Upward.halfSquaredRatio(1, gaussian.noiseMultiplier()))));
            return true;
        }
        if (event instanceof PrivacyEvent.Composed composed) {
            return composed.events().stream().allMatch(part -> gather(part, times, inverseSquares));
        }
        return event instanceof PrivacyEvent.Repeated repeated
                && gather(repeated.event(), Upward.multiply(times, Upward.of(repeated.count())), inverseSquares);
    }

    private static double[] concentrated(double[] orders, double rho) {
        return at(orders, order -> Upward.multiply(order, rho));
    }

    /** What is released costs something, be it too little for a double. */
    private static double[] at(double[] orders, DoubleUnaryOperator divergence) {
        return Arrays.stream(orders)
                .map(order -> Math.max(Double.MIN_VALUE, divergence.applyAsDouble(order)))
                .toArray();
    }

    /** Chords of a convex function {@code (alpha - 1) D} that is 0 at order 1 and known at whole orders. */
    private static double[] between(double[] orders, IntToDoubleFunction logMoment) {
        double[] known = new double[largest(orders) + 1];
        Arrays.fill(known, Double.NaN);
        known[1] = 0;
        double[] result = new double[orders.length];
        for (int i = 0; i < orders.length; i++) {
            int below = (int) Math.floor(orders[i]);
            int above = (int) Math.ceil(orders[i]);
            for (int whole : new int[] {below, above}) {
                if (Double.isNaN(known[whole])) {
                    known[whole] = logMoment.applyAsDouble(whole);
                }
            }
            double share = orders[i] - below;
            double moment = share == 0 ? known[below] : (1 - share) * known[below] + share * known[above];
            result[i] = Math.max(Double.MIN_VALUE, Upward.raise(moment / (orders[i] - 1), MARGIN));
        }
        return result;
    }

    private static int largest(double[] orders) {
        return (int) Math.ceil(Arrays.stream(orders).max().orElse(2));
    }

    /** The lesser bound of each order; the first is one of something released. */
    private static double[] least(double[] one, double[] other) {
        double[] result = new double[one.length];
        for (int i = 0; i < result.length; i++) {
            result[i] = Math.min(Math.max(Double.MIN_VALUE, one[i]), other[i]);
        }
        return result;
    }
}
