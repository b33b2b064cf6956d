package io.fedlearn.luna16.dataset;

import io.fedlearn.luna16.dataset.DatasetException.Problem;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.OutputStream;
import java.io.OutputStreamWriter;
import java.io.Writer;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.zip.GZIPOutputStream;

/**
 * What a system says of scans: the places that it calls nodules, as the challenge takes them in. Immutable.
 *
 * <p><b>File.</b> {@value #HEADER}, one mark in a row, coordinates in millimetres of the patient. Columns go by name, in
 * any order and any case of letters; others are passed over; any line ends, a byte-order mark and gzip are understood. A
 * list with a header alone is a submission without marks. What {@link #write} writes, {@link #read} reads as the same.
 *
 * <p><b>Errors.</b> {@link DatasetException} for a missing column or a number that is not finite, naming file, line and
 * column.
 */
public final class Submission {
    /** The header of the file: {@value}. */
    public static final String HEADER = PlaceColumns.NAMES + "," + Submission.PROBABILITY;

    private static final String PROBABILITY = "probability";

    private final Map<String, List<Mark>> marks;
    private final Optional<Path> file;
    private final Map<String, Long> firstLines;

    private Submission(Map<String, List<Mark>> marks, Optional<Path> file, Map<String, Long> firstLines) {
        Map<String, List<Mark>> copy = new LinkedHashMap<>();
        marks.forEach((seriesUid, list) -> {
            if (!list.isEmpty()) {
                copy.put(seriesUid, List.copyOf(list));
            }
        });
        this.marks = Collections.unmodifiableMap(copy);
        this.file = file;
        this.firstLines = firstLines;
    }

    /** Marks by series, in the map's order. */
    public static Submission of(Map<String, List<Mark>> marks) {
        marks.keySet().forEach(seriesUid -> {
            if (seriesUid.isBlank()) {
                throw new IllegalArgumentException("a series must have a name, had " + CsvRows.quote(seriesUid));
            }
        });
        return new Submission(marks, Optional.empty(), Map.of());
    }

    /**
     * Reads a file.
     *
     * @throws DatasetException if it is not in order
     */
    public static Submission read(Path file) {
        Map<String, List<Mark>> marks = new LinkedHashMap<>();
        Map<String, Long> firstLines = new HashMap<>();
        try (CsvRows rows = CsvRows.open(file)) {
            PlaceColumns place = PlaceColumns.of(rows);
            int probability = rows.column(PROBABILITY);
            while (rows.next()) {
                String seriesUid = place.series(rows);
                List<Mark> ofSeries = marks.get(seriesUid);
                if (ofSeries == null) {
                    ofSeries = new ArrayList<>();
                    marks.put(seriesUid, ofSeries);
                    firstLines.put(seriesUid, rows.line());
                }
                ofSeries.add(new Mark(place.point(rows), rows.number(probability)));
            }
        }
        return new Submission(marks, Optional.of(file), Map.copyOf(firstLines));
    }

    /**
     * Writes the file, with {@code .gz} at the end of its name compressed. It is there as a whole or not at all.
     *
     * @throws IOException if it cannot be written
     */
    public void write(Path file) throws IOException {
        Path absolute = file.toAbsolutePath();
        Path aside = absolute.resolveSibling(absolute.getFileName() + ".tmp");
        try {
            try (FileChannel channel = FileChannel.open(
                    aside, StandardOpenOption.CREATE, StandardOpenOption.TRUNCATE_EXISTING, StandardOpenOption.WRITE)) {
                OutputStream bytes = Channels.newOutputStream(channel);
                boolean isCompressed =
                        absolute.toString().toLowerCase(Locale.ROOT).endsWith(".gz");
                OutputStream content = isCompressed ? new GZIPOutputStream(bytes, 1 << 16) : bytes;
                Writer writer = new BufferedWriter(new OutputStreamWriter(content, StandardCharsets.UTF_8), 1 << 16);
                print(writer);
                if (content instanceof GZIPOutputStream gzip) {
                    gzip.finish();
                }
                channel.force(true);
            }
            Files.move(aside, absolute, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
        } finally {
            Files.deleteIfExists(aside);
        }
    }

    private void print(Writer writer) throws IOException {
        writer.write(HEADER + "\n");
        StringBuilder row = new StringBuilder();
        for (Map.Entry<String, List<Mark>> series : marks.entrySet()) {
            String seriesUid = CsvRows.field(series.getKey());
            for (Mark mark : series.getValue()) {
                row.setLength(0);
                row.append(seriesUid).append(',').append(mark.center().x());
                row.append(',').append(mark.center().y());
                row.append(',').append(mark.center().z());
                row.append(',').append(mark.probability()).append('\n');
                writer.append(row);
            }
        }
        writer.flush();
    }

    /** The series that have marks, in the order of their first ones. */
    public List<String> series() {
        return List.copyOf(marks.keySet());
    }

    /** The marks of a scan, in their order; none for a scan that has none. */
    public List<Mark> marks(String seriesUid) {
        return marks.getOrDefault(seriesUid, List.of());
    }

    /** How many marks there are in all scans. */
    public int size() {
        return marks.values().stream().mapToInt(List::size).sum();
    }

    /** These marks and those of another submission, such as of another fold, after them. */
    public Submission with(Submission other) {
        Map<String, List<Mark>> both = new LinkedHashMap<>(marks);
        other.marks.forEach((seriesUid, list) -> both.merge(seriesUid, list, (own, more) -> {
            List<Mark> all = new ArrayList<>(own);
            all.addAll(more);
            return all;
        }));
        return new Submission(both, Optional.empty(), Map.of());
    }

    /** The marks of some scans alone; series without marks are passed over. */
    public Submission restrictedTo(Collection<String> series) {
        Map<String, List<Mark>> kept = new LinkedHashMap<>(marks);
        kept.keySet().retainAll(Set.copyOf(series));
        return new Submission(kept, file, firstLines);
    }

    /**
     * Makes sure that all marks are of scans that count.
     *
     * @throws DatasetException if one is not and this submission was read from a file, naming its line
     * @throws IllegalArgumentException if one is not and it was not
     */
    public void requireSeriesOf(ReferenceStandard reference) {
        for (String seriesUid : marks.keySet()) {
            if (!reference.contains(seriesUid)) {
                String reason = "series " + CsvRows.quote(seriesUid) + " is not among the "
                        + reference.series().size() + " that count";
                if (file.isPresent()) {
                    throw DatasetException.of(
                            Problem.UNLISTED_SERIES,
                            file.get(),
                            firstLines.getOrDefault(seriesUid, 0L),
                            PlaceColumns.SERIES,
                            reason);
                }
                throw new IllegalArgumentException("the submission's " + reason);
            }
        }
    }

    @Override
    public boolean equals(Object object) {
        return object instanceof Submission other && marks.equals(other.marks) && series().equals(other.series());
    }

    @Override
    public int hashCode() {
        return marks.hashCode();
    }

    @Override
    public String toString() {
        return size() + " marks on " + marks.size() + " scans";
    }
}
