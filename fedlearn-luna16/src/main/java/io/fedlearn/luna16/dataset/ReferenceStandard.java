package io.fedlearn.luna16.dataset;

import io.fedlearn.luna16.dataset.DatasetException.Problem;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

/**
 * What is in the scans that a system is judged by: which scans there are, the nodules that it should find, and the
 * findings that count neither way. Immutable.
 *
 * <p><b>Lists.</b> The challenge's {@code annotations.csv}, {@code annotations_excluded.csv} and {@code seriesuids.csv}, as
 * they are or compressed ({@code .gz}). The list of series says which scans count, with or without nodules; rows of other
 * series in the other two are passed over, so one set of lists serves for parts of the data. Every row counts, also one
 * that repeats another.
 *
 * <p><b>Errors.</b> {@link DatasetException} for a missing column, a bad number or a series that is listed twice, naming
 * file, line and column.
 */
public final class ReferenceStandard {
    private final List<String> series;
    private final Map<String, List<Nodule>> nodules;
    private final Map<String, List<ExcludedFinding>> excluded;

    private ReferenceStandard(
            List<String> series, Map<String, List<Nodule>> nodules, Map<String, List<ExcludedFinding>> excluded) {
        this.series = List.copyOf(series);
        this.nodules = nodules;
        this.excluded = excluded;
    }

    /**
     * A reference standard out of a program's own values.
     *
     * @param series all scans, each once, at least one
     * @param nodules by series; series without nodules may be left out
     * @param excluded by series; series without such findings may be left out
     * @throws IllegalArgumentException if there is no series, one comes twice, or a map has one that is not among them
     */
    public static ReferenceStandard of(
            Collection<String> series, Map<String, List<Nodule>> nodules, Map<String, List<ExcludedFinding>> excluded) {
        Map<String, List<Nodule>> nodulesOf = new LinkedHashMap<>();
        for (String seriesUid : series) {
            if (nodulesOf.put(seriesUid, List.of()) != null) {
                throw new IllegalArgumentException("series must differ, " + CsvRows.quote(seriesUid) + " comes twice");
            }
        }
        if (nodulesOf.isEmpty()) {
            throw new IllegalArgumentException("series must not be empty");
        }
        Map<String, List<ExcludedFinding>> excludedOf = new HashMap<>();
        nodules.forEach((seriesUid, list) -> {
            requireKnown(nodulesOf.keySet(), seriesUid);
            nodulesOf.put(seriesUid, List.copyOf(list));
        });
        excluded.forEach((seriesUid, list) -> {
            requireKnown(nodulesOf.keySet(), seriesUid);
            excludedOf.put(seriesUid, List.copyOf(list));
        });
        return new ReferenceStandard(List.copyOf(nodulesOf.keySet()), nodulesOf, excludedOf);
    }

    /**
     * The nodules of scans of a data set, which has no excluded findings.
     *
     * @throws IllegalArgumentException if there is no scan, or one comes twice
     */
    public static ReferenceStandard of(List<Scan> scans) {
        Map<String, List<Nodule>> nodules = new HashMap<>();
        scans.forEach(scan -> nodules.put(scan.seriesUid(), scan.nodules()));
        return of(scans.stream().map(Scan::seriesUid).toList(), nodules, Map.of());
    }

    /**
     * The nodules, and the findings that count neither way if there is a list of them, of the scans that are in a data set's
     * folder.
     *
     * @throws DatasetException if a list is not in order
     */
    public static ReferenceStandard of(Luna16Dataset dataset) {
        Reader reader = new Reader(dataset.scans().stream().map(Scan::seriesUid).toList());
        reader.readNodules(dataset.annotationsFile());
        dataset.excludedFile().ifPresent(reader::readExcluded);
        return reader.done();
    }

    private static void requireKnown(Set<String> series, String seriesUid) {
        if (!series.contains(seriesUid)) {
            throw new IllegalArgumentException("series " + CsvRows.quote(seriesUid) + " is not among the series");
        }
    }

    /**
     * Reads lists, without excluded findings.
     *
     * @param annotations the nodules, {@code seriesuid,coordX,coordY,coordZ,diameter_mm}
     * @param seriesList one series UID in a line
     * @throws DatasetException if a list is not in order
     */
    public static ReferenceStandard read(Path annotations, Path seriesList) {
        return new Reader(seriesList).readNodules(annotations).done();
    }

    /**
     * Reads lists.
     *
     * @param annotations the nodules, {@code seriesuid,coordX,coordY,coordZ,diameter_mm}
     * @param excluded the findings that count neither way, with the same columns; a negative diameter means
     *     {@value ExcludedFinding#UNMEASURED_MILLIMETRES} mm
     * @param seriesList one series UID in a line
     * @throws DatasetException if a list is not in order
     */
    public static ReferenceStandard read(Path annotations, Path excluded, Path seriesList) {
        return new Reader(seriesList)
                .readNodules(annotations)
                .readExcluded(excluded)
                .done();
    }

