package io.fedlearn.models.table;

import io.fedlearn.core.tensor.Shape;
import io.fedlearn.core.training.InMemoryExamples;
import io.fedlearn.models.table.TableException.Problem;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.Reader;
import java.nio.charset.CharacterCodingException;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.zip.GZIPInputStream;
import java.util.zip.ZipException;

/** Makes examples of one file's rows. */
final class TableReader {
    private static final int MAX_VALUES = Integer.MAX_VALUE - 8;

    private final TableSchema schema;
    private final Path file;
    private final Spellings missing;
    private final List<Encoder> encoders = new ArrayList<>();
    private final LabelEncoder label;
    private List<String> names = List.of();
    private float[] features = new float[0];
    private float[] targets = new float[0];
    private int rows;
    private long dropped;
    private long line;

    private TableReader(TableSchema schema, Path file) {
        this.schema = schema;
        this.file = file;
        this.missing = Spellings.of(schema.missing());
        for (Column column : schema.columns()) {
            encoders.add(new Encoder(column));
        }
        this.label = new LabelEncoder(schema.label());
    }

    static Table read(TableSchema schema, Path file) {
        TableReader table = new TableReader(schema, file);
        try (InputStream in = open(file);
                Reader reader = new InputStreamReader(in, schema.charset().newDecoder())) {
            return table.read(reader);
        } catch (NoSuchFileException e) {
            throw TableException.unreadable(file, "the file does not exist", e);
        } catch (AccessDeniedException e) {
            throw TableException.unreadable(file, "the file may not be read", e);
        } catch (EOFException | ZipException e) {
            throw TableException.unreadable(file, "the file is not a whole gzip file", e);
        } catch (CharacterCodingException e) {
            throw TableException.unreadable(file, "the file is not " + schema.charset() + " text", e);
        } catch (IOException e) {
            throw TableException.unreadable(file, "the file cannot be read", e);
        }
    }

    private static InputStream open(Path file) throws IOException {
        InputStream in = Files.newInputStream(file);
        if (!file.toString().endsWith(".gz")) {
            return in;
        }
        try {
            return new GZIPInputStream(in, 1 << 16);
        } catch (IOException e) {
            in.close();
            throw e;
        }
    }

    private Table read(Reader reader) throws IOException {
        CsvReader csv = new CsvReader(reader, schema.delimiter());
        for (int i = 0; i < schema.skippedLines(); i++) {
            csv.skipLine();
        }
        List<String> fields = new ArrayList<>();
        if (schema.fields().isPresent()) {
            names = schema.fields().get();
        } else if (next(csv, fields)) {
            names = header(fields);
        } else {
            throw TableException.ofFile(Problem.NO_ROWS, file, "the file is empty");
        }
        locate();
        while (next(csv, fields)) {
            if (fields.size() != names.size()) {
                throw failure(
                        Problem.FIELD_COUNT,
                        "",
                        "the row has " + fields.size() + " fields, the table " + names.size() + " columns");
            }
            add(fields);
        }
        if (rows == 0) {
            throw TableException.ofFile(
                    Problem.NO_ROWS,
                    file,
                    dropped == 0 ? "the file has no rows" : "none of the file's " + dropped + " rows has a label");
        }
        return table();
    }

    private boolean next(CsvReader csv, List<String> fields) throws IOException {
        try {
            boolean found = csv.read(fields);
            line = csv.rowLine();
            return found;
        } catch (CsvReader.MalformedException e) {
            line = csv.rowLine();
            int place = fields.size();
            throw failure(Problem.MALFORMED, place < names.size() ? names.get(place) : "", e.reason());
        }
    }

    private List<String> header(List<String> fields) {
        List<String> header = List.copyOf(fields);
        for (int i = 0; i < header.size(); i++) {
            if (!header.get(i).isEmpty() && header.indexOf(header.get(i)) < i) {
                throw failure(Problem.DUPLICATE_COLUMN, header.get(i), "the header names the column twice");
            }
        }
        return header;
    }

    private void locate() {
        for (Encoder encoder : encoders) {
            encoder.place = place(encoder.column.name());
        }
        label.place = place(schema.label().column());
    }

    private int place(String name) {
        int place = names.indexOf(name);
        if (place < 0) {
            throw failure(Problem.MISSING_COLUMN, name, "the header does not name the column");
        }
        return place;
    }

