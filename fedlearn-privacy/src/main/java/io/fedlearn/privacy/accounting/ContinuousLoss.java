package io.fedlearn.privacy.accounting;

/**
 * The privacy loss of Gaussian or Laplace noise, moved by the sensitivity and perhaps sampled. In units of the sensitivity, {@code Q} is the
 * noise and {@code P} the noise moved by 1. Where it is not constant, the base loss is a straight line in the output {@code x}:
 * <pre>
 *   Gaussian   y = (2 x - 1) / (2 sigma^2)
 *   Laplace    y = (2 x - 1) / b  for x in [0, 1],  -1 / b below,  1 / b above
 * </pre>
 * In several coordinates the worst case is the same: Gaussian noise is the same in every direction, and a move of Laplace noise by
 * {@code a} along one axis and {@code c} along another is two steps of a path, whose trade-off functions compose to that of one
 * move by {@code a + c}, since both are the family {@code F(F^-1(1 - alpha) - move)}. Rounding the output is post-processing.
 *
 * <p><b>Discretisation.</b> Each cell of the grid is a stretch of outputs. The mass that goes to either end of the cell is an integral over
 * the stretch, taken by Gauss-Legendre quadrature in panels so short beside the distance to the integrand's nearest singularity
 * ({@code pi sigma^2} off the real line, {@code pi b / 2} for Laplace noise) and beside {@code sigma} that its error, bounded on a Bernstein
 * ellipse, stays under 1e-13 of the integral; beyond 10 sigma panels become shorter still. All terms are positive, so masses have a small relative error even
 * where they are tiny.
 */
final class ContinuousLoss implements PrivacyLoss {
    /** The longest panel, in units of the shorter of the two lengths above. */
    private static final double LONGEST_PANEL = 0.5;
    /** So many standard deviations out panels become shorter. */
    private static final double FAR = 10;
    /** Panels up to this length take the rule of the same place. */
    private static final double[] PANELS = {1e-5, 5e-4, 4e-3, 0.03, 0.12, LONGEST_PANEL};

    private static final GaussLegendre[] RULES = {
        new GaussLegendre(2),
        new GaussLegendre(3),
        new GaussLegendre(4),
        new GaussLegendre(5),
        new GaussLegendre(8),
        new GaussLegendre(16)
    };

    /** Up to this loss {@code exp(L) - 1} has all digits of {@code L}. */
    private static final double MODERATE = 20;

    private final boolean gaussian;
    private final double scale;
    private final SampledLoss sampling;
    /** {@code y = slope (2 x - 1)}. */
    private final double slope;
    /** The length over which the integrand changes. */
    private final double length;

    private final double logFactor;

    private ContinuousLoss(boolean gaussian, double scale, double rate) {
        this.gaussian = gaussian;
        this.scale = scale;
        sampling = new SampledLoss(rate);
        slope = gaussian ? 0.5 / (scale * scale) : 1 / scale;
        double bend = 0.5 / slope;
        length = rate == 1 ? scale : Math.min(scale, bend);
        logFactor = gaussian ? -Math.log(scale * Math.sqrt(2 * Math.PI)) : -Math.log(2 * scale);
    }

    static ContinuousLoss gaussian(double noiseMultiplier, double rate) {
        return new ContinuousLoss(true, noiseMultiplier, rate);
    }

    static ContinuousLoss laplace(double noiseMultiplier, double rate) {
        return new ContinuousLoss(false, noiseMultiplier, rate);
    }

    @Override
    public double largest() {
        return gaussian ? Double.POSITIVE_INFINITY : sampling.loss(slope);
    }

    @Override
    public double largestReversed() {
        if (gaussian) {
            return sampling.rate() == 1 ? Double.POSITIVE_INFINITY : -Math.log1p(-sampling.rate());
        }
        return -sampling.loss(-slope);
    }

    @Override
    public boolean symmetric() {
        return sampling.rate() == 1;
    }

    @Override
    public double lattice() {
        return 0;
    }

    /** How far from 0 and from 1 outputs matter. */
    private double reach(double tail) {
        return gaussian ? scale * Math.sqrt(-2 * Math.log(tail)) * (1 + 0x1p-40) : 0;
    }

    /** How many cells or panels, whichever are more, a discretisation goes through. */
    double cost(double interval, double tail) {
        double reach = reach(tail);
        double range = lossAt(1 + reach) - lossAt(-reach);
        return Math.max(range / interval, (1 + 2 * reach) / (LONGEST_PANEL * length));
    }

    private double lossAt(double x) {
        return sampling.loss(slope * (2 * x - 1));
    }

    /** The density of the mixture where the loss is this. */
    private double density(double x, double loss) {
        double exponent = gaussian ? -0.5 * (x / scale) * (x / scale) : -x / scale;
        return Math.exp(exponent + logFactor + loss);
    }

