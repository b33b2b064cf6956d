package io.fedlearn.luna16.dataset;

import io.fedlearn.luna16.dataset.DatasetException.Problem;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** A list of series, one UID in a line, with or without a header. */
final class SeriesFile {
    private SeriesFile() {}

    /** A series and where the list has it. */
    record Row(String seriesUid, long line) {}

    /** The rows in the order of the list; at least one. */
    static List<Row> read(Path file) {
        List<Row> series = new ArrayList<>();
        try (CsvRows rows = CsvRows.openWithoutHeader(file)) {
            while (rows.next()) {
                String seriesUid = rows.text(0);
                if (rows.size() != 1) {
                    throw DatasetException.of(
                            Problem.MALFORMED,
                            file,
                            rows.line(),
                            "",
                            "must be one series UID, has " + rows.size() + " fields");
                }
                if (series.isEmpty() && seriesUid.equalsIgnoreCase(PlaceColumns.SERIES)) {
                    continue; // some write a header
                }
                series.add(new Row(seriesUid, rows.line()));
            }
        }
        if (series.isEmpty()) {
            throw DatasetException.of(Problem.EMPTY, file, "is empty");
        }
        return series;
    }
}
