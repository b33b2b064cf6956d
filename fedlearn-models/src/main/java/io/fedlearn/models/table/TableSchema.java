package io.fedlearn.models.table;

import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Which columns a CSV file has and what examples are made of it: the same at every site. Immutable and thread-safe.
 *
 * <p>Features are those of the declared columns, in order; columns of the file that are not declared are passed over. A
 * field that is one of the {@linkplain Builder#missing missing} texts is missing. Nothing is guessed: a field that is
 * no number, or a category that was not declared, is refused with line and column.
 *
 * <p>The file is as RFC 4180 has it: see {@link Builder} for delimiter, header and character set. A name that ends in
 * {@code .gz} is decompressed. Standardisation is left to the model, which knows the statistics of all sites.
 */
public final class TableSchema {
    /** What separates fields unless the builder says otherwise: {@value}. */
    public static final char DEFAULT_DELIMITER = ',';

    private final List<Column> columns;
    private final Label label;
    private final List<String> featureNames;
    private final Optional<List<String>> fields;
    private final List<String> missing;
    private final char delimiter;
    private final int skippedLines;
    private final Charset charset;

    private TableSchema(Builder builder, Label label) {
        this.columns = List.copyOf(builder.columns);
        this.label = label;
        this.featureNames = columns.stream()
                .flatMap(column -> column.featureNames().stream())
                .toList();
        this.fields = builder.fields;
        this.missing = builder.missing;
        this.delimiter = builder.delimiter;
        this.skippedLines = builder.skippedLines;
        this.charset = builder.charset;
    }

    /** A builder without columns. */
    public static Builder builder() {
        return new Builder();
    }

    /**
     * Reads a file.
     *
     * @throws TableException if the file cannot be read or is not as declared
     */
    public Table read(Path file) {
        return TableReader.read(this, file);
    }

    /** The columns of which features are made. */
    public List<Column> columns() {
        return columns;
    }

    /** The column that is to be predicted. */
    public Label label() {
        return label;
    }

    /** The names of the features, in order: {@code age}, {@code cp=4}, {@code chol=missing}. */
    public List<String> featureNames() {
        return featureNames;
    }

    /** The number of features: what a model's factory asks for. */
    public int featureCount() {
        return featureNames.size();
    }

    Optional<List<String>> fields() {
        return fields;
    }

    List<String> missing() {
        return missing;
    }

    char delimiter() {
        return delimiter;
    }

    int skippedLines() {
        return skippedLines;
    }

    Charset charset() {
        return charset;
    }

    /** Collects the columns of a table. Not thread-safe. */
    public static final class Builder {
        private final List<Column> columns = new ArrayList<>();
        private Optional<Label> label = Optional.empty();
        private Optional<List<String>> fields = Optional.empty();
        private List<String> missing = List.of("");
        private char delimiter = DEFAULT_DELIMITER;
        private int skippedLines;
        private Charset charset = StandardCharsets.UTF_8;

        private Builder() {}

        /** Adds columns of numbers. */
        public Builder numeric(String... names) {
            for (String name : names) {
                columns.add(Column.numeric(name));
            }
            return this;
        }

        /** Adds a column of these categories. */
        public Builder category(String name, String... values) {
            return column(Column.category(name, values));
        }

        /** Adds a column. */
        public Builder column(Column column) {
            columns.add(column);
            return this;
        }

        /** The column that is to be predicted. */
        public Builder label(Label what) {
            this.label = Optional.of(what);
            return this;
        }

        /** The names of the file's columns, in order, for a file without a header line. */
        public Builder fields(String... names) {
            this.fields = Optional.of(List.of(names));
            return this;
        }

        /** The texts that say that a field is missing, such as {@code ?}; the default is the empty text alone. */
        public Builder missing(String... texts) {
            this.missing = List.of(texts);
            return this;
        }

        /** What separates fields; the default is {@value TableSchema#DEFAULT_DELIMITER}. */
        public Builder delimiter(char separator) {
            this.delimiter = separator;
            return this;
        }

        /** How many lines come before the header, or before the first row if there is none. */
        public Builder skipLines(int count) {
            this.skippedLines = count;
            return this;
        }

        /** The file's character set; the default is UTF-8. */
        public Builder charset(Charset encoding) {
            this.charset = encoding;
            return this;
        }

        /**
         * The schema.
         *
         * @throws IllegalArgumentException if there is no column or no label, a column is declared twice, a feature is
         *     also the label, or a declared column is not among the {@link #fields}
         */
        public TableSchema build() {
            Label what = label.orElseThrow(() -> new IllegalArgumentException("a table must have a label, had none"));
            if (columns.isEmpty()) {
                throw new IllegalArgumentException("a table must have at least one column, had none");
            }
            if (delimiter == '"' || delimiter == '\n' || delimiter == '\r') {
                throw new IllegalArgumentException("delimiter must not be a quote or a line break");
            }
            if (skippedLines < 0) {
                throw new IllegalArgumentException("skipLines must be >= 0, was " + skippedLines);
            }
            Spellings.of(missing);
            Set<String> names = new HashSet<>();
            names.add(what.column());
            for (Column column : columns) {
                if (!names.add(column.name())) {
                    throw new IllegalArgumentException(
                            "column '" + column.name() + "' is declared twice, or is also the label");
                }
            }
            fields.ifPresent(declared -> requireFields(declared, names));
            TableSchema schema = new TableSchema(this, what);
            if (new HashSet<>(schema.featureNames).size() < schema.featureCount()) {
                throw new IllegalArgumentException("two features have one name: " + schema.featureNames);
            }
            return schema;
        }

        private static void requireFields(List<String> fields, Set<String> names) {
            if (new HashSet<>(fields).size() < fields.size()) {
                throw new IllegalArgumentException("fields must have different names, were " + fields);
            }
            for (String name : names) {
                if (!fields.contains(name)) {
                    throw new IllegalArgumentException("column '" + name + "' must be one of the fields " + fields);
                }
            }
        }
    }
}
