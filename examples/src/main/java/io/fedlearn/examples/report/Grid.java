package io.fedlearn.examples.report;

import java.util.ArrayList;
import java.util.List;

/**
 * A table of texts with a header, for console and report alike. The first column is aligned left, all others right.
 * Immutable.
 *
 * @param header the names of the columns
 * @param rows of as many cells as the header
 */
public record Grid(List<String> header, List<List<String>> rows) {
    /** Copies the lists and validates that all rows are as long as the header. */
    public Grid {
        header = List.copyOf(header);
        rows = rows.stream().map(List::copyOf).toList();
        for (List<String> row : rows) {
            if (row.size() != header.size()) {
                throw new IllegalArgumentException(
                        "a row must have " + header.size() + " cells, had " + row.size() + ": " + row);
            }
        }
    }

    /** A table without rows. */
    public static Grid of(String... header) {
        return new Grid(List.of(header), List.of());
    }

    /** This table and one row more. */
    public Grid with(String... cells) {
        return with(List.of(cells));
    }

    /** This table and one row more. */
    public Grid with(List<String> cells) {
        List<List<String>> more = new ArrayList<>(rows);
        more.add(cells);
        return new Grid(header, more);
    }

    /** The lines of the table for a console: header, rule and rows. */
    public List<String> toLines() {
        int[] widths = new int[header.size()];
        widen(widths, header);
        rows.forEach(row -> widen(widths, row));
        List<String> lines = new ArrayList<>();
        lines.add(line(widths, header));
        lines.add("-".repeat(lines.get(0).length()));
        rows.forEach(row -> lines.add(line(widths, row)));
        return lines;
    }

    private static void widen(int[] widths, List<String> cells) {
        for (int i = 0; i < widths.length; i++) {
            widths[i] = Math.max(widths[i], cells.get(i).length());
        }
    }

    private static String line(int[] widths, List<String> cells) {
        StringBuilder line = new StringBuilder();
        for (int i = 0; i < widths.length; i++) {
            String padding = " ".repeat(widths[i] - cells.get(i).length());
            line.append(i == 0 ? cells.get(i) + padding : "  " + padding + cells.get(i));
        }
        return line.toString();
    }
}
