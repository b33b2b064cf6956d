package io.fedlearn.luna16.dataset;

import io.fedlearn.core.partition.Partition;
import io.fedlearn.core.partition.Partitioner;
import io.fedlearn.luna16.dataset.DatasetException.Problem;
import io.fedlearn.luna16.dataset.DatasetProblem.Kind;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;

/**
 * Which site has which scans of a data set. Scans are never divided: several candidates may be one nodule. The same scans
 * give the same sites whatever their order. A site may come out empty, which is remarked on. Immutable.
 */
public final class SiteAssignment {
    private static final int MAX_SITES = 10_000;
    private static final int MAX_NAME_LENGTH = 256;

    private final Map<String, List<Scan>> sites;
    private final List<DatasetProblem> problems;

    private SiteAssignment(Map<String, List<Scan>> sites, List<DatasetProblem> problems) {
        LinkedHashMap<String, List<Scan>> copy = new LinkedHashMap<>();
        List<DatasetProblem> all = new ArrayList<>(problems);
        sites.forEach((site, scans) -> {
            List<Scan> sorted = new ArrayList<>(scans);
            sorted.sort(Comparator.comparing(Scan::seriesUid));
            copy.put(site, List.copyOf(sorted));
            if (sorted.isEmpty()) {
                all.add(DatasetProblem.of(Kind.EMPTY_SITE, site + ": has no scan"));
            }
        });
        this.sites = Collections.unmodifiableMap(copy);
        this.problems = List.copyOf(all);
    }

    /**
     * By subset: {@code subset0} to the first site, {@code subset1} to the second, and from the first again where sites
     * end. The challenge's subsets are alike, so these sites are, too.
     *
     * @param sites how many there are, from 1 to 10000; named {@code hospital-1} and so on
     */
    public static SiteAssignment bySubset(List<Scan> scans, int sites) {
        List<String> names = names(sites);
        Map<String, List<Scan>> bySite = empty(names);
        for (Scan scan : scans) {
            listOf(bySite, names.get(Math.floorMod(scan.subset(), sites))).add(scan);
        }
        return new SiteAssignment(bySite, List.of());
    }

    /**
     * By a partitioner, which sees a scan as one example: of class 1 if one of its candidates is a nodule, else of class 0.
     *
     * @param sites how many there are, from 1 to the number of scans; named {@code hospital-1} and so on
     * @param seed where the randomness starts
     * @throws IllegalArgumentException if the partitioner needs more scans for so many sites
     */
    public static SiteAssignment byPartitioner(List<Scan> scans, Partitioner partitioner, int sites, long seed) {
        List<Scan> sorted = new ArrayList<>(scans);
        sorted.sort(Comparator.comparing(Scan::seriesUid));
        int[] classes = sorted.stream()
                .mapToInt(scan -> scan.candidates().stream().anyMatch(Candidate::isNodule) ? 1 : 0)
                .toArray();
        List<String> names = names(sites);
        Partition partition = partitioner.partition(classes, sites, seed);
        Map<String, List<Scan>> bySite = empty(names);
        for (int i = 0; i < sites; i++) {
            for (int example : partition.examples(i)) {
                listOf(bySite, names.get(i)).add(sorted.get(example));
            }
        }
        return new SiteAssignment(bySite, List.of());
    }

    /**
     * By a list. Sites are in the order of their names, those without a scan included. Scans that the list does not name
     * are left out, and counted in a remark, as are series that are not among the scans.
     *
     * @throws DatasetException if the list lacks a column, has no row or a row without a site, or gives one series to two
     *     sites
     */
    public static SiteAssignment byFile(List<Scan> scans, SitesFile list) {
        Map<String, Scan> bySeries = new TreeMap<>();
        scans.forEach(scan -> bySeries.put(scan.seriesUid(), scan));
        Map<String, List<Scan>> bySite = new TreeMap<>();
        Map<String, String> siteOf = new HashMap<>();
        Map<String, Long> lineOf = new HashMap<>();
        Set<String> unknown = new HashSet<>();
        String unknownExample = "";
        try (CsvRows rows = CsvRows.open(list.file())) {
            int series = rows.column(list.seriesColumns());
            int site = rows.column(list.siteColumns());
            if (series == site) {
                throw DatasetException.of(
                        Problem.AMBIGUOUS_COLUMN, list.file(), "series and site cannot be one column");
            }
            while (rows.next()) {
                String seriesUid = rows.text(series);
                String name = siteName(rows, site);
                String before = siteOf.putIfAbsent(seriesUid, name);
                if (before == null) {
                    lineOf.put(seriesUid, rows.line());
                    List<Scan> ofSite = bySite.computeIfAbsent(name, unused -> new ArrayList<>());
                    Scan scan = bySeries.get(seriesUid);
                    if (scan != null) {
                        ofSite.add(scan);
                    } else if (unknown.add(seriesUid) && unknown.size() == 1) {
                        unknownExample = CsvRows.quote(seriesUid) + " in line " + rows.line();
                    }
                } else if (!before.equals(name)) {
                    throw rows.failure(
                            Problem.CONTRADICTION,
                            site,
                            "series " + CsvRows.quote(seriesUid) + " is at " + CsvRows.quote(name) + " here and at "
                                    + CsvRows.quote(before) + " in line " + lineOf.get(seriesUid));
                }
            }
        }
        if (siteOf.isEmpty()) {
            throw DatasetException.of(Problem.EMPTY, list.file(), "has no row after its header");
        }
        List<DatasetProblem> problems = new ArrayList<>();
        if (!unknown.isEmpty()) {
            problems.add(DatasetProblem.of(
                    Kind.SITE_OF_UNKNOWN_SERIES,
                    list.file().getFileName() + " names " + unknown.size()
                            + " series that are not among the scans, such as " + unknownExample));
        }
        bySeries.keySet().removeAll(siteOf.keySet());
        bySeries.keySet()
                .forEach(seriesUid -> problems.add(DatasetProblem.of(
                        Kind.NO_SITE, seriesUid, "has no site in " + list.file().getFileName())));
        if (bySite.values().stream().allMatch(List::isEmpty)) {
            throw DatasetException.of(
                    Problem.NOTHING_USABLE,
                    list.file(),
                    "gives no scan of the data set to a site; it names " + unknownExample);
        }
        return new SiteAssignment(bySite, problems);
    }

