package io.fedlearn.examples.conformance;

import java.util.ArrayList;
import java.util.List;

/** The rows as a table for a console, with cells that take as many lines as they need. */
final class RowTable {
    private static final List<String> HEADER = List.of("row", "source", "published", "ours", "passes", "verdict");
    private static final int[] WIDTHS = {28, 30, 26, 32, 32, 12};
    private static final String GAP = "  ";

    private RowTable() {}

    /** The lines of the table: header, rule and rows, with an empty line between them. */
    static List<String> lines(List<Row> rows) {
        List<String> lines = new ArrayList<>(cells(HEADER));
        lines.add("-".repeat(lines.get(0).length()));
        for (Row row : rows) {
            boolean skipped = row.verdict() == Verdict.SKIPPED;
            lines.addAll(cells(List.of(
                    row.claim().name(),
                    row.claim().source(),
                    row.claim().published(),
                    skipped ? "-" : row.ours(),
                    row.claim().rule(),
                    skipped ? "SKIPPED (" + row.ours() + ")" : row.verdict().toString())));
            lines.add("");
        }
        return lines;
    }

    private static List<String> cells(List<String> texts) {
        List<List<String>> columns = new ArrayList<>();
        int height = 0;
        for (int i = 0; i < texts.size(); i++) {
            columns.add(wrapped(texts.get(i), WIDTHS[i]));
            height = Math.max(height, columns.get(i).size());
        }
        List<String> lines = new ArrayList<>();
        for (int line = 0; line < height; line++) {
            StringBuilder text = new StringBuilder();
            for (int i = 0; i < columns.size(); i++) {
                String cell = line < columns.get(i).size() ? columns.get(i).get(line) : "";
                text.append(i == 0 ? "" : GAP).append(cell).append(" ".repeat(Math.max(0, WIDTHS[i] - cell.length())));
            }
            lines.add(text.toString().stripTrailing());
        }
        return lines;
    }

    /** The words in lines of at most this width; a longer word has a line of its own. */
    private static List<String> wrapped(String text, int width) {
        List<String> lines = new ArrayList<>();
        StringBuilder line = new StringBuilder();
        for (String word : text.split(" ")) {
            if (line.length() > 0 && line.length() + 1 + word.length() > width) {
                lines.add(line.toString());
                line.setLength(0);
            }
            line.append(line.length() == 0 ? "" : " ").append(word);
        }
        lines.add(line.toString());
        return lines;
    }
}
