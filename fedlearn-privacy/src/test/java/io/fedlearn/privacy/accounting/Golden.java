package io.fedlearn.privacy.accounting;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/** A row of the numbers that other programs gave, by column. */
record Golden(Map<String, Double> values) {
    double get(String column) {
        return Objects.requireNonNull(values.get(column), column);
    }

    long whole(String column) {
        return (long) get(column);
    }

    static List<Golden> rows(String name) {
        try (InputStream in = Golden.class.getResourceAsStream(name + ".csv")) {
            List<String> lines = new String(in.readAllBytes(), StandardCharsets.UTF_8)
                    .lines()
                    .filter(line -> !line.startsWith("#"))
                    .toList();
            String[] columns = lines.get(0).split(",");
            List<Golden> rows = new ArrayList<>();
            for (String line : lines.subList(1, lines.size())) {
                String[] cells = line.split(",");
                Map<String, Double> values = new LinkedHashMap<>();
                for (int i = 0; i < columns.length; i++) {
                    values.put(columns[i], Double.valueOf(cells[i]));
                }
                rows.add(new Golden(values));
            }
            return rows;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
