package io.fedlearn.examples.conformance;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.fedlearn.core.LibraryVersion;
import io.fedlearn.examples.run.InputException;
import java.io.IOException;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Locale;
import org.apache.commons.csv.CSVFormat;
import org.apache.commons.csv.CSVPrinter;

/** The rows as a file, JSON or CSV. */
final class RowFile {
    private static final ObjectMapper JSON = new ObjectMapper();

    private RowFile() {}

    /** Finds out whether the rows can be written there, before anything is measured. */
    static void check(Path file) {
        String name = file.toString().toLowerCase(Locale.ROOT);
        if (!name.endsWith(".json") && !name.endsWith(".csv")) {
            throw new InputException("--out must end in .json or .csv, was " + file);
        }
        if (Files.isDirectory(file)) {
            throw new InputException("--out " + file + " is a folder");
        }
        try {
            Files.createDirectories(folder(file));
        } catch (IOException e) {
            throw InputException.of("--out " + file + " cannot be written", e);
        }
        if (!Files.isWritable(folder(file))) {
            throw new InputException("--out " + file + " cannot be written: permission denied");
        }
    }

    private static Path folder(Path file) {
        Path parent = file.toAbsolutePath().getParent();
        return parent == null ? file.toAbsolutePath() : parent;
    }

    /** Replaces the file as a whole. */
    static void write(Path file, long seed, List<Row> rows) {
        try {
            Path started = Files.createTempFile(folder(file), ".rows", ".tmp");
            try {
                String text =
                        file.toString().toLowerCase(Locale.ROOT).endsWith(".json") ? json(seed, rows) : csv(seed, rows);
                Files.writeString(started, text);
                Files.move(started, file, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
            } finally {
                Files.deleteIfExists(started);
            }
        } catch (IOException e) {
            throw InputException.of("--out " + file + " cannot be written", e);
        }
    }

    private static String json(long seed, List<Row> rows) throws IOException {
        ObjectNode root = JSON.createObjectNode();
        root.put("library", LibraryVersion.current());
        root.put("seed", seed);
        ArrayNode array = root.putArray("rows");
        for (Row row : rows) {
            array.addObject()
                    .put("row", row.claim().name())
                    .put("source", row.claim().source())
                    .put("published", row.claim().published())
                    .put("ours", row.ours())
                    .put("rule", row.claim().rule())
                    .put("verdict", row.verdict().name());
        }
        return JSON.writerWithDefaultPrettyPrinter().writeValueAsString(root) + "\n";
    }

    private static String csv(long seed, List<Row> rows) throws IOException {
        StringWriter text = new StringWriter();
        try (CSVPrinter printer = new CSVPrinter(text, CSVFormat.RFC4180)) {
            printer.printRecord("row", "source", "published", "ours", "rule", "verdict", "seed");
            for (Row row : rows) {
                printer.printRecord(
                        row.claim().name(),
                        row.claim().source(),
                        row.claim().published(),
                        row.ours(),
                        row.claim().rule(),
                        row.verdict(),
                        seed);
            }
        }
        return text.toString();
    }
}
