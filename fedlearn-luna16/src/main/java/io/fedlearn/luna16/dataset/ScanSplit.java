package io.fedlearn.luna16.dataset;

import io.fedlearn.core.random.SeededRandom;
import io.fedlearn.luna16.dataset.DatasetProblem.Kind;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * A site's scans divided into those to train on and those to test on; whole scans, as several candidates may be one
 * nodule. Both by rising series UID.
 *
 * <p>Scans with and without nodules are divided alike: of each the test gets its share, give or take less than one, and in
 * all {@code n * testShare} scans, halves up. Every scan has a number that depends on seed and series UID alone, and the
 * test takes those with the smallest numbers. So the order of the scans has no influence, and one scan more or less moves
 * at most a few others across.
 *
 * @param training to train on
 * @param test to test on
 */
public record ScanSplit(List<Scan> training, List<Scan> test) {
    /** Copies the lists. */
    public ScanSplit {
        training = List.copyOf(training);
        test = List.copyOf(test);
    }

    /**
     * Divides.
     *
     * @param testShare in (0, 1)
     * @param seed where the randomness starts
     */
    public static ScanSplit of(List<Scan> scans, double testShare, long seed) {
        if (!(testShare > 0 && testShare < 1)) {
            throw new IllegalArgumentException("testShare must be in (0, 1), was " + testShare);
        }
        long own = SeededRandom.derive(seed, "scan split");
        Map<String, Long> numbers = new HashMap<>();
        for (Scan scan : scans) {
            if (numbers.put(scan.seriesUid(), SeededRandom.derive(own, scan.seriesUid())) != null) {
                throw new IllegalArgumentException("scans must be distinct, " + scan.seriesUid() + " came twice");
            }
        }
        Comparator<Scan> bySeries = Comparator.comparing(Scan::seriesUid);
        List<Scan> order = new ArrayList<>(scans);
        order.sort(Comparator.comparing((Scan scan) -> scan.nodules().isEmpty())
                .thenComparing(scan -> numbers.get(scan.seriesUid()))
                .thenComparing(bySeries));
        int withNodules =
                (int) scans.stream().filter(scan -> !scan.nodules().isEmpty()).count();
        int tests = rounded(scans.size(), testShare);
        int testsWithNodules = Math.min(tests, rounded(withNodules, testShare));
        List<Scan> training = new ArrayList<>();
        List<Scan> test = new ArrayList<>();
        for (int i = 0; i < order.size(); i++) {
            boolean isTest = i < withNodules ? i < testsWithNodules : i - withNodules < tests - testsWithNodules;
            (isTest ? test : training).add(order.get(i));
        }
        training.sort(bySeries);
        test.sort(bySeries);
        return new ScanSplit(training, test);
    }

    /**
     * Divides as the challenge does: fold {@code k} tests on the scans of {@code subsetk} and trains on those of all other
     * subsets. A site may have no scan in the one or the others, and then comes out with none to test on or to train on.
     *
     * @param fold the number of the subset to test on, {@code >= 0}
     */
    public static ScanSplit ofFold(List<Scan> scans, int fold) {
        if (fold < 0) {
            throw new IllegalArgumentException("fold must be >= 0, was " + fold);
        }
        List<Scan> order = new ArrayList<>(scans);
        order.sort(Comparator.comparing(Scan::seriesUid));
        return new ScanSplit(
                order.stream().filter(scan -> scan.subset() != fold).toList(),
                order.stream().filter(scan -> scan.subset() == fold).toList());
    }

    private static int rounded(int count, double share) {
        return (int) Math.floor(count * share + 0.5);
    }

    /** What to know before a site trains on this: a part without candidates, or with candidates of one class only. */
    public List<DatasetProblem> problems(String site) {
        List<DatasetProblem> problems = new ArrayList<>();
        add(problems, site, "training", training);
        add(problems, site, "test", test);
        return List.copyOf(problems);
    }

    private static void add(List<DatasetProblem> problems, String site, String part, List<Scan> scans) {
        DatasetCounts counts = DatasetCounts.of(scans);
        if (counts.positives() == 0 || counts.negatives() == 0) {
            String has = counts.candidates() == 0
                    ? "no candidates"
                    : "candidates of one class only: "
                            + (counts.positives() == 0 ? "none is a nodule" : "all are nodules");
            problems.add(DatasetProblem.of(
                    Kind.ONE_CLASS, site + ": the " + part + " part, " + counts.scans() + " scans, has " + has));
        }
    }
}
