package io.fedlearn.luna16.dataset;

import io.fedlearn.luna16.dataset.DatasetException.Problem;
import io.fedlearn.luna16.dataset.DatasetProblem.Kind;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * A folder in the layout of the LUNA16 challenge: which scans there are and what the lists say of them. Immutable.
 *
 * <p><b>Layout.</b> Scans are {@code subsetN/SERIES.mhd}, with their voxels beside them. Lists are
 * {@value #ANNOTATIONS}, {@value #CANDIDATES_V2} or else {@value #CANDIDATES}, and, if there are any,
 * {@value #SERIES_LIST} and {@value #EXCLUDED}. All may lie up to three folders deep, as archives are unpacked: {@code subset0/subset0},
 * {@code CSVFILES}; of several lists of one name the one nearest to the folder counts. Lung masks
 * ({@code seg-lungs...}) are passed over.
 *
 * <p><b>Part of the data</b> is enough: the scans that are there are used, and series that are in the lists alone are
 * reported. What is wrong beyond that is in {@link #problems()}; nothing of the scans themselves has been read, see
 * {@link DatasetCheck}.
 *
 * <p><b>Errors.</b> {@link DatasetException} for a folder without scans or lists, and for a list with a missing column, a
 * bad number or no row, naming file, line and column.
 */
public final class Luna16Dataset {
    /** The list of nodules, {@code seriesuid,coordX,coordY,coordZ,diameter_mm}: {@value}. */
    public static final String ANNOTATIONS = "annotations.csv";
    /** The newer list of candidates, {@code seriesuid,coordX,coordY,coordZ,class}: {@value}. */
    public static final String CANDIDATES_V2 = "candidates_V2.csv";
    /** The older list of candidates, for where there is no newer one: {@value}. */
    public static final String CANDIDATES = "candidates.csv";
    /** The list of findings that count neither way, for scoring, with columns as the nodules': {@value}. */
    public static final String EXCLUDED = "annotations_excluded.csv";
    /** The list of all series, without a header: {@value}. */
    public static final String SERIES_LIST = "seriesuids.csv";

    private static final String LAYOUT = "; expected are subset0/*.mhd (to subset9) with their .raw or .zraw, "
            + ANNOTATIONS + ", and " + CANDIDATES_V2 + " or " + CANDIDATES;

    private final Path folder;
    private final Path annotationsFile;
    private final Path candidatesFile;
    private final Optional<Path> excludedFile;
    private final Optional<Path> seriesListFile;
    private final List<Scan> scans;
    private final List<String> missingSeries;
    private final int listedSeries;
    private final List<DatasetProblem> problems;

    private Luna16Dataset(
            Path folder,
            Path annotationsFile,
            Path candidatesFile,
            Optional<Path> excludedFile,
            Optional<Path> seriesListFile,
            Content content) {
        this.folder = folder;
        this.annotationsFile = annotationsFile;
        this.candidatesFile = candidatesFile;
        this.excludedFile = excludedFile;
        this.seriesListFile = seriesListFile;
        this.scans = List.copyOf(content.scans);
        this.missingSeries = List.copyOf(content.missing);
        this.listedSeries = content.listed;
        this.problems = List.copyOf(content.problems);
    }

    /**
     * Finds the scans and reads the lists.
     *
     * @throws DatasetException if the folder is not of this layout, or a list is not in order
     */
    public static Luna16Dataset open(Path folder) {
        DatasetFolder found = DatasetFolder.scan(folder);
        Optional<Path> annotations = found.list(ANNOTATIONS);
        Optional<Path> candidates = found.list(CANDIDATES_V2).or(() -> found.list(CANDIDATES));
        Optional<Path> series = found.list(SERIES_LIST);
        List<String> lacking = new ArrayList<>();
        if (found.headers().isEmpty()) {
            lacking.add("no scan in a folder subset0 to subset9"
                    + (found.stray().isEmpty()
                            ? ""
                            : " (.mhd files elsewhere: " + found.stray().size() + ", such as "
                                    + folder.relativize(found.stray().get(0)) + ")"));
        }
        if (annotations.isEmpty()) {
            lacking.add("no " + ANNOTATIONS);
        }
        if (candidates.isEmpty()) {
            lacking.add("no " + CANDIDATES_V2 + " and no " + CANDIDATES);
        }
        if (annotations.isEmpty() || candidates.isEmpty() || found.headers().isEmpty()) {
            throw DatasetException.of(
                    Problem.NOT_LUNA16, folder, "is not a LUNA16 data set: has " + String.join(", ", lacking) + LAYOUT);
        }
        ScanLists lists = ScanLists.read(found.headers(), annotations.get(), candidates.get(), series);
        return new Luna16Dataset(
                folder,
                annotations.get(),
                candidates.get(),
                found.list(EXCLUDED),
                series,
                new Content(folder, found, lists));
    }

    /** What comes of the files that were found and the lists. */
    private static final class Content {
        private final Path folder;
        private final List<Scan> scans = new ArrayList<>();
        private final SortedSet<String> missing;
        private final int listed;
        private final List<DatasetProblem> problems = new ArrayList<>();

        Content(Path folder, DatasetFolder found, ScanLists lists) {
            this.folder = folder;
            this.listed = lists.listed().size();
            this.missing = new TreeSet<>(lists.listed());
            Map<String, List<DatasetFolder.Header>> bySeries = new TreeMap<>();
            for (DatasetFolder.Header header : found.headers()) {
                bySeries.computeIfAbsent(header.seriesUid(), unused -> new ArrayList<>())
                        .add(header);
                missing.remove(header.seriesUid());
            }
            bySeries.forEach((seriesUid, headers) -> add(seriesUid, headers, lists));
            problems.addAll(lists.problems());
            if (!missing.isEmpty()) {
                problems.add(DatasetProblem.of(
                        Kind.MISSING_SERIES,
                        missing.size() + " of " + listed + " listed series are not in the folder, such as "
                                + missing.first()));
            }
            if (!found.stray().isEmpty()) {
                problems.add(DatasetProblem.of(
                        Kind.STRAY_HEADERS,
                        found.stray().size() + " .mhd files lie in no subset and are not used, such as "
                                + folder.relativize(found.stray().get(0))));
            }
        }

        private void add(String seriesUid, List<DatasetFolder.Header> headers, ScanLists lists) {
            DatasetFolder.Header header = headers.get(0);
            for (DatasetFolder.Header other : headers) {
                if (other.subset() != header.subset()) {
                    problems.add(DatasetProblem.of(
                            Kind.DUPLICATE_SERIES,
                            seriesUid,
                            "lies in two subsets, as " + folder.relativize(header.file()) + " and as "
                                    + folder.relativize(other.file())));
                    return;
                }
            }
            if (!lists.listed().contains(seriesUid)) {
                problems.add(DatasetProblem.of(
                        Kind.UNKNOWN_SERIES, seriesUid, "is in no list: " + folder.relativize(header.file())));
                return;
            }
            if (headers.size() > 1) {
                problems.add(DatasetProblem.of(
                        Kind.SECOND_COPY,
                        seriesUid,
                        "lies there " + headers.size() + " times, used is " + folder.relativize(header.file())));
            }
            scans.add(lists.scan(header, problems));
        }
    }

    /** The folder. */
    public Path folder() {
        return folder;
    }

    /** The scans that are there and known, by rising series UID, with all that the lists say of them. */
    public List<Scan> scans() {
        return scans;
    }

    /** The list that the nodules are from. */
    public Path annotationsFile() {
        return annotationsFile;
    }

    /** The list that the candidates are from. */
    public Path candidatesFile() {
        return candidatesFile;
    }

    /** The list of findings that count neither way, if there is one. */
    public Optional<Path> excludedFile() {
        return excludedFile;
    }

    /** The list of all series, if there is one. */
    public Optional<Path> seriesListFile() {
        return seriesListFile;
    }

    /** How many series there are in the lists together. */
    public int listedSeries() {
        return listedSeries;
    }

    /** The series of the lists that are not in the folder, rising. */
    public List<String> missingSeries() {
        return missingSeries;
    }

    /** What is not as it should be, as far as names and lists tell. */
    public List<DatasetProblem> problems() {
        return problems;
    }

    @Override
    public String toString() {
        return folder + ": " + scans.size() + " scans";
    }
}
