package io.fedlearn.examples.docs;

import io.fedlearn.luna16.image.Point;
import io.fedlearn.luna16.image.VolumeException;
import io.fedlearn.luna16.image.VolumeException.Problem;
import java.io.IOException;
import java.io.Reader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Properties;

/**
 * A slice of a made-up format that says what a DICOM file says. What a DICOM library reads takes this class's place.
 *
 * @param file it is in
 * @param series it belongs to
 * @param rows of pixels
 * @param columns of pixels
 * @param spacing between columns (x) and between rows (y), in millimetres
 * @param position of the first pixel's centre, LPS
 * @param alongRow the direction in which columns follow each other
 * @param alongColumn the direction in which rows follow each other
 * @param slope by which stored values are multiplied
 * @param intercept which is then added, and gives HU
 * @param stored values, row after row
 */
record Slice(
        Path file,
        String series,
        int rows,
        int columns,
        Point spacing,
        Point position,
        Point alongRow,
        Point alongColumn,
        double slope,
        double intercept,
        int[] stored) {

    static Slice read(Path file) throws IOException {
        Properties fields = new Properties();
        try (Reader reader = Files.newBufferedReader(file)) {
            fields.load(reader);
        }
        try {
            double[] spacing = numbers(fields, "spacing");
            double[] scale = numbers(fields, "scale");
            return new Slice(
                    file,
                    fields.getProperty("series", ""),
                    (int) numbers(fields, "rows")[0],
                    (int) numbers(fields, "columns")[0],
                    new Point(spacing[0], spacing[1], 0),
                    point(numbers(fields, "position"), 0),
                    point(numbers(fields, "orientation"), 0),
                    point(numbers(fields, "orientation"), 3),
                    scale[0],
                    scale[1],
                    Arrays.stream(numbers(fields, "stored"))
                            .mapToInt(value -> (int) value)
                            .toArray());
        } catch (IllegalArgumentException | ArrayIndexOutOfBoundsException e) {
            throw new VolumeException(Problem.BAD_HEADER, file, "is no slice: " + e.getMessage(), e);
        }
    }

    private static double[] numbers(Properties fields, String key) {
        return Arrays.stream(fields.getProperty(key, "").strip().split("\\s+"))
                .mapToDouble(Double::parseDouble)
                .toArray();
    }

    private static Point point(double[] numbers, int from) {
        return new Point(numbers[from], numbers[from + 1], numbers[from + 2]);
    }

    /** From the foot to the head, for a slice across the body as scanners make it. */
    Point normal() {
        return new Point(
                alongRow.y() * alongColumn.z() - alongRow.z() * alongColumn.y(),
                alongRow.z() * alongColumn.x() - alongRow.x() * alongColumn.z(),
                alongRow.x() * alongColumn.y() - alongRow.y() * alongColumn.x());
    }

    /** How far along a direction the slice lies. */
    double height(Point direction) {
        return position.x() * direction.x() + position.y() * direction.y() + position.z() * direction.z();
    }

    /** Whether another slice has the same grid, but for its place. */
    boolean fits(Slice other) {
        return series.equals(other.series)
                && rows == other.rows
                && columns == other.columns
                && spacing.equals(other.spacing)
                && alongRow.equals(other.alongRow)
                && alongColumn.equals(other.alongColumn)
                && stored.length == rows * columns;
    }
}
