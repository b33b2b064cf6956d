package io.fedlearn.privacy.internal;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.Arrays;

/**
 * Draws from a density that falls on both sides of 0, exactly, by rejection from a stack of equal boxes.
 *
 * <p><b>Method.</b> The half-line is cut into strips whose width is a power of two (in grid units), and the area under
 * {@code g(x) = exp(-x^2 / (2 sigma^2))} or {@code exp(-x / scale)} is covered, strip by strip, with boxes that are one strip wide
 * and {@code 1/M} high. There are exactly 2^16 boxes, all as likely, so 16 bits choose one with no rounding at all. A box that lies
 * wholly under {@code g} gives its point at once (97 to 98 %); a box that {@code g} crosses gives it if a height {@code u} in the box, which
 * is uniform, lies below {@code g}; else all is drawn again. One box stands for the tail: its area is dealt out, by coin tosses,
 * to broad strips of half the area each, which go on without end. A bit gives the sign. This is sampling from the area under
 * {@code g}, so the point has density proportional to {@code g}.
 *
 * <p><b>Exactness.</b> The boxes are counted so that they cover the area for certain; a box too many costs a repetition and no more.
 * Real numbers {@code x} and {@code u} are drawn bit by bit: 47 bits of {@code x} within its strip (they alone decide the
 * result, which is a floor), 64 of {@code u}. The comparison is first made in {@code double}, with a margin of 2^-39 around it for
 * what the bits leave open and for round-off, which is below 2^-41. Where it falls within (once in 2^34 or so), further bits are drawn
 * and it is made in decimal arithmetic with directed rounding and growing precision, until it is decided for every continuation of
 * the bits. So the result is that of drawing real numbers. A bit is never used for two purposes, and never reused after a
 * rejection. For a discrete distribution {@code x} is a whole number, and 0 with a negative sign is drawn again.
 *
 * <p>A sample takes 64 bits as a rule. How long it takes shows, within some nanoseconds, whether there was a rejection, which is
 * independent of the result, and whether the box was crossed, which is not quite.
 */
final class StripSampler implements GridSampler {
    /** The density, up to a factor. */
    enum Curve {
        /** {@code exp(-t^2 / 2)}. */
        GAUSSIAN {
            @Override
            double exponent(double t) {
                return 0.5 * t * t;
            }

            @Override
            BigDecimal exponent(BigDecimal x, BigDecimal scale, DirectedMath math) {
                return math.divide(math.multiply(x, x), scale.multiply(scale).multiply(BigDecimal.valueOf(2)));
            }
        },
        /** {@code exp(-t)}. */
        LAPLACE {
            @Override
            double exponent(double t) {
                return t;
            }

            @Override
            BigDecimal exponent(BigDecimal x, BigDecimal scale, DirectedMath math) {
                return math.divide(x, scale);
            }
        };

        /** {@code -log g}, of a value in units of the scale. */
        abstract double exponent(double t);

        /** The same with directed rounding. */
        abstract BigDecimal exponent(BigDecimal x, BigDecimal scale, DirectedMath math);

        final double density(double t) {
            return StrictMath.exp(-exponent(t));
        }
    }

    /** What a decision may rest on; all but the first are for tests. */
    enum Trust {
        /** The table, then {@code double} with a margin, then decimal arithmetic. */
        TABLE,
        /** The same without the table: every box is compared. */
        MARGIN,
        /** Decimal arithmetic alone. */
        DECIMALS
    }

    private static final int BOX_BITS = 16;
    /** A strip's width lies between 2^-7 and 2^-6 of the scale. */
    private static final int STRIP_BITS = 6;

    /** Bits of the place within a strip: with those of the box and of the sign they make a word. */
    private static final int OFFSET_BITS = 47;

    private static final long OFFSET_MASK = (1L << OFFSET_BITS) - 1;

    /** Where a box cannot be said to lie under the curve for certain, it is compared. */
    private static final double TABLE_MARGIN = 0x1p-40;

    private static final double MARGIN = 0x1p-39;
    /** Above this exponent the density is only known to be smaller than {@link #TINY}. */
    private static final double LARGE_EXPONENT = 690;

    private static final double TINY = 1e-299;

