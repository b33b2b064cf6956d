package io.fedlearn.privacy.internal;

/**
 * The standard normal distribution, with a relative error of a few units in the last place in both tails. The scaled complementary
 * error function {@code erfcx(x) = exp(x^2) erfc(x)} is a Chebyshev series in {@code (x - 3.75) / (x + 3.75)}, as in Shepherd and
 * Laframboise, "Chebyshev approximation of (1 + 2x) exp(x^2) erfc x in 0 <= x < inf", Mathematics of Computation 36 (1981); its
 * coefficients were computed anew to 60 digits. The same bits on every JVM. Stateless.
 */
public final class NormalDistribution {
    /** Every value here is within this relative error of the truth, for the argument as it is given. */
    public static final double RELATIVE_ERROR = 0x1p-49;

    private static final double SQRT_HALF = 0.7071067811865476;
    private static final double SQRT_HALF_PI = 1.2533141373155003;
    private static final double SQRT_TWO_PI = 2.5066282746310002;

    private static final double MAP = 3.75;
    private static final double[] CHEBYSHEV = {
        2.3551578691348034,
        -0.004590054580646478,
        -0.08424913336651792,
        0.05920993999819189,
        -0.026658668435305753,
        0.009074997670705265,
        -0.002413163540417608,
        0.0004907758365258086,
        -6.916973302501207e-05,
        4.13902798607301e-06,
        7.74038306619849e-07,
        -2.1886401049234397e-07,
        1.076499946567091e-08,
        4.521959811218287e-09,
        -7.754400208831351e-10,
        -6.318088340886684e-11,
        2.86879501093067e-11,
        1.9455868545777347e-13,
        -9.65469674843344e-13,
        3.25254814814874e-14,
        3.3478119482868056e-14,
        -1.864562880419313e-15,
        -1.2507950530688648e-15,
        7.418235256624044e-17,
        5.068148904796111e-17,
        -2.2370566594359995e-18,
        -2.187342944303018e-18,
    };

    private NormalDistribution() {}

    /** The complementary error function, {@code 2/sqrt(pi) int_x^inf exp(-t^2) dt}. */
    public static double erfc(double x) {
        return x < 0 ? 2 - erfc(-x) : expOfMinusSquare(x, 1) * scaled(x);
    }

    /** {@code exp(x^2) erfc(x)}; infinite far below 0. */
    public static double erfcx(double x) {
        return x < 0 ? 2 / expOfMinusSquare(x, 1) - scaled(-x) : scaled(x);
    }

    /** The probability of a value up to {@code x}. */
    public static double cdf(double x) {
        double tail = 0.5 * expOfMinusSquare(x, 0.5) * scaled(Math.abs(x) * SQRT_HALF);
        return x < 0 ? tail : 1 - tail;
    }

    /** The natural logarithm of {@link #cdf}, also where that underflows. */
    public static double logCdf(double x) {
        if (x < -1) {
            return StrictMath.log(0.5 * scaled(-x * SQRT_HALF)) - 0.5 * x * x;
        }
        return x < 0 ? StrictMath.log(cdf(x)) : StrictMath.log1p(-cdf(-x));
    }

    /** {@code exp(-x^2 / 2) / sqrt(2 pi)}. */
    public static double density(double x) {
        return expOfMinusSquare(x, 0.5) / SQRT_TWO_PI;
    }

    /** Mills' ratio: the probability of a value above {@code x} over the density there; infinite far below 0. */
    public static double millsRatio(double x) {
        return x < 0 ? (1 - cdf(x)) / density(x) : SQRT_HALF_PI * scaled(x * SQRT_HALF);
    }

    /** {@code exp(-factor x^2)}, for a factor of 1 or 1/2: the square's rounding error, which the exponent magnifies, is put back. */
    private static double expOfMinusSquare(double x, double factor) {
        double square = x * x;
        if (square > 1500) {
            return 0;
        }
        double error = Math.fma(x, x, -square);
        double power = StrictMath.exp(-factor * square);
        return power - power * (factor * error);
    }

    /** {@code erfcx} for {@code x >= 0}, by Clenshaw's recurrence. */
    private static double scaled(double x) {
        if (x > 1e15) {
            // The next term of the asymptotic series is below the last bit.
            return 1 / (x * (SQRT_TWO_PI * SQRT_HALF));
        }
        double t = (x - MAP) / (x + MAP);
        double later = 0;
        double last = 0;
        for (int i = CHEBYSHEV.length - 1; i > 0; i--) {
            double next = 2 * t * last - later + CHEBYSHEV[i];
            later = last;
            last = next;
        }
        return (t * last - later + 0.5 * CHEBYSHEV[0]) / (1 + 2 * x);
    }
}