    private static final class Reader {
        private final Map<String, List<Nodule>> nodules = new LinkedHashMap<>();
        private final Map<String, List<ExcludedFinding>> excluded = new HashMap<>();

        Reader(List<String> series) {
            for (String seriesUid : series) {
                nodules.put(seriesUid, new ArrayList<>());
                excluded.put(seriesUid, new ArrayList<>());
            }
        }

        Reader(Path seriesList) {
            for (SeriesFile.Row row : SeriesFile.read(seriesList)) {
                if (nodules.put(row.seriesUid(), new ArrayList<>()) != null) {
                    throw DatasetException.of(
                            Problem.DUPLICATE_SERIES,
                            seriesList,
                            row.line(),
                            "",
                            "has series " + CsvRows.quote(row.seriesUid()) + " a second time");
                }
                excluded.put(row.seriesUid(), new ArrayList<>());
            }
        }

        Reader readNodules(Path file) {
            try (CsvRows rows = CsvRows.open(file)) {
                PlaceColumns place = PlaceColumns.of(rows);
                int diameter = rows.column("diameter_mm");
                while (rows.next()) {
                    double millimetres = rows.number(diameter);
                    if (!(millimetres > 0)) {
                        throw rows.failure(Problem.BAD_NUMBER, diameter, "must be > 0, was " + millimetres);
                    }
                    Nodule nodule = new Nodule(place.point(rows), millimetres);
                    List<Nodule> ofSeries = nodules.get(place.series(rows));
                    if (ofSeries != null) {
                        ofSeries.add(nodule);
                    }
                }
            }
            return this;
        }

        Reader readExcluded(Path file) {
            try (CsvRows rows = CsvRows.open(file)) {
                PlaceColumns place = PlaceColumns.of(rows);
                int diameter = rows.column("diameter_mm");
                while (rows.next()) {
                    ExcludedFinding finding = ExcludedFinding.listed(place.point(rows), rows.number(diameter));
                    List<ExcludedFinding> ofSeries = excluded.get(place.series(rows));
                    if (ofSeries != null) {
                        ofSeries.add(finding);
                    }
                }
            }
            return this;
        }

        ReferenceStandard done() {
            nodules.replaceAll((seriesUid, list) -> List.copyOf(list));
            excluded.replaceAll((seriesUid, list) -> List.copyOf(list));
            return new ReferenceStandard(List.copyOf(nodules.keySet()), nodules, excluded);
        }
    }

    /** All scans that count, in the order of their list. */
    public List<String> series() {
        return series;
    }

    /** The nodules of a scan, in the order of their list; none for a scan that does not count. */
    public List<Nodule> nodules(String seriesUid) {
        return nodules.getOrDefault(seriesUid, List.of());
    }

    /** The findings of a scan that count neither way, in the order of their list. */
    public List<ExcludedFinding> excluded(String seriesUid) {
        return excluded.getOrDefault(seriesUid, List.of());
    }

    /** Whether a scan counts. */
    public boolean contains(String seriesUid) {
        return nodules.containsKey(seriesUid);
    }

    /** How many nodules there are in all scans. */
    public int noduleCount() {
        return nodules.values().stream().mapToInt(List::size).sum();
    }

    /** How many findings that count neither way there are in all scans. */
    public int excludedCount() {
        return excluded.values().stream().mapToInt(List::size).sum();
    }

    /**
     * The same of some scans alone, such as those of a fold or a hospital; in this reference standard's order.
     *
     * @throws IllegalArgumentException if there are none, or one that does not count here
     */
    public ReferenceStandard restrictedTo(Collection<String> some) {
        some.forEach(seriesUid -> requireKnown(nodules.keySet(), seriesUid));
        Set<String> kept = Set.copyOf(some);
        Map<String, List<Nodule>> nodulesOf = new HashMap<>();
        Map<String, List<ExcludedFinding>> excludedOf = new HashMap<>();
        for (String seriesUid : kept) {
            nodulesOf.put(seriesUid, nodules(seriesUid));
            excludedOf.put(seriesUid, excluded(seriesUid));
        }
        return of(series.stream().filter(kept::contains).toList(), nodulesOf, excludedOf);
    }

    @Override
    public boolean equals(Object object) {
        return object instanceof ReferenceStandard other
                && series.equals(other.series)
                && series.stream()
                        .allMatch(one -> nodules(one).equals(other.nodules(one))
                                && excluded(one).equals(other.excluded(one)));
    }

    @Override
    public int hashCode() {
        return Objects.hash(series, noduleCount());
    }

    @Override
    public String toString() {
        return series.size() + " scans, " + noduleCount() + " nodules, " + excludedCount() + " excluded findings";
    }
}
