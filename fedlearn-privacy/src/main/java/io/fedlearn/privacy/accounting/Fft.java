package io.fedlearn.privacy.accounting;

/**
 * The discrete Fourier transform of {@code N} real numbers, {@code N} a power of two, in place over two arrays of {@code N / 2}. The
 * arrays are the caller's; the tables are not changed, so one instance serves many threads.
 *
 * <p>The even-numbered inputs are real parts and the odd-numbered are imaginary parts of {@code M = N / 2} complex numbers. Their
 * transform splits {@code x^n - w^2} into {@code (x^(n/2) - w) (x^(n/2) + w)}: a block has one twiddle factor for all of its
 * butterflies, which run along the memory, and the spectrum comes out in bit-reversed order. The inverse takes it in that order, so
 * nothing is ever permuted. In place 0 lie the two real values of the spectrum, frequency 0 and frequency {@code N / 2}.
 *
 * <p><b>Error.</b> Every output is a sum of inputs times products of twiddle factors, gathered in {@code log2 N} levels. A level computes
 * {@code a + w b}. With unit round-off {@code u = 2^-53}, a table that is right to {@code 8 u} in absolute value, a complex product to
 * {@code sqrt(5) u} and a sum to {@code u}, a level errs by at most {@code 13 u (|a| + |b|)}. By induction every output errs by at most
 * {@link #errorBound} times the sum of the inputs' absolute values. (The usual bound is in the L2 norm; this one holds for each output,
 * which for probabilities is the stronger.)
 */
final class Fft {
    /** The relative error of one level, in units of the unit round-off. */
    private static final double LEVEL_ERROR = 13 * 0x1p-53;

    /** As many complex numbers lie in a processor's nearest caches. */
    private static final int CACHED_LENGTH = 1 << 10;

    private final int half;
    // Of block b: exp(-i pi rev(b)), where rev reverses the bits of b behind the binary point.
    private final double[] cosines;
    private final double[] sines;

    /**
     * For this many numbers.
     *
     * @param size a power of two, at least 4
     */
    Fft(int size) {
        if (size < 4 || Integer.bitCount(size) != 1) {
            throw new IllegalArgumentException("size must be a power of two >= 4, was " + size);
        }
        half = size / 2;
        cosines = new double[half];
        sines = new double[half];
        int near = Math.min(half, 1 << 10);
        for (int block = 0; block < near; block++) {
            cosines[block] = cosine(fraction(block));
            sines[block] = -sine(fraction(block));
        }
        // The bits behind the first ten: an angle that is added.
        for (int block = near; block < half; block += near) {
            double cosine = cosine(fraction(block));
            double sine = -sine(fraction(block));
            for (int i = 0; i < near; i++) {
                cosines[block + i] = cosine * cosines[i] - sine * sines[i];
                sines[block + i] = cosine * sines[i] + sine * cosines[i];
            }
        }
    }

    /** The bits of a block, reversed behind the binary point. */
    private static double fraction(int block) {
        return (Integer.reverse(block) >>> 1) * 0x1p-31;
    }

    /** Of {@code pi} times a number in [0, 1), from angles of at most 45 degrees. */
    private static double cosine(double x) {
        if (x > 0.5) {
            return -cosine(1 - x);
        }
        return x > 0.25 ? Math.sin(Math.PI * (0.5 - x)) : Math.cos(Math.PI * x);
    }

    private static double sine(double x) {
        if (x > 0.5) {
            return sine(1 - x);
        }
        return x > 0.25 ? Math.cos(Math.PI * (0.5 - x)) : Math.sin(Math.PI * x);
    }

    int size() {
        return 2 * half;
    }

    /** By how much an output can be wrong, over the sum of the absolute values of the inputs; forward or inverse. */
    double errorBound() {
        // Two levels more than there are, for the step between complex and real.
        int levels = Integer.numberOfTrailingZeros(half) + 3;
        return Math.expm1(levels * LEVEL_ERROR * (1 + 0x1p-20));
    }

    /** From numbers, the even ones in {@code re} and the odd ones in {@code im}, to their spectrum. */
    void forward(double[] re, double[] im) {
        if (Integer.numberOfTrailingZeros(half) % 2 == 1) {
            for (int i = 0; i < half / 2; i++) {
                int j = i + half / 2;
                double real = re[j];
                double imaginary = im[j];
                re[j] = re[i] - real;
                im[j] = im[i] - imaginary;
                re[i] += real;
                im[i] += imaginary;
            }
            split(re, im, 0, half / 2, 0);
            split(re, im, half / 2, half / 2, 1);
        } else {
            split(re, im, 0, half, 0);
        }
        double sum = re[0] + im[0];
        im[0] = re[0] - im[0];
        re[0] = sum;
        im[1] = -im[1];
        for (int first = 2; first < half; first *= 2) {
            // Negating a frequency mirrors its place within these.
            for (int p = first, m = 2 * first - 1; p < m; p++, m--) {
                double evenReal = 0.5 * (re[p] + re[m]);
                double evenImaginary = 0.5 * (im[p] - im[m]);
                double oddReal = 0.5 * (im[p] + im[m]);
                double oddImaginary = 0.5 * (re[m] - re[p]);
                double real = oddReal * cosines[p] - oddImaginary * sines[p];
                double imaginary = oddReal * sines[p] + oddImaginary * cosines[p];
                re[p] = evenReal + real;
                im[p] = evenImaginary + imaginary;
                re[m] = evenReal - real;
                im[m] = imaginary - evenImaginary;
            }
        }
    }

