package io.fedlearn.privacy.accounting;

/** Masses on the multiples of an interval, while they are gathered. Confined to one thread. */
final class LossGrid {
    /** Of a loss; well within the error that {@link PrivacyLossDistribution} states. */
    private static final double ROUNDING = 0x1p-48;

    private final double interval;
    private final long first;
    private final double[] masses;

    private LossGrid(double interval, long first, double[] masses) {
        this.interval = interval;
        this.first = first;
        this.masses = masses;
    }

    /** An empty grid over these losses. */
    static LossGrid covering(double least, double largest, double interval) {
        long first = (long) Math.floor(least / interval) - 1;
        long last = (long) Math.ceil(largest / interval) + 1;
        return new LossGrid(interval, first, new double[Math.toIntExact(last - first + 1)]);
    }

    /**
     * Splits a mass between the grid points on both sides of the loss. One that is on the grid but for its rounding stays there: a tilt may
     * be such that one grid point further the smallest mass outweighs all.
     */
    void add(double loss, double mass) {
        double place = loss / interval;
        double nearest = Math.rint(place);
        if (Math.abs(place - nearest) <= ROUNDING * Math.max(1, Math.abs(nearest))) {
            masses[(int) ((long) nearest - first)] += mass;
        } else {
            addBetween((long) Math.floor(place), loss, mass);
        }
    }

    /** Splits a mass between a grid point and the next, between which the loss lies. */
    void addBetween(long below, double loss, double mass) {
        double toUpper = Math.min(Math.max((below + 1) * interval - loss, 0), interval);
        double lower = interval < 1e-3
                ? expm1OfSmall(toUpper) / expm1OfSmall(interval)
                : Math.exp(toUpper - interval) * (Math.expm1(-toUpper) / Math.expm1(-interval));
        int place = (int) (below - first);
        masses[place] += mass * lower;
        masses[place + 1] += mass * (1 - lower);
    }

    /** Adds masses to a grid point and to the next. */
    void addParts(long below, double lower, double upper) {
        int place = (int) (below - first);
        masses[place] += lower;
        masses[place + 1] += upper;
    }

    double interval() {
        return interval;
    }

    /** To full precision below 1e-3. */
    private static double expm1OfSmall(double x) {
        return x * (1 + x * (1.0 / 2 + x * (1.0 / 6 + x * (1.0 / 24 + x * (1.0 / 120)))));
    }

    PrivacyLossDistribution distribution(double tail) {
        return new PrivacyLossDistribution(interval, first, masses, tail);
    }
}