    /** Nothing under a density of {@code exp(-LIMIT)} is accepted before it is known to lie there, which is at the first bit that is 1. */
    private static final BigDecimal LIMIT = BigDecimal.valueOf(1_000_000);

    /** A strip of the tail is as broad as so many others, which is more than twice the scale. */
    private static final int TAIL_BITS = 8;

    /** More halvings are less probable than 2^-200. */
    private static final int MAX_HALVINGS = 200;

    private static final int TAIL = -1;
    private static final int VOID = -2;
    private static final int BLOCK = 1024;

    private final Curve curve;
    private final boolean discrete;
    private final double scale;
    private final Trust trust;
    private final int boxMask;
    /** Boxes in a unit of height. */
    private final int height;
    /** How many strips there are before the tail. */
    private final int stripCount;
    /** The width of a strip is two to the power of this. */
    private final int widthExponent;
    /** By so many bits, what is drawn is finer than the grid. */
    private final int shift;

    /** By box: the strip, or the complement of an index into what is known of crossed boxes. */
    private final short[] boxes;

    private final short[] crossedStrips;
    private final char[] crossedLevels;

    private StripSampler(Curve curve, boolean discrete, double scale, int boxBits, int stripBits, Trust trust) {
        if (!(scale >= MIN_SCALE && scale <= MAX_SCALE)) {
            throw new IllegalArgumentException((curve == Curve.GAUSSIAN ? "sigma" : "scale")
                    + " must be in [2^-10, 2^50] grid units, was " + scale);
        }
        this.curve = curve;
        this.discrete = discrete;
        this.scale = scale;
        this.trust = trust;
        int exponent = Math.getExponent(scale) - stripBits;
        widthExponent = discrete ? Math.max(0, exponent) : exponent;
        shift = OFFSET_BITS - widthExponent;
        int boxCount = 1 << boxBits;
        boxMask = boxCount - 1;
        double[] starts = upperDensities(1.0 / boxCount / (2 << TAIL_BITS));
        height = greatestHeight(starts, boxCount);
        stripCount = stripsFor(starts, height);
        boxes = new short[boxCount];
        // One more, for boxes that are left over.
        short[] strips = new short[boxCount + 1];
        char[] levels = new char[boxCount + 1];
        int box = 0;
        int crossed = 0;
        for (int strip = 0; strip < stripCount; strip++) {
            int all = boxesAbove(starts[strip], height);
            int under = trust == Trust.TABLE ? boxesUnder(strip) : 0;
            for (int level = 0; level < all; level++) {
                if (level < under) {
                    boxes[box++] = (short) strip;
                } else {
                    strips[crossed] = (short) strip;
                    levels[crossed] = (char) level;
                    boxes[box++] = (short) ~crossed++;
                }
            }
        }
        strips[crossed] = TAIL;
        boxes[box++] = (short) ~crossed++;
        strips[crossed] = VOID;
        Arrays.fill(boxes, box, boxCount, (short) ~crossed++);
        crossedStrips = Arrays.copyOf(strips, crossed);
        crossedLevels = Arrays.copyOf(levels, crossed);
    }

    static StripSampler of(Curve curve, boolean discrete, double scale) {
        return new StripSampler(curve, discrete, scale, BOX_BITS, STRIP_BITS, Trust.TABLE);
    }

    /** With a small table, in which crossed boxes and the tail are frequent, or with less trust. For tests. */
    static StripSampler of(Curve curve, boolean discrete, double scale, int boxBits, int stripBits, Trust trust) {
        // Complements of crossed boxes' indices must fit into a short.
        if (boxBits > 14 || stripBits > STRIP_BITS) {
            throw new IllegalArgumentException("boxBits must be <= 14 and stripBits <= 6");
        }
        return new StripSampler(curve, discrete, scale, boxBits, stripBits, trust);
    }

    /** Upper bounds of the density where strips start, until one is small enough. */
    private double[] upperDensities(double smallEnough) {
        double[] bounds = new double[64];
        int strip = 0;
        do {
            if (strip == bounds.length) {
                bounds = Arrays.copyOf(bounds, 2 * strip);
            }
            double start = Math.scalb((double) strip, widthExponent) / scale;
            bounds[strip] = curve.density(start) * (1 + TABLE_MARGIN);
        } while (bounds[strip++] > smallEnough);
        return bounds;
    }

