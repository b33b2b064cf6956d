package io.fedlearn.privacy.budget;

import io.fedlearn.core.budget.LedgerEntry;
import io.fedlearn.core.budget.PrivacyCharge;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * The entries of a ledger as comma-separated values, for spreadsheets: a line of names, then one for each entry, as RFC 4180 has
 * them. Columns: {@code scope}, {@code number}, {@code time} (UTC), {@code mechanism}, {@code relation}, {@code purpose}, and
 * {@code parameters}, what else the charge has, as {@code name=value} separated by semicolons.
 *
 * <p>It is a copy for reading: no hash protects it. A text that a spreadsheet would take for a formula gets an apostrophe before
 * it.
 */
public final class LedgerCsv {
    private static final List<String> COLUMNS =
            List.of("scope", "number", "time", "mechanism", "relation", "purpose", "parameters");
    private static final String FORMULA = "=+-@\t\r";

    private LedgerCsv() {}

    /** Writes these entries. */
    public static void write(Iterable<LedgerEntry> entries, Appendable out) throws IOException {
        writeLine(COLUMNS, out);
        for (LedgerEntry entry : entries) {
            PrivacyCharge charge = entry.charge();
            List<String> cells = new ArrayList<>();
            cells.add(charge.scope());
            cells.add(Long.toString(entry.number()));
            cells.add(entry.time().toString());
            cells.add(charge.mechanism());
            cells.add(text(charge, PrivacyCharges.RELATION));
            cells.add(text(charge, PrivacyCharges.PURPOSE));
            cells.add(charge.parameters().asMap().entrySet().stream()
                    .filter(parameter -> !parameter.getKey().equals(PrivacyCharges.RELATION)
                            && !parameter.getKey().equals(PrivacyCharges.PURPOSE))
                    .map(Map.Entry::toString)
                    .collect(Collectors.joining(";")));
            writeLine(cells, out);
        }
    }

    private static String text(PrivacyCharge charge, String name) {
        return charge.parameters().asMap().getOrDefault(name, "").toString();
    }

    private static void writeLine(List<String> cells, Appendable out) throws IOException {
        for (int i = 0; i < cells.size(); i++) {
            out.append(i == 0 ? "" : ",").append(quoted(cells.get(i)));
        }
        out.append("\r\n");
    }

    private static String quoted(String cell) {
        String text = !cell.isEmpty() && FORMULA.indexOf(cell.charAt(0)) >= 0 ? "'" + cell : cell;
        boolean isPlain = text.chars().noneMatch(c -> c == ',' || c == '"' || c == '\n' || c == '\r');
        return isPlain ? text : '"' + text.replace("\"", "\"\"") + '"';
    }
}
