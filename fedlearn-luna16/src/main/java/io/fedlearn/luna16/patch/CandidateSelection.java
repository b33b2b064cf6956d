package io.fedlearn.luna16.patch;

import io.fedlearn.core.random.SeededRandom;
import io.fedlearn.luna16.dataset.Candidate;
import io.fedlearn.luna16.dataset.Scan;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Which candidates of a scan are cut out: all nodules, and all other candidates or some of them, chosen at random. LUNA16 has
 * 850 candidates to a scan, two of them nodules; all of them together take 170 GB at the default settings, and 50 to a scan
 * 10 GB. A figure of merit, such as the challenge's, is meant for all of them.
 *
 * @param maxNegativesPerScan the most candidates of a scan that are no nodules, {@code >= 0}
 * @param seed of the choice, which for a scan depends on this and the scan's name alone
 */
public record CandidateSelection(int maxNegativesPerScan, long seed) {
    /** Default of the most candidates of a scan that are no nodules: {@value}. */
    public static final int DEFAULT_NEGATIVES_PER_SCAN = 50;

    /** Validates the number. */
    public CandidateSelection {
        if (maxNegativesPerScan < 0) {
            throw new IllegalArgumentException("maxNegativesPerScan must be >= 0, was " + maxNegativesPerScan);
        }
    }

    /** Every candidate. */
    public static CandidateSelection all() {
        return new CandidateSelection(Integer.MAX_VALUE, 0);
    }

    /** All nodules and at most {@value #DEFAULT_NEGATIVES_PER_SCAN} others of each scan. */
    public static CandidateSelection defaults(long seed) {
        return new CandidateSelection(DEFAULT_NEGATIVES_PER_SCAN, seed);
    }

    /** The chosen ones, in the order of the scan's list. */
    List<Candidate> choose(Scan scan) {
        List<Candidate> all = scan.candidates();
        int[] negatives = new int[all.size()];
        int count = 0;
        for (int i = 0; i < all.size(); i++) {
            if (!all.get(i).isNodule()) {
                negatives[count++] = i;
            }
        }
        if (count <= maxNegativesPerScan) {
            return all;
        }
        negatives = Arrays.copyOf(negatives, count);
        SeededRandom.of(SeededRandom.derive(seed, scan.seriesUid())).shuffle(negatives);
        boolean[] omitted = new boolean[all.size()];
        for (int i = maxNegativesPerScan; i < count; i++) {
            omitted[negatives[i]] = true;
        }
        List<Candidate> chosen = new ArrayList<>();
        for (int i = 0; i < all.size(); i++) {
            if (!omitted[i]) {
                chosen.add(all.get(i));
            }
        }
        return chosen;
    }

    /** As in run records: {@code negativesPerScan=50,seed=7}, or {@code all}. */
    @Override
    public String toString() {
        return maxNegativesPerScan == Integer.MAX_VALUE
                ? "all"
                : "negativesPerScan=" + maxNegativesPerScan + ",seed=" + seed;
    }
}
