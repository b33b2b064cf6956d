package io.fedlearn.testkit.fuzz;

import io.fedlearn.core.random.SeededRandom;
import java.util.Arrays;
import java.util.List;

/** Inputs that are nearly those given. Confined to one thread at a time. */
final class Mutations {
    private static final int MOST_STEPS = 6;
    private static final int LONGEST_RUN = 64;
    private static final long[] NUMBERS = {
        0,
        1,
        -1,
        0x7f,
        0x80,
        0xff,
        0x100,
        0x7fff,
        0xffff,
        Integer.MAX_VALUE,
        1L << 31,
        1L << 32,
        Long.MAX_VALUE,
        Long.MIN_VALUE
    };

    private final SeededRandom random;
    private final List<byte[]> seeds;
    private final int maxLength;

    Mutations(SeededRandom random, List<byte[]> seeds, int maxLength) {
        this.random = random;
        this.seeds = seeds;
        this.maxLength = maxLength;
    }

    /** The next input. */
    byte[] next() {
        byte[] input = seed().clone();
        int steps = 1 + random.nextInt(MOST_STEPS);
        for (int i = 0; i < steps; i++) {
            input = mutate(input);
        }
        return input.length > maxLength ? Arrays.copyOf(input, maxLength) : input;
    }

    private byte[] seed() {
        return seeds.get(random.nextInt(seeds.size()));
    }

    private byte[] mutate(byte[] input) {
        if (input.length == 0) {
            return seed().clone();
        }
        int at = random.nextInt(input.length);
        int run = Math.min(1 + random.nextInt(LONGEST_RUN), input.length - at);
        switch (random.nextInt(8)) {
            case 0 -> input[at] = (byte) (input[at] ^ (1 << random.nextInt(8)));
            case 1 -> input[at] = (byte) random.nextInt(256);
            case 2 -> {
                int width = 1 << random.nextInt(4);
                long number = NUMBERS[random.nextInt(NUMBERS.length)];
                for (int i = 0; i < width && at + i < input.length; i++) {
                    input[at + i] = (byte) (number >>> (8 * i));
                }
            }
            case 3 -> input[at] = (byte) (input[at] + random.nextInt(9) - 4);
            case 4 -> {
                return Arrays.copyOf(input, at);
            }
            case 5 -> {
                return joined(input, 0, at, input, at + run, input.length);
            }
            case 6 -> {
                return joined(input, 0, at + run, input, at, input.length);
            }
            default -> {
                byte[] other = seed();
                int from = other.length == 0 ? 0 : random.nextInt(other.length);
                return joined(input, 0, at, other, from, other.length);
            }
        }
        return input;
    }

    private static byte[] joined(byte[] first, int from, int to, byte[] second, int secondFrom, int secondTo) {
        byte[] all = Arrays.copyOf(Arrays.copyOfRange(first, from, to), to - from + secondTo - secondFrom);
        System.arraycopy(second, secondFrom, all, to - from, secondTo - secondFrom);
        return all;
    }
}