    private static int greatestHeight(double[] starts, int boxCount) {
        int enough = 1;
        int tooMuch = boxCount;
        while (tooMuch - enough > 1) {
            int middle = (enough + tooMuch) >>> 1;
            if (boxesNeeded(starts, middle) <= boxCount) {
                enough = middle;
            } else {
                tooMuch = middle;
            }
        }
        if (boxesNeeded(starts, enough) > boxCount) {
            throw new IllegalArgumentException(boxCount + " boxes do not cover the curve");
        }
        return enough;
    }

    private static long boxesNeeded(double[] starts, int unit) {
        long sum = 1;
        int strips = stripsFor(starts, unit);
        for (int strip = 0; strip < strips; strip++) {
            sum += boxesAbove(starts[strip], unit);
        }
        return sum;
    }

    /** The least strip from which on the tail's one box is enough: the first half of its area covers the first broad strip. */
    private static int stripsFor(double[] starts, int unit) {
        double bound = 1.0 / unit / (2 << TAIL_BITS);
        int strip = 1;
        while (starts[strip] > bound) {
            strip++;
        }
        return strip;
    }

    private static int boxesAbove(double start, int unit) {
        return (int) Math.ceil(unit * start);
    }

    private int boxesUnder(int strip) {
        double width = Math.scalb(1.0, widthExponent);
        double last = discrete ? (strip + 1) * width - 1 : (strip + 1) * width;
        return (int) Math.floor(height * curve.density(last / scale) * (1 - TABLE_MARGIN));
    }

    @Override
    public long sample(NoiseSource source) {
        return draw(source, source.nextLong());
    }

    @Override
    public void fill(NoiseSource source, long[] target, int from, int count) {
        int end = from + count;
        for (int start = from; start < end; start += BLOCK) {
            int blockEnd = Math.min(end, start + BLOCK);
            source.nextLongs(target, start, blockEnd - start);
            if (discrete) {
                for (int i = start; i < blockEnd; i++) {
                    target[i] = draw(source, target[i]);
                }
            } else {
                fillRounded(source, target, start, blockEnd);
            }
        }
    }

    /** The loop that matters: {@link #draw} for words whose box lies under the curve. */
    private void fillRounded(NoiseSource source, long[] target, int from, int end) {
        short[] table = boxes;
        int mask = boxMask;
        int bits = shift;
        for (int i = from; i < end; i++) {
            long word = target[i];
            long strip = table[(int) word & mask];
            if (strip >= 0) {
                target[i] = (place(strip, word) ^ (word >> 63)) >> bits;
            } else {
                target[i] = draw(source, word);
            }
        }
    }

    private static long place(long strip, long word) {
        return strip << OFFSET_BITS | (word >>> BOX_BITS & OFFSET_MASK);
    }

    /** The number that this word leads to, with further words if its own does not suffice. */
    private long draw(NoiseSource source, long first) {
        long word = first;
        while (true) {
            int strip = boxes[(int) word & boxMask];
            long place;
            boolean accepted;
            if (strip >= 0) {
                place = place(strip, word);
                accepted = true;
            } else {
                int crossed = ~strip;
                strip = crossedStrips[crossed];
                if (strip >= 0) {
                    place = place(strip, word);
                    accepted = isUnder(source, crossedLevels[crossed], 0, place);
                } else if (strip == TAIL) {
                    int halvings = halvings(source);
                    long within = source.nextLong() >>> (64 - TAIL_BITS);
                    place = place(stripCount + ((long) halvings << TAIL_BITS) + within, word);
                    accepted = isUnder(source, 0, halvings + 1 + TAIL_BITS, place);
                } else {
                    place = 0;
                    accepted = false;
                }
            }
            if (accepted) {
                long sign = word >> 63;
                if (!discrete) {
                    return (place ^ sign) >> shift;
                }
                long magnitude = place >> shift;
                if (magnitude != 0 || sign == 0) {
                    return (magnitude ^ sign) - sign;
                }
            }
            word = source.nextLong();
        }
    }

