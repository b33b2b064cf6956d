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
 * {@code a + w b}. With unit round-off {@code u = 2^-53}, a table that is right to {@code 6 u} in absolute value, a complex product to
 * {@code sqrt(5) u} and a sum to {@code u}, a level errs by at most {@code 10 u (|a| + |b|)}. By induction every output errs by at most
 * {@link #errorBound} times the sum of the inputs' absolute values. (The usual bound is in the L2 norm; this one holds for each output,
 * which for probabilities is the stronger.)
 */
final class Fft {
    /** The relative error of one level, in units of the unit round-off. */
    private static final double LEVEL_ERROR = 10 * 0x1p-53;

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
        for (int block = 0; block < half; block++) {
            double angle = -Math.PI * (Integer.reverse(block) >>> 1) * 0x1p-31;
            cosines[block] = Math.cos(angle);
            sines[block] = Math.sin(angle);
        }
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
        for (int length = half / 2; length >= 1; length /= 2) {
            for (int start = 0, block = 0; start < half; start += 2 * length, block++) {
                double cosine = cosines[block];
                double sine = sines[block];
                for (int i = start; i < start + length; i++) {
                    int j = i + length;
                    double real = re[j] * cosine - im[j] * sine;
                    double imaginary = re[j] * sine + im[j] * cosine;
                    re[j] = re[i] - real;
                    im[j] = im[i] - imaginary;
                    re[i] += real;
                    im[i] += imaginary;
                }
            }
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
        for (int length = 1; length < half; length *= 2) {
            for (int start = 0, block = 0; start < half; start += 2 * length, block++) {
                double cosine = cosines[block];
                double sine = sines[block];
                for (int i = start; i < start + length; i++) {
                    int j = i + length;
                    double real = re[i] - re[j];
                    double imaginary = im[i] - im[j];
                    re[i] += re[j];
                    im[i] += im[j];
                    re[j] = real * cosine + imaginary * sine;
                    im[j] = imaginary * cosine - real * sine;
                }
            }
        }
        for (int i = 0; i < half; i++) {
            re[i] *= scale;
            im[i] *= scale;
        }
    }
}
