package io.fedlearn.luna16.dataset;

import io.fedlearn.luna16.image.Point;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Lists of places to look at, in the challenge's form: {@code seriesuid,coordX,coordY,coordZ}, one place in a row, in
 * millimetres of the patient. Other columns, such as {@code class}, are passed over; so a list of candidates will do, and a
 * submission, too.
 */
public final class CandidateList {
    private CandidateList() {}

    /**
     * The places of one scan, in the order of the file, each once; none if the file has none.
     *
     * @throws DatasetException if the file is not in order
     */
    public static List<Point> read(Path file, String seriesUid) {
        List<Point> places = new ArrayList<>();
        try (CsvRows rows = CsvRows.open(file)) {
            PlaceColumns columns = PlaceColumns.of(rows);
            while (rows.next()) {
                Point place = columns.point(rows);
                if (columns.series(rows).equals(seriesUid)) {
                    places.add(place);
                }
            }
        }
        return places.stream().distinct().toList();
    }
}