    private void add(List<String> fields) {
        String labelText = fields.get(label.place);
        if (missing.find(labelText) >= 0) {
            if (!schema.label().dropsMissing()) {
                throw failure(Problem.MISSING_LABEL, schema.label().column(), "the label is missing");
            }
            dropped++;
            return;
        }
        int length = schema.featureCount();
        reserve(length);
        targets[rows] = label.target(labelText);
        int at = rows * length;
        for (Encoder encoder : encoders) {
            String text = fields.get(encoder.place);
            if (missing.find(text) >= 0 || encoder.missingHere.find(text) >= 0) {
                encoder.missing++;
                encoder.putMissing(at);
            } else {
                encoder.put(text, at);
            }
            at += encoder.width;
        }
        rows++;
    }

    private void reserve(int length) {
        if ((rows + 1L) * length > features.length) {
            long capacity = Math.max(rows + 1L, Math.min(Math.max(64L, rows * 2L), MAX_VALUES / length));
            if (capacity * length > MAX_VALUES) {
                throw TableException.ofFile(
                        Problem.TOO_LARGE, file, "the file has more rows of " + length + " features than fit an array");
            }
            features = Arrays.copyOf(features, (int) (capacity * length));
            targets = Arrays.copyOf(targets, (int) capacity);
        }
    }

    private Table table() {
        Map<String, Long> missingCounts = new LinkedHashMap<>();
        for (Encoder encoder : encoders) {
            missingCounts.put(encoder.column.name(), encoder.missing);
        }
        InMemoryExamples examples = InMemoryExamples.wrap(
                Shape.of(schema.featureCount()),
                Arrays.copyOf(features, rows * schema.featureCount()),
                Arrays.copyOf(targets, rows));
        return new Table(schema, examples, rows + dropped, dropped, Collections.unmodifiableMap(missingCounts));
    }

    private TableException failure(Problem problem, String column, String what) {
        return TableException.of(problem, file, line, column, what);
    }

    private float number(String text, String column) {
        OptionalDouble number = Spellings.number(text);
        if (number.isEmpty() || Float.isInfinite((float) number.getAsDouble())) {
            throw failure(Problem.BAD_NUMBER, column, "the field is not a number that fits a float");
        }
        return (float) number.getAsDouble();
    }

    private TableException unknown(String column, String what, List<String> declared) {
        return failure(Problem.UNKNOWN_CATEGORY, column, "the field is none of the " + what + " " + declared);
    }

    /** Writes the features of one column. */
    private final class Encoder {
        private final Column column;
        private final int width;
        private final Spellings categories;
        private final Spellings missingHere;
        private int place;
        private long missing;

        Encoder(Column column) {
            this.column = column;
            this.width = column.featureNames().size();
            this.categories = Spellings.of(column instanceof Column.Category category ? category.values() : List.of());
            this.missingHere = Spellings.of(column instanceof Column.Numeric numeric ? numeric.missing() : List.of());
        }

        void putMissing(int at) {
            if (column instanceof Column.Numeric numeric) {
                features[at] = Float.NaN;
                if (numeric.missingIndicator()) {
                    features[at + 1] = 1;
                }
            } else if (column instanceof Column.Category category && category.missingIndicator()) {
                features[at + width - 1] = 1;
            }
        }

        void put(String text, int at) {
            if (column instanceof Column.Category category) {
                int index = categories.find(text);
                if (index < 0) {
                    if (!category.otherIndicator()) {
                        throw unknown(category.name(), "categories", category.values());
                    }
                    index = category.values().size();
                }
                features[at + index] = 1;
            } else {
                features[at] = number(text, column.name());
            }
        }
    }

    /** Makes the target of a label's text. */
    private final class LabelEncoder {
        private final Label kind;
        private final Spellings classes;
        private int place;

        LabelEncoder(Label kind) {
            this.kind = kind;
            this.classes = Spellings.of(kind instanceof Label.Classes several ? several.classes() : List.of());
        }

        float target(String text) {
            if (kind instanceof Label.Classes several) {
                int index = classes.find(text);
                if (index < 0) {
                    throw unknown(several.column(), "classes", several.classes());
                }
                return index;
            }
            if (kind instanceof Label.Threshold rule) {
                number(text, rule.column());
                return Spellings.number(text).orElseThrow() > rule.threshold() ? 1 : 0;
            }
            return number(text, kind.column());
        }
    }
}