    /** The mass of Laplace noise below the noise itself, and above the moved noise. */
    private double endMass(boolean above) {
        return above ? 0.5 * Math.exp(-1 / scale + lossAt(1)) : 0.5 * Math.exp(lossAt(0));
    }

    @Override
    public LossSketch sketch(double tail) {
        double reach = reach(tail);
        GaussLegendre rule = RULES[4];
        // With little noise, nearly all lies near 0 and near 1, and what is between them is far too long to look at.
        double[] starts = reach < 0.5 ? new double[] {-reach, 1 - reach} : new double[] {-reach};
        double span = reach < 0.5 ? 2 * reach : 1 + 2 * reach;
        int panels = (int) Math.ceil(span / (LONGEST_PANEL * length));
        double width = span / panels;
        int ends = gaussian ? 0 : 2;
        double[] losses = new double[starts.length * panels * rule.count() + ends];
        double[] masses = new double[losses.length];
        int at = 0;
        for (double start : starts) {
            for (int panel = 0; panel < panels; panel++) {
                for (int k = 0; k < rule.count(); k++) {
                    double x = start + (panel + rule.node(k)) * width;
                    losses[at] = lossAt(x);
                    masses[at] = density(x, losses[at]) * rule.weight(k) * width;
                    at++;
                }
            }
        }
        if (!gaussian) {
            losses[at] = lossAt(0);
            masses[at++] = endMass(false);
            losses[at] = lossAt(1);
            masses[at] = endMass(true);
        }
        return new LossSketch(losses, masses);
    }

    @Override
    public PrivacyLossDistribution discretize(double interval, double tail) {
        double reach = reach(tail);
        double from = -reach;
        double to = 1 + reach;
        double largest = lossAt(to);
        LossGrid grid = LossGrid.covering(lossAt(from), largest, interval);
        double left = from;
        for (long cell = (long) Math.floor(lossAt(from) / interval); left < to; cell++) {
            double upper = (cell + 1) * interval;
            double edge = upper >= largest ? to : 0.5 * (sampling.base(upper) / slope + 1);
            double right = Math.min(Math.max(edge, left), to);
            integrate(grid, cell, left, right);
            left = right;
        }
        if (!gaussian) {
            grid.add(lossAt(0), endMass(false));
            grid.add(lossAt(1), endMass(true));
        }
        return grid.distribution(gaussian ? tail : 0);
    }

    /** Adds the outputs of this stretch, whose losses lie in this cell. */
    private void integrate(LossGrid grid, long cell, double left, double right) {
        // Far out a Gaussian density changes faster than its scale says.
        double far = Math.max(Math.abs(left), Math.abs(right));
        double local = gaussian && far > FAR * scale ? length * FAR * scale / far : length;
        int panels = (int) Math.ceil((right - left) / (LONGEST_PANEL * local));
        if (panels == 0) {
            return;
        }
        double width = (right - left) / panels;
        int choice = 0;
        while (choice < PANELS.length - 1 && width > PANELS[choice] * local) {
            choice++;
        }
        GaussLegendre rule = RULES[choice];
        double upper = (cell + 1) * grid.interval();
        if (sampling.rate() < 1 && upper < MODERATE) {
            integrateSampled(grid, cell, upper, left, panels, width, rule);
            return;
        }
        for (int panel = 0; panel < panels; panel++) {
            for (int k = 0; k < rule.count(); k++) {
                double x = left + (panel + rule.node(k)) * width;
                double loss = lossAt(x);
                grid.addBetween(cell, loss, density(x, loss) * rule.weight(k) * width);
            }
        }
    }

    /**
     * The same without a logarithm for each output: with {@code c = exp(L) - 1 = q (exp(y) - 1)} and {@code w} the density under {@code Q},
     * the mass is {@code w (1 + c)}, and the lower point's part of it {@code w (exp(u) - 1 - c) / (exp(h) - 1)}.
     */
    private void integrateSampled(
            LossGrid grid, long cell, double upper, double left, int panels, double width, GaussLegendre rule) {
        double rate = sampling.rate();
        double upperChange = Math.expm1(upper);
        double share = 1 / Math.expm1(grid.interval());
        double lowerSum = 0;
        double sum = 0;
        for (int panel = 0; panel < panels; panel++) {
            for (int k = 0; k < rule.count(); k++) {
                double x = left + (panel + rule.node(k)) * width;
                double y = slope * (2 * x - 1);
                double change = rate * (Math.abs(y) < 0.5 ? Math.expm1(y) : Math.exp(y) - 1);
                double density = density(x, 0) * rule.weight(k);
                double mass = density * (1 + change);
                sum += mass;
                lowerSum += Math.min(mass, Math.max(0, density * (upperChange - change) * share));
            }
        }
        grid.addParts(cell, lowerSum * width, (sum - lowerSum) * width);
    }
}