    private static String siteName(CsvRows rows, int column) {
        String name = rows.text(column);
        if (name.length() > MAX_NAME_LENGTH || name.chars().anyMatch(Character::isISOControl)) {
            throw rows.failure(
                    Problem.MALFORMED,
                    column,
                    "a site's name must have at most " + MAX_NAME_LENGTH + " characters and no control characters, was "
                            + CsvRows.quote(name));
        }
        return name;
    }

    private static List<String> names(int sites) {
        if (sites < 1 || sites > MAX_SITES) {
            throw new IllegalArgumentException("sites must be in [1, " + MAX_SITES + "], was " + sites);
        }
        int digits = Integer.toString(sites).length();
        List<String> names = new ArrayList<>();
        for (int i = 1; i <= sites; i++) {
            names.add(String.format(Locale.ROOT, "hospital-%0" + digits + "d", i));
        }
        return names;
    }

    private static Map<String, List<Scan>> empty(List<String> names) {
        Map<String, List<Scan>> sites = new LinkedHashMap<>();
        names.forEach(name -> sites.put(name, new ArrayList<>()));
        return sites;
    }

    private static List<Scan> listOf(Map<String, List<Scan>> sites, String name) {
        return Objects.requireNonNull(sites.get(name));
    }

    /** The scans of every site, sites in order, scans by rising series UID. */
    public Map<String, List<Scan>> sites() {
        return sites;
    }

    /** What is not as it should be. */
    public List<DatasetProblem> problems() {
        return problems;
    }

    /**
     * Divides the scans of every site into those to train on and those to test on, as {@link ScanSplit} does.
     *
     * @param testShare in (0, 1)
     * @param seed where the randomness starts; the same for every site, as scans have numbers of their own
     */
    public Map<String, ScanSplit> split(double testShare, long seed) {
        LinkedHashMap<String, ScanSplit> splits = new LinkedHashMap<>();
        sites.forEach((site, scans) -> splits.put(site, ScanSplit.of(scans, testShare, seed)));
        return Collections.unmodifiableMap(splits);
    }

    /**
     * Divides the scans of every site as a fold of the challenge's cross-validation does: hospitals inside the folds.
     *
     * @param fold the number of the subset to test on
     * @throws IllegalArgumentException if no site has a scan in that subset, or none in another
     */
    public Map<String, ScanSplit> splitByFold(int fold) {
        SortedSet<Integer> subsets = new TreeSet<>(subsets());
        if (!subsets.contains(fold) || subsets.size() < 2) {
            throw new IllegalArgumentException("fold " + fold + " needs scans in subset" + fold
                    + " to test on and scans in another to train on; there are scans in "
                    + subsets.stream().map(subset -> "subset" + subset).collect(Collectors.joining(", ")));
        }
        LinkedHashMap<String, ScanSplit> splits = new LinkedHashMap<>();
        sites.forEach((site, scans) -> splits.put(site, ScanSplit.ofFold(scans, fold)));
        return Collections.unmodifiableMap(splits);
    }

    /** The subsets that sites have scans of, rising: the folds that there can be. */
    public List<Integer> subsets() {
        return sites.values().stream()
                .flatMap(List::stream)
                .map(Scan::subset)
                .distinct()
                .sorted()
                .toList();
    }

    @Override
    public String toString() {
        return sites.size() + " sites with "
                + sites.values().stream().mapToInt(List::size).sum() + " scans";
    }
}
