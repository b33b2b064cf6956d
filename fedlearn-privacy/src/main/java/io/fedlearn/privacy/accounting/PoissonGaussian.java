package io.fedlearn.privacy.accounting;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Renyi divergences of the Gaussian mechanism over a Poisson sample, one unit more or less (Mironov, Talwar, Zhang 2019).
 *
 * <p>With {@code u = q (e^L - 1)} and {@code L} the loss of the mechanism without sampling, the divergence of order {@code alpha} is
 * {@code log(A) / (alpha - 1)}, {@code A = E[(1 + u)^alpha]} over noise around 0; the other direction is never more. As
 * {@code E[u] = 0},
 * <pre>
 *   A - 1 = E[(1 + u)^alpha - 1 - alpha u],
 * </pre>
 * whose terms are positive, so that nothing cancels where {@code q} is small. For whole orders that is a finite sum. For the others it
 * is an integral of a function that is analytic for {@code |Im t| < pi sigma}, {@code t} being the noise in units of its standard
 * deviation, and there the trapezoidal rule errs by at most {@code 2 M / (e^(2 pi d / h) - 1)} (Trefethen and Weideman 2014,
 * Theorem 5.1) with {@code M = e^(d^2 / 2) (A + 1 + 2 alpha q)} for a strip of half-width {@code d}. That bound, and one for what
 * lies outside the range that is summed, is added.
 */
final class PoissonGaussian {
    /** Above the relative error of a sum of some thousand terms, each an exponential of a number of up to some thousand. */
    private static final double MARGIN = 1e-11;

    /** The rule's error is at most {@code e^-40} of the size of what is computed, so far below its rounding errors. */
    private static final double ACCURACY = 40;

    private static final double LEFT = 13;
    private static final double LOG_ROOT_TWO_PI = 0.5 * StrictMath.log(2 * Math.PI);

    /** Beyond so many points, that is for noise far below the sensitivity, orders between whole ones are interpolated. */
    private static final int MOST_POINTS = 40_000;

    private static final double LARGE = 500;
    private static final int SERIES = 20;

    private final double rate;
    private final double noiseMultiplier;
    private final LogBinomials binomials;
    private final double[] logGrowth;

    private PoissonGaussian(double rate, double noiseMultiplier, int largest) {
        this.rate = rate;
        this.noiseMultiplier = noiseMultiplier;
        this.binomials = LogBinomials.upTo(largest);
        this.logGrowth = new double[largest + 1];
        for (int i = 2; i <= largest; i++) {
            double half = 0.5 / noiseMultiplier / noiseMultiplier;
            logGrowth[i] = LogSum.logExpm1(i * (i - 1.0) * half);
        }
    }

    /**
     * The divergences of these orders.
     *
     * @param rate in (0, 1)
     */
    static double[] curve(double rate, double noiseMultiplier, double[] orders) {
        double largest = Arrays.stream(orders).max().orElse(2);
        PoissonGaussian mechanism = new PoissonGaussian(rate, noiseMultiplier, (int) Math.ceil(largest));
        double[] result = new double[orders.length];
        double fractional = Arrays.stream(orders)
                .filter(order -> order != Math.rint(order))
                .max()
                .orElse(0);
        Grid grid = fractional == 0 ? null : mechanism.grid(fractional);
        for (int i = 0; i < orders.length; i++) {
            double order = orders[i];
            double logA;
            if (order == Math.rint(order)) {
                logA = mechanism.ofWholeOrder((int) order);
            } else if (grid != null) {
                logA = mechanism.ofOrder(order, grid);
            } else {
                logA = mechanism.interpolated(order);
            }
            result[i] = Math.min(Upward.raise(logA / (order - 1), MARGIN), Renyi.gaussian(order, noiseMultiplier));
        }
        return result;
    }

    private double ofWholeOrder(int order) {
        double logRate = StrictMath.log(rate);
        double logRest = StrictMath.log1p(-rate);
        LogSum excess = new LogSum();
        for (int i = 2; i <= order; i++) {
            excess.add(binomials.of(order, i) + i * logRate + (order - i) * logRest + logGrowth[i]);
        }
        return LogSum.log1pExp(excess.value());
    }

    /** {@code log A} is convex in the order, and 0 for order 1: a chord lies above it. */
    private double interpolated(double order) {
        int below = (int) Math.floor(order);
        double share = order - below;
        double left = below == 1 ? 0 : ofWholeOrder(below);
        return (1 - share) * left + share * ofWholeOrder(below + 1);
    }

    /** The points of the rule, and what does not depend on the order there. */
    private static final class Grid {
        private final double step;
        /** The rule's error over its bound. */
        private final double error;

