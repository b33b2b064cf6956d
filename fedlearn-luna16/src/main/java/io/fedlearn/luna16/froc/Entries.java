package io.fedlearn.luna16.froc;

import java.util.Arrays;

/** What the curve is made of: found nodules and false positives with their probabilities, and missed nodules. */
final class Entries {
    private static final int FIRST_CAPACITY = 1024;

    private final int scans;
    private final int[] nodules;
    private double[] probabilities = new double[FIRST_CAPACITY];
    /** The scan of a false positive; of a found nodule its complement, which is negative. */
    private int[] codes = new int[FIRST_CAPACITY];

    private int size;
    private int truePositives;

    Entries(int scans) {
        this.scans = scans;
        this.nodules = new int[scans];
    }

    void addFalsePositive(int scan, double probability) {
        add(scan, probability);
    }

    void addTruePositive(int scan, double probability) {
        nodules[scan]++;
        truePositives++;
        add(~scan, probability);
    }

    void addMissed(int scan) {
        nodules[scan]++;
    }

    private void add(int code, double probability) {
        if (size == codes.length) {
            codes = Arrays.copyOf(codes, 2 * size);
            probabilities = Arrays.copyOf(probabilities, 2 * size);
        }
        codes[size] = code;
        probabilities[size++] = probability + 0.0; // -0 and 0 are one probability
    }

    int truePositives() {
        return truePositives;
    }

    int falsePositives() {
        return size - truePositives;
    }

    /** The entries by falling probability, those of one probability together. */
    Ranked ranked() {
        double[] rising = Arrays.copyOf(probabilities, size);
        Arrays.sort(rising);
        int distinct = 0;
        for (int i = 0; i < size; i++) {
            if (i == 0 || rising[i] != rising[i - 1]) {
                rising[distinct++] = rising[i];
            }
        }
        int[] ranks = new int[size];
        int[] starts = new int[distinct + 1];
        for (int i = 0; i < size; i++) {
            ranks[i] = distinct - 1 - Arrays.binarySearch(rising, 0, distinct, probabilities[i]);
            starts[ranks[i] + 1]++;
        }
        double[] thresholds = new double[distinct];
        for (int rank = 0; rank < distinct; rank++) {
            starts[rank + 1] += starts[rank];
            thresholds[rank] = rising[distinct - 1 - rank];
        }
        int[] next = Arrays.copyOf(starts, distinct);
        int[] sorted = new int[size];
        for (int i = 0; i < size; i++) {
            sorted[next[ranks[i]]++] = codes[i];
        }
        return new Ranked(scans, nodules, sorted, starts, thresholds);
    }
}