    /** From a spectrum to the numbers, the even ones in {@code re} and the odd ones in {@code im}. */
    void inverse(double[] re, double[] im) {
        double scale = 1.0 / half;
        double atZero = re[0];
        re[0] = 0.5 * (atZero + im[0]);
        im[0] = 0.5 * (atZero - im[0]);
        im[1] = -im[1];
        for (int first = 2; first < half; first *= 2) {
            for (int p = first, m = 2 * first - 1; p < m; p++, m--) {
                double evenReal = 0.5 * (re[p] + re[m]);
                double evenImaginary = 0.5 * (im[p] - im[m]);
                double real = 0.5 * (re[p] - re[m]);
                double imaginary = 0.5 * (im[p] + im[m]);
                double oddReal = real * cosines[p] + imaginary * sines[p];
                double oddImaginary = imaginary * cosines[p] - real * sines[p];
                re[p] = evenReal - oddImaginary;
                im[p] = evenImaginary + oddReal;
                re[m] = evenReal + oddImaginary;
                im[m] = oddReal - evenImaginary;
            }
        }
        if (Integer.numberOfTrailingZeros(half) % 2 == 1) {
            join(re, im, 0, half / 2, 0);
            join(re, im, half / 2, half / 2, 1);
            for (int i = 0; i < half / 2; i++) {
                int j = i + half / 2;
                double real = re[i] - re[j];
                double imaginary = im[i] - im[j];
                re[i] += re[j];
                im[i] += im[j];
                re[j] = real;
                im[j] = imaginary;
            }
        } else {
            join(re, im, 0, half, 0);
        }
        for (int i = 0; i < half; i++) {
            re[i] *= scale;
            im[i] *= scale;
        }
    }

    /** All levels of one block of a length that is a power of four; within the cache as soon as it fits. */
    private void split(double[] re, double[] im, int start, int length, int block) {
        if (length > CACHED_LENGTH) {
            int quarter = length / 4;
            splitInFour(re, im, start, quarter, block);
            for (int i = 0; i < 4; i++) {
                split(re, im, start + i * quarter, quarter, 4 * block + i);
            }
            return;
        }
        int blocks = 1;
        for (int quarter = length / 4; quarter >= 1; quarter /= 4) {
            for (int i = 0; i < blocks; i++) {
                splitInFour(re, im, start + 4 * quarter * i, quarter, blocks * block + i);
            }
            blocks *= 4;
        }
    }

    /** Two levels at once. */
    private void splitInFour(double[] re, double[] im, int start, int quarter, int block) {
        double c1 = cosines[block];
        double s1 = sines[block];
        double c2 = cosines[2 * block];
        double s2 = sines[2 * block];
        double c3 = cosines[2 * block + 1];
        double s3 = sines[2 * block + 1];
        for (int i = start; i < start + quarter; i++) {
            int j = i + quarter;
            int k = j + quarter;
            int l = k + quarter;
            double kr = re[k] * c1 - im[k] * s1;
            double ki = re[k] * s1 + im[k] * c1;
            double lr = re[l] * c1 - im[l] * s1;
            double li = re[l] * s1 + im[l] * c1;
            double jr = re[j] + lr;
            double ji = im[j] + li;
            double mr = re[j] - lr;
            double mi = im[j] - li;
            double ar = jr * c2 - ji * s2;
            double ai = jr * s2 + ji * c2;
            double br = mr * c3 - mi * s3;
            double bi = mr * s3 + mi * c3;
            double er = re[i] + kr;
            double ei = im[i] + ki;
            double fr = re[i] - kr;
            double fi = im[i] - ki;
            re[i] = er + ar;
            im[i] = ei + ai;
            re[j] = er - ar;
            im[j] = ei - ai;
            re[k] = fr + br;
            im[k] = fi + bi;
            re[l] = fr - br;
            im[l] = fi - bi;
        }
    }

    /** What {@link #split} took apart. */
    private void join(double[] re, double[] im, int start, int length, int block) {
        if (length > CACHED_LENGTH) {
            int quarter = length / 4;
            for (int i = 0; i < 4; i++) {
                join(re, im, start + i * quarter, quarter, 4 * block + i);
            }
            joinFour(re, im, start, quarter, block);
            return;
        }
        int blocks = length / 4;
        for (int quarter = 1; quarter < length; quarter *= 4) {
            for (int i = 0; i < blocks; i++) {
                joinFour(re, im, start + 4 * quarter * i, quarter, blocks * block + i);
            }
            blocks /= 4;
        }
    }

    private void joinFour(double[] re, double[] im, int start, int quarter, int block) {
        double c1 = cosines[block];
        double s1 = sines[block];
        double c2 = cosines[2 * block];
        double s2 = sines[2 * block];
        double c3 = cosines[2 * block + 1];
        double s3 = sines[2 * block + 1];
        for (int i = start; i < start + quarter; i++) {
            int j = i + quarter;
            int k = j + quarter;
            int l = k + quarter;
            double er = re[i] + re[j];
            double ei = im[i] + im[j];
            double ar = re[i] - re[j];
            double ai = im[i] - im[j];
            double fr = re[k] + re[l];
            double fi = im[k] + im[l];
            double br = re[k] - re[l];
            double bi = im[k] - im[l];
            double jr = ar * c2 + ai * s2;
            double ji = ai * c2 - ar * s2;
            double mr = br * c3 + bi * s3;
            double mi = bi * c3 - br * s3;
            double kr = er - fr;
            double ki = ei - fi;
            double lr = jr - mr;
            double li = ji - mi;
            re[i] = er + fr;
            im[i] = ei + fi;
            re[j] = jr + mr;
            im[j] = ji + mi;
            re[k] = kr * c1 + ki * s1;
            im[k] = ki * c1 - kr * s1;
            re[l] = lr * c1 + li * s1;
            im[l] = li * c1 - lr * s1;
        }
    }
}
