package io.fedlearn.privacy.accounting;

/**
 * A product of powers of spectra, with a bound of its round-off: see {@link LossComposition}. Confined to one thread.
 */
final class SpectrumPower {
    private static final double UNIT = 0x1p-53;
    /** A complex product errs by at most sqrt(5) u; a little is spared for terms of higher order. */
    private static final double PRODUCT_ERROR = 2.3 * UNIT;

    /** Smaller frequencies of the result are left out, and counted as errors. */
    private static final double LOG_NEGLIGIBLE = -65;

    private static final double NEGLIGIBLE = 2 * Math.exp(LOG_NEGLIGIBLE + 1);

    private final Fft fft;
    private final int size;
    private final double[] re;
    private final double[] im;
    /** The natural logarithm of an upper bound of the absolute value, and a bound of the relative error, of each frequency. */
    private final double[] logBound;

    private final double[] relative;
    private boolean empty = true;
    /** By how much the logarithm of a power at frequency 0 may be too large. */
    private double growth;

    SpectrumPower(int size) {
        this.size = size;
        fft = new Fft(size);
        re = new double[size / 2];
        im = new double[size / 2];
        logBound = new double[size / 2 + 1];
        relative = new double[size / 2 + 1];
    }

    /**
     * Multiplies in the spectrum of these probabilities to this power.
     *
     * @param sum of the probabilities, by which they are divided
     * @param first the grid point of the first of them
     */
    void multiply(double[] probabilities, double sum, long first, long count) {
        double[] real = new double[size / 2];
        double[] imaginary = new double[size / 2];
        int place = (int) Math.floorMod(first, (long) size);
        double inverse = 1 / sum;
        for (double probability : probabilities) {
            double[] half = (place & 1) == 0 ? real : imaginary;
            half[place >> 1] += probability * inverse;
            place = (place + 1) & (size - 1);
        }
        fft.forward(real, imaginary);
        double error = fft.errorBound() * (1 + 1e-6);
        growth += count * error;
        int half = size / 2;
        // Place 0 holds two real frequencies.
        double last = imaginary[0];
        imaginary[0] = 0;
        bound(half, Math.abs(last), error, count);
        double[] powered = new double[2];
        power(last, 0, count, powered);
        double lastPower = empty ? powered[0] : im[0] * powered[0];
        double negligible = Math.exp(LOG_NEGLIGIBLE / count);
        for (int k = 0; k < half; k++) {
            double absolute = Math.sqrt(real[k] * real[k] + imaginary[k] * imaginary[k]);
            if (absolute + error < negligible || logBound[k] < LOG_NEGLIGIBLE) {
                logBound[k] = Double.NEGATIVE_INFINITY;
                re[k] = 0;
                im[k] = 0;
                continue;
            }
            bound(k, absolute, error, count);
            power(real[k], imaginary[k], count, powered);
            if (empty) {
                re[k] = powered[0];
                im[k] = powered[1];
            } else {
                double product = re[k] * powered[0] - im[k] * powered[1];
                im[k] = re[k] * powered[1] + im[k] * powered[0];
                re[k] = product;
            }
        }
        im[0] = lastPower;
        empty = false;
    }

    private void bound(int k, double absolute, double error, long count) {
        logBound[k] += count * (Math.log(absolute + error) + 4 * UNIT);
        relative[k] += count * (error / absolute + PRODUCT_ERROR);
    }

    /** By repeated squaring: the relative error is at most one product's times the exponent. */
    private static void power(double re, double im, long exponent, double[] result) {
        double baseRe = re;
        double baseIm = im;
        double powerRe = 1;
        double powerIm = 0;
        for (long left = exponent; ; ) {
            if ((left & 1) != 0) {
                double product = powerRe * baseRe - powerIm * baseIm;
                powerIm = powerRe * baseIm + powerIm * baseRe;
                powerRe = product;
            }
            left >>= 1;
            if (left == 0) {
                break;
            }
            double square = baseRe * baseRe - baseIm * baseIm;
            baseIm = 2 * baseRe * baseIm;
            baseRe = square;
        }
        result[0] = powerRe;
        result[1] = powerIm;
    }

    /** The inverse: upper bounds of the probabilities of the sum, from this grid point on; what lies outside has been wrapped around. */
    double[] probabilities(long first) {
        int half = size / 2;
        double error = 0;
        double sum = 0;
        for (int k = 0; k <= half; k++) {
            // Each but the two real ones stands for itself and its conjugate.
            double weight = k == 0 || k == half ? 1 : 2;
            if (logBound[k] < LOG_NEGLIGIBLE) {
                error += weight * NEGLIGIBLE;
            } else {
                double bound = Math.exp(logBound[k]);
                error += weight * bound * Math.min(2, relative[k]);
                sum += weight * bound;
            }
        }
        // Squares that underflow lose less than the smallest normal number each.
        error = (error * (1 + 1e-9) + fft.errorBound() * sum) / size + 1e-300;
        if (!(growth < 0.5 && error < 1)) {
            // So many releases that nothing is known but this.
            error = 1;
        }
        fft.inverse(re, im);
        double[] probabilities = new double[size];
        int place = (int) Math.floorMod(first, (long) size);
        for (int i = 0; i < size; i++) {
            double value = (place & 1) == 0 ? re[place >> 1] : im[place >> 1];
            probabilities[i] = Math.max(0, value) + error;
            place = (place + 1) & (size - 1);
        }
        return probabilities;
    }
}
