package io.fedlearn.luna16.dataset;

import io.fedlearn.luna16.dataset.DatasetException.Problem;
import io.fedlearn.luna16.dataset.DatasetProblem.Kind;
import io.fedlearn.luna16.image.Point;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;

/** What the lists say: of the scans that are there, everything; of others, that they are listed. */
final class ScanLists {
    private final Path annotations;
    private final Path candidates;
    private final Set<String> listed = new HashSet<>();
    private final Map<String, List<Nodule>> nodules = new HashMap<>();
    private final Map<String, List<Candidate>> candidatesOf = new HashMap<>();
    private final List<DatasetProblem> problems = new ArrayList<>();

    private ScanLists(Path annotations, Path candidates) {
        this.annotations = annotations;
        this.candidates = candidates;
    }

    static ScanLists read(
            List<DatasetFolder.Header> headers, Path annotations, Path candidates, Optional<Path> seriesList) {
        ScanLists lists = new ScanLists(annotations, candidates);
        for (DatasetFolder.Header header : headers) {
            lists.nodules.put(header.seriesUid(), new ArrayList<>());
            lists.candidatesOf.put(header.seriesUid(), new ArrayList<>());
        }
        seriesList.ifPresent(lists::readSeries);
        // All series, as far as it is known: other lists may name more.
        Set<String> all = Set.copyOf(lists.listed);
        lists.readAnnotations(all);
        lists.readCandidates(all);
        return lists;
    }

    private void readSeries(Path file) {
        SeriesFile.read(file).forEach(row -> listed.add(row.seriesUid()));
    }

    private void readAnnotations(Set<String> allSeries) {
        try (CsvRows rows = CsvRows.open(annotations)) {
            PlaceColumns place = PlaceColumns.of(rows);
            int diameter = rows.column("diameter_mm");
            SeriesCursor<Nodule> cursor = new SeriesCursor<>(annotations, allSeries, nodules);
            while (rows.next()) {
                double millimetres = rows.number(diameter);
                if (!(millimetres > 0)) {
                    throw rows.failure(Problem.BAD_NUMBER, diameter, "must be > 0, was " + millimetres);
                }
                Point point = place.point(rows);
                Optional<List<Nodule>> known = cursor.at(place.series(rows), rows.line());
                if (known.isPresent()) {
                    known.get().add(new Nodule(point, millimetres));
                }
            }
            cursor.requireRows();
        }
    }

    private void readCandidates(Set<String> allSeries) {
        try (CsvRows rows = CsvRows.open(candidates)) {
            PlaceColumns place = PlaceColumns.of(rows);
            int kind = rows.column("class");
            SeriesCursor<Candidate> cursor = new SeriesCursor<>(candidates, allSeries, candidatesOf);
            while (rows.next()) {
                boolean isNodule = isNodule(rows, kind);
                Point point = place.point(rows);
                Optional<List<Candidate>> known = cursor.at(place.series(rows), rows.line());
                if (known.isPresent()) {
                    known.get().add(new Candidate(point, isNodule));
                }
            }
            cursor.requireRows();
        }
    }

    private static boolean isNodule(CsvRows rows, int column) {
        String text = rows.text(column);
        switch (text) {
            case "1", "1.0" -> {
                return true;
            }
            case "0", "0.0" -> {
                return false;
            }
            default -> throw rows.failure(Problem.BAD_CLASS, column, "must be 0 or 1, was " + CsvRows.quote(text));
        }
    }

    /** Where the rows of a series go; rows of one series come together, so it is seldom looked up. */
    private final class SeriesCursor<T> {
        private final Path file;
        private final Set<String> allSeries;
        private final Map<String, List<T>> lists;
        private final Set<String> unlisted = new HashSet<>();
        private String series = "";
        private Optional<List<T>> list = Optional.empty();

        SeriesCursor(Path file, Set<String> allSeries, Map<String, List<T>> lists) {
            this.file = file;
            this.allSeries = allSeries;
            this.lists = lists;
        }

        Optional<List<T>> at(String seriesUid, long line) {
            if (!seriesUid.equals(series)) {
                series = seriesUid;
                list = Optional.ofNullable(lists.get(seriesUid));
                listed.add(seriesUid);
                if (!allSeries.isEmpty() && !allSeries.contains(seriesUid) && unlisted.add(seriesUid)) {
                    problems.add(DatasetProblem.of(
                            Kind.UNLISTED_SERIES,
                            file.getFileName() + ", line " + line + ": series " + CsvRows.quote(seriesUid)
                                    + " is not in " + Luna16Dataset.SERIES_LIST));
                }
            }
            return list;
        }

        void requireRows() {
            if (series.isEmpty()) {
                throw DatasetException.of(Problem.EMPTY, file, "has no row after its header");
            }
        }
    }

    /** All series of all lists. */
    Set<String> listed() {
        return listed;
    }

    /** What is not as it should be, beyond single scans. */
    List<DatasetProblem> problems() {
        return problems;
    }

    /** A scan with what the lists say of it; what they say twice is reported. */
    Scan scan(DatasetFolder.Header header, List<DatasetProblem> reports) {
        return new Scan(
                header.seriesUid(),
                header.subset(),
                header.file(),
                distinctNodules(header.seriesUid(), reports),
                distinctCandidates(header.seriesUid(), reports));
    }

    private List<Nodule> distinctNodules(String seriesUid, List<DatasetProblem> reports) {
        List<Nodule> rows = Objects.requireNonNull(nodules.get(seriesUid));
        List<Nodule> distinct = rows.stream().distinct().toList();
        if (distinct.size() < rows.size()) {
            reports.add(duplicateRows(seriesUid, annotations, rows.size() - distinct.size()));
        }
        return distinct;
    }

    private List<Candidate> distinctCandidates(String seriesUid, List<DatasetProblem> reports) {
        List<Candidate> rows = Objects.requireNonNull(candidatesOf.get(seriesUid));
        Map<Point, Boolean> classes = new HashMap<>();
        Set<Point> contradictory = new LinkedHashSet<>();
        int duplicates = 0;
        for (Candidate row : rows) {
            Boolean before = classes.putIfAbsent(row.center(), row.isNodule());
            if (before != null && before != row.isNodule()) {
                contradictory.add(row.center());
            } else if (before != null) {
                duplicates++;
            }
        }
        if (duplicates > 0) {
            reports.add(duplicateRows(seriesUid, candidates, duplicates));
        }
        if (!contradictory.isEmpty()) {
            reports.add(DatasetProblem.of(
                    Kind.CONTRADICTORY_ROW,
                    seriesUid,
                    candidates.getFileName() + " calls " + contradictory.size() + " places a nodule and none, such as "
                            + contradictory.iterator().next() + "; they are left out"));
        }
        if (classes.isEmpty()) {
            reports.add(DatasetProblem.of(
                    Kind.NO_CANDIDATES, seriesUid, "has no candidate in " + candidates.getFileName()));
        }
        if (duplicates == 0 && contradictory.isEmpty()) {
            return rows;
        }
        return rows.stream()
                .distinct()
                .filter(row -> !contradictory.contains(row.center()))
                .toList();
    }

    private static DatasetProblem duplicateRows(String seriesUid, Path file, int count) {
        return DatasetProblem.of(
                Kind.DUPLICATE_ROW,
                seriesUid,
                file.getFileName() + " repeats " + count + " of its rows; each counts once");
    }
}