        private final double[] t;
        private final double[] logDensity;
        private final double[] loss;
        private final double[] u;
        private final double[] log1pU;

        Grid(double step, double error, int points) {
            this.step = step;
            this.error = error;
            this.t = new double[points];
            this.logDensity = new double[points];
            this.loss = new double[points];
            this.u = new double[points];
            this.log1pU = new double[points];
        }
    }

    private @Nullable Grid grid(double largestOrder) {
        // A - 1 is of the size of (q / sigma)^2: what the rule errs by must be far less.
        double accuracy = ACCURACY - 2 * StrictMath.log(rate) + 2 * StrictMath.log(Math.max(1, noiseMultiplier));
        double half = Math.PI * noiseMultiplier;
        double widest = Math.PI * Math.sqrt(2 / accuracy);
        double step = half >= 2 * Math.PI / widest ? widest : 2 * Math.PI * half / (accuracy + half * half / 2);
        double range = largestOrder / noiseMultiplier + 2 * LEFT;
        if (!(range / step < MOST_POINTS)) {
            return null;
        }
        Grid grid = new Grid(step, 2.1 * StrictMath.exp(-accuracy), (int) Math.ceil(range / step) + 1);
        double shift = 0.5 / noiseMultiplier / noiseMultiplier;
        for (int k = 0; k < grid.t.length; k++) {
            double t = -LEFT + k * step;
            double loss = t / noiseMultiplier - shift;
            grid.t[k] = t;
            grid.logDensity[k] = -t * t / 2 - LOG_ROOT_TWO_PI;
            grid.loss[k] = loss;
            if (loss < 700) {
                grid.u[k] = rate * StrictMath.expm1(loss);
                grid.log1pU[k] = StrictMath.log1p(grid.u[k]);
            } else {
                grid.u[k] = Double.POSITIVE_INFINITY;
                grid.log1pU[k] = StrictMath.log(rate) + loss + (1 - rate) / rate * StrictMath.exp(-loss);
            }
        }
        return grid;
    }

    private double ofOrder(double order, Grid grid) {
        double peak = order / noiseMultiplier;
        if (order * (order - 1) / 2 / noiseMultiplier / noiseMultiplier > LARGE) {
            return ofLargeOrder(order, grid, peak);
        }
        double[] series = series(order);
        double small = Math.min(0.1, 1 / order);
        double sum = 0;
        double beyond = 0;
        for (int k = 0; k < grid.t.length; k++) {
            double u = grid.u[k];
            double exponent = grid.logDensity[k] + order * grid.log1pU[k];
            if (Math.abs(u) < small) {
                double value = 0;
                for (int i = SERIES; i >= 2; i--) {
                    value = value * u + series[i];
                }
                sum += StrictMath.exp(grid.logDensity[k]) * value * u * u;
            } else {
                sum += StrictMath.exp(exponent)
                        - StrictMath.exp(grid.logDensity[k]) * (1 - order * rate)
                        - StrictMath.exp(grid.logDensity[k] + grid.loss[k]) * order * rate;
            }
            if (grid.t[k] > peak + 1) {
                // From here on the integrand falls at least as exp(-t) does.
                beyond = StrictMath.exp(exponent);
                if (beyond < 1e-20 * sum) {
                    break;
                }
            }
        }
        double inside = grid.step * sum;
        double outside = beyond + order * rate * 1e-38;
        double rule = grid.error * (inside + outside + 2 + 2 * order * rate);
        return StrictMath.log1p(inside + outside + rule);
    }

    /** As {@link #ofOrder}, in logarithms: what A has beyond its powers no longer matters. */
    private double ofLargeOrder(double order, Grid grid, double peak) {
        LogSum sum = new LogSum();
        double beyond = Double.NEGATIVE_INFINITY;
        for (int k = 0; k < grid.t.length; k++) {
            double exponent = grid.logDensity[k] + order * grid.log1pU[k];
            sum.add(exponent);
            if (grid.t[k] > peak + 1) {
                beyond = exponent;
                if (beyond < sum.value() - 46) {
                    break;
                }
            }
        }
        LogSum all = new LogSum();
        all.add(sum.value() + StrictMath.log(grid.step));
        all.add(beyond);
        return all.value() + 1e-15;
    }

    /** The binomial series of {@code (1 + u)^order}. */
    private static double[] series(double order) {
        double[] coefficients = new double[SERIES + 1];
        coefficients[0] = 1;
        for (int i = 1; i <= SERIES; i++) {
            coefficients[i] = coefficients[i - 1] * (order - i + 1) / i;
        }
        return coefficients;
    }
}
