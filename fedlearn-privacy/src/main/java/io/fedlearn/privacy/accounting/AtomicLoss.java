package io.fedlearn.privacy.accounting;

import java.util.function.DoubleFunction;

/** A privacy loss with finitely many values that matter: noise on whole numbers, randomised response, the worst pure mechanism. */
final class AtomicLoss implements PrivacyLoss {
    /** So many values can still be gone through in a fraction of a second. */
    static final int LARGEST_COUNT = 1 << 20;
    /** A plan needs no more. */
    private static final int SKETCH_SIZE = 2048;

    private final DoubleFunction<Atoms> base;
    private final double least;
    private final double largest;
    private final boolean symmetric;
    private final double lattice;
    private final boolean cut;
    private final SampledLoss sampling;

    /** The losses of the base with their probabilities under {@code Q}; at each end at most {@code tail} is missing. */
    record Atoms(double[] losses, double[] probabilities) {}

    private AtomicLoss(
            DoubleFunction<Atoms> base,
            double least,
            double largest,
            boolean symmetric,
            double lattice,
            boolean cut,
            SampledLoss sampling) {
        this.base = base;
        this.least = least;
        this.largest = largest;
        this.symmetric = symmetric && sampling.rate() == 1;
        this.lattice = sampling.rate() == 1 ? lattice : 0;
        this.cut = cut;
        this.sampling = sampling;
    }

    /**
     * {@code P(k)} proportional to {@code exp(-k^2 / (2 sigma^2))}, moved by the sensitivity {@code D}: at {@code k} the loss is
     * {@code D (2 k - D) / (2 sigma^2)}. Smaller moves are dominated: the loss increases in {@code k}, so the best test is
     * {@code k >= t}, and the further the move the more of {@code P} passes. A tail beyond {@code T} has at most
     * {@code exp(-T^2 / (2 sigma^2))} (Canonne, Kamath, Steinke 2020, arXiv:2004.00010: it is sub-Gaussian).
     */
    static AtomicLoss discreteGaussian(double sigma, long sensitivity, double rate) {
        DoubleFunction<Atoms> base = tail -> {
            if (discreteGaussianCount(sigma, sensitivity, tail) > LARGEST_COUNT) {
                return GroupedAtoms.gaussian(sigma, sensitivity, Math.ceil(reach(sigma, tail)), GroupedAtoms.GROUPS);
            }
            long reach = (long) Math.ceil(reach(sigma, tail));
            int count = Math.toIntExact(2 * reach + sensitivity + 1);
            double[] losses = new double[count];
            double[] probabilities = new double[count];
            double sum = 0;
            for (int i = 0; i < count; i++) {
                double k = i - reach;
                losses[i] = sensitivity / sigma * ((2 * k - sensitivity) / (2 * sigma));
                probabilities[i] = Math.exp(-0.5 * (k / sigma) * (k / sigma));
                sum += probabilities[i];
            }
            // Without what was cut off the sum is a little too small, hence the probabilities too large: the safe side.
            for (int i = 0; i < count; i++) {
                probabilities[i] /= sum;
            }
            return new Atoms(losses, probabilities);
        };
        return new AtomicLoss(
                base, Double.NEGATIVE_INFINITY, Double.POSITIVE_INFINITY, true, 0, true, new SampledLoss(rate));
    }

    /** How many values of discrete Gaussian noise matter at this tail. */
    static double discreteGaussianCount(double sigma, long sensitivity, double tail) {
        return 2 * reach(sigma, tail) + sensitivity + 3;
    }

    private static double reach(double sigma, double tail) {
        return sigma * Math.sqrt(-2 * Math.log(tail)) * (1 + 0x1p-40);
    }