    /** How many tosses of a coin failed before one succeeded. */
    private static int halvings(NoiseSource source) {
        int failures = 0;
        while (true) {
            long coins = source.nextLong();
            failures += Long.numberOfTrailingZeros(coins);
            if (failures > MAX_HALVINGS) {
                throw new ArithmeticException("noise does not fit into a long; the random bits are not random");
            }
            if (coins != 0) {
                return failures;
            }
        }
    }

    /** Whether {@code (level + u) 2^-exponent < M g(x)}, for a uniform {@code u} in [0, 1) and the {@code x} that starts so. */
    private boolean isUnder(NoiseSource source, int level, int exponent, long place) {
        long bits = source.nextLong();
        if (trust != Trust.DECIMALS) {
            double u = level + (bits >>> 11) * 0x1p-53;
            double t = Math.scalb((double) (discrete ? place >> shift << shift : place), -shift) / scale;
            double power = curve.exponent(t);
            boolean large = power > LARGE_EXPONENT;
            double bound = Math.scalb(height * (large ? TINY : StrictMath.exp(-power)), exponent);
            if (!large && u + 0x1p-52 < bound * (1 - MARGIN)) {
                return true;
            }
            if (u > bound * (1 + MARGIN)) {
                return false;
            }
        }
        return decide(source, level, exponent, place, bits);
    }

    private boolean decide(NoiseSource source, int level, int exponent, long place, long firstBits) {
        BigDecimal exactScale = new BigDecimal(scale);
        BigDecimal bound = power(exponent).multiply(BigDecimal.valueOf(height));
        BigInteger u = new BigInteger(Long.toUnsignedString(firstBits));
        BigInteger x = BigInteger.valueOf(discrete ? place >> shift : place);
        int uBits = Long.SIZE;
        int xBits = discrete ? 0 : shift;
        for (int digits = 60; ; digits += 40) {
            DirectedMath down = DirectedMath.down(digits);
            DirectedMath up = DirectedMath.up(digits);
            BigDecimal lowX = new BigDecimal(x).multiply(power(-xBits));
            BigDecimal highX = discrete ? lowX : new BigDecimal(x.add(BigInteger.ONE)).multiply(power(-xBits));
            BigDecimal lowU = new BigDecimal(u).multiply(power(-uBits)).add(BigDecimal.valueOf(level));
            BigDecimal highU = lowU.add(power(-uBits));
            // (level + u) / g(x), which is compared with M 2^exponent.
            BigDecimal lowPower = curve.exponent(lowX, exactScale, down).min(LIMIT);
            if (down.multiply(lowU, down.exp(lowPower)).compareTo(bound) >= 0) {
                return false;
            }
            BigDecimal highPower = curve.exponent(highX, exactScale, up);
            if (highPower.compareTo(LIMIT) <= 0
                    && up.multiply(highU, up.exp(highPower)).compareTo(bound) <= 0) {
                return true;
            }
            u = append(u, source);
            uBits += Long.SIZE;
            if (!discrete) {
                x = append(x, source);
                xBits += Long.SIZE;
            }
        }
    }

    private static BigInteger append(BigInteger bits, NoiseSource source) {
        return bits.shiftLeft(Long.SIZE).add(new BigInteger(Long.toUnsignedString(source.nextLong())));
    }

    private static BigDecimal power(int exponent) {
        BigDecimal power = new BigDecimal(BigInteger.ONE.shiftLeft(Math.abs(exponent)));
        // The inverse of a power of two has finitely many digits.
        return exponent >= 0 ? power : BigDecimal.ONE.divide(power);
    }

    /** Boxes in a unit of height. For tests of the table. */
    int height() {
        return height;
    }

    /** Strips before the tail. For tests of the table. */
    int stripCount() {
        return stripCount;
    }

    /** By strip, how many boxes it has, and how many of them are never compared. For tests of the table. */
    int[][] boxesByStrip() {
        int[][] counts = new int[stripCount][2];
        for (short box : boxes) {
            int strip = box >= 0 ? box : crossedStrips[~box];
            if (strip >= 0) {
                counts[strip][0]++;
                counts[strip][1] += box >= 0 ? 1 : 0;
            }
        }
        return counts;
    }

    /** The width of a strip, as a power of two. For tests of the table. */
    int widthExponent() {
        return widthExponent;
    }
}