    /**
     * {@code P(k)} proportional to {@code exp(-|k| / s)}, moved by the sensitivity {@code D}: at {@code k} in {@code [0, D]} the loss is
     * {@code (2 k - D) / s}, and what is at one end beyond. Smaller moves are dominated for the same reason. Where {@code D} is large, outputs are
     * grouped; a sample of it is taken for one of a pure mechanism then.
     */
    static AtomicLoss discreteLaplace(double scale, long sensitivity, double rate) {
        if (sensitivity > GroupedAtoms.GROUPS) {
            return rate == 1
                    ? bounded(GroupedAtoms.laplace(scale, sensitivity, GroupedAtoms.GROUPS), true, 0, rate)
                    : pure(Math.nextUp(sensitivity / scale), rate);
        }
        int count = Math.toIntExact(sensitivity + 1);
        double[] losses = new double[count];
        double[] probabilities = new double[count];
        double atZero = Math.tanh(0.5 / scale);
        double end = 1 / (1 + Math.exp(-1 / scale));
        for (int k = 0; k < count; k++) {
            losses[k] = (2.0 * k - sensitivity) / scale;
            probabilities[k] = (k == 0 || k == sensitivity ? end : atZero) * Math.exp(-k / scale);
        }
        return bounded(new Atoms(losses, probabilities), true, 1 / scale, rate);
    }

    /** The worst mechanism of this pure epsilon (Kairouz, Oh, Viswanath 2015): two outcomes. */
    static AtomicLoss pure(double epsilon, double rate) {
        double rare = Math.exp(-epsilon) / (1 + Math.exp(-epsilon));
        double[] probabilities = {1 / (1 + Math.exp(-epsilon)), rare};
        return bounded(new Atoms(new double[] {-epsilon, epsilon}, probabilities), true, epsilon, rate);
    }

    /** One answer against another. */
    static AtomicLoss randomizedResponse(double randomProbability, int categories, double rate) {
        double lie = randomProbability / categories;
        double truth = 1 - randomProbability + lie;
        double epsilon = Math.log1p((1 - randomProbability) / lie);
        double[] probabilities = {truth, (categories - 2) * lie, lie};
        return bounded(new Atoms(new double[] {-epsilon, 0, epsilon}, probabilities), true, epsilon, rate);
    }

    private static AtomicLoss bounded(Atoms atoms, boolean symmetric, double lattice, double rate) {
        double least = atoms.losses()[0];
        double largest = atoms.losses()[atoms.losses().length - 1];
        return new AtomicLoss(tail -> atoms, least, largest, symmetric, lattice, false, new SampledLoss(rate));
    }

    @Override
    public double largest() {
        return sampling.loss(largest);
    }

    @Override
    public double largestReversed() {
        if (Double.isInfinite(least)) {
            return sampling.rate() == 1 ? Double.POSITIVE_INFINITY : -Math.log1p(-sampling.rate());
        }
        return -sampling.loss(least);
    }

    @Override
    public boolean symmetric() {
        return symmetric;
    }

    @Override
    public double lattice() {
        return lattice;
    }

    /** The losses and, in place of the probabilities under {@code Q}, those under the mixture. */
    private Atoms mixed(double tail) {
        Atoms atoms = base.apply(tail);
        double[] losses = new double[atoms.losses().length];
        double[] masses = new double[losses.length];
        for (int i = 0; i < losses.length; i++) {
            losses[i] = sampling.loss(atoms.losses()[i]);
            masses[i] = atoms.probabilities()[i] * Math.exp(losses[i]);
        }
        return new Atoms(losses, masses);
    }

    @Override
    public LossSketch sketch(double tail) {
        Atoms atoms = mixed(tail);
        int count = atoms.losses().length;
        int stride = (count + SKETCH_SIZE - 1) / SKETCH_SIZE;
        int groups = (count + stride - 1) / stride;
        double[] losses = new double[groups];
        double[] masses = new double[groups];
        for (int i = 0; i < count; i++) {
            masses[i / stride] += atoms.probabilities()[i];
            losses[i / stride] += atoms.probabilities()[i] * atoms.losses()[i];
        }
        for (int g = 0; g < groups; g++) {
            losses[g] = masses[g] > 0 ? losses[g] / masses[g] : 0;
        }
        return new LossSketch(losses, masses);
    }

    @Override
    public PrivacyLossDistribution discretize(double interval, double tail) {
        Atoms atoms = mixed(tail);
        double[] losses = atoms.losses();
        LossGrid grid = LossGrid.covering(losses[0], losses[losses.length - 1], interval);
        for (int i = 0; i < losses.length; i++) {
            grid.add(losses[i], atoms.probabilities()[i]);
        }
        return grid.distribution(cut ? tail : 0);
    }
}
