package io.fedlearn.examples.network;

import io.fedlearn.core.partition.TrainTestSplit;
import io.fedlearn.core.training.InMemoryExamples;
import io.fedlearn.examples.run.InputException;
import io.fedlearn.models.table.Column;
import io.fedlearn.models.table.Label;
import io.fedlearn.models.table.Table;
import io.fedlearn.models.table.TableException;
import io.fedlearn.models.table.TableSchema;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.Reader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.zip.GZIPInputStream;
import org.apache.commons.csv.CSVFormat;
import org.apache.commons.csv.CSVParser;
import org.apache.commons.csv.CSVRecord;
import picocli.CommandLine.Option;

/**
 * The options that say what of a CSV is trained on. What decides the model's shape, which all sites must have in common, comes
 * from them and the header alone, never from the rows: a site that lacks a category or a class makes the same model.
 */
final class CsvOptions {
    private static final String DEFAULT_CLASSES = "0,1";
    private static final double DEFAULT_TEST_FRACTION = 0.2;

    @Option(
            names = "--data",
            paramLabel = "FILE.csv",
            order = -60,
            required = true,
            description = "What this site trains on: a CSV with a header line, or one that is gzipped (.csv.gz).")
    private Path file = Path.of("");

    @Option(
            names = "--label",
            paramLabel = "COLUMN",
            order = -59,
            required = true,
            description = "The column to predict.")
    private String label = "";

    @Option(
            names = "--classes",
            paramLabel = "A",
            split = ",",
            order = -58,
            description =
                    "The labels in the order of their numbers, the same at every site; with two, the second is the"
                            + " positive one (default: " + DEFAULT_CLASSES + "; softmax needs them).")
    private List<String> classes = List.of();

    @Option(
            names = "--features",
            paramLabel = "A",
            split = ",",
            order = -57,
            description =
                    "The columns to learn from (default: all but the label). They go into the model in the order of"
                            + " their names, so that the order of a file's columns does not matter.")
    private List<String> features = List.of();

    @Option(
            names = "--ignore",
            paramLabel = "A",
            split = ",",
            order = -56,
            description = "Columns to leave out, such as customer numbers.")
    private List<String> ignored = List.of();

    @Option(
            names = "--category",
            paramLabel = "COLUMN=A,B,...",
            order = -55,
            description = "A column of categories and all values that it may have, the same at every site, also those"
                    + " that this one has not; may be repeated. Other columns must be numbers.")
    private List<String> categories = List.of();

    @Option(
            names = "--missing",
            paramLabel = "RULE",
            order = -54,
            description =
                    "A missing field: refuse (the file), drop (the row) or mean (a number becomes its column's mean,"
                            + " that of --scale FILE if given; a category none of its values) (default: ${DEFAULT-VALUE}).")
    private MissingRule missing = MissingRule.REFUSE;

    @Option(
            names = "--missing-text",
            paramLabel = "A",
            split = ",",
            order = -53,
            description =
                    "What stands in a missing field, beside nothing at all, such as ?,NA (default: nothing else).")
    private List<String> missingTexts = List.of();

    @Option(
            names = "--delimiter",
            paramLabel = "CHAR",
            order = -52,
            description = "What separates fields; tab for a tabulator (default: a comma).")
    private String delimiter = ",";

    @Option(
            names = "--scale",
            paramLabel = "site|none|FILE",
            order = -51,
            description =
                    "How numbers are scaled before training: site (by mean and deviation of this site's own training"
                            + " rows), none, or by a FILE.json such as {\"age\": {\"mean\": 41.5, \"scale\": 10}} that all sites"
                            + " share, which is best where sites differ (default: ${DEFAULT-VALUE}).")
    private String scale = FeatureScale.SITE;

    @Option(
            names = "--write-scale",
            paramLabel = "FILE.json",
            order = -50,
            description =
                    "Also write this site's own means and deviations as a file for --scale, to send to other sites"
                            + " if they may be known there.")
    private Optional<Path> writtenScale = Optional.empty();

    @Option(
            names = "--test-fraction",
            paramLabel = "X",
            order = -49,
            description = "What part of the rows is kept aside to test on; 0 for none (default: ${DEFAULT-VALUE}).")
    private double testFraction = DEFAULT_TEST_FRACTION;

    @Option(
            names = "--split-seed",
            paramLabel = "S",
            order = -48,
            description = "Where the choice of test rows starts (default: ${DEFAULT-VALUE}).")
    private long seed;

    /** The file. */
    Path file() {
        return file;
    }

    /** The name of the scaling rule or file, as it was given. */
    String scale() {
        return scale;
    }

    /**
     * The labels, in the order of their numbers.
     *
     * @throws InputException if they must be declared and are not
     */
    List<String> classes(SiteModel model) {
        if (classes.isEmpty() && model == SiteModel.SOFTMAX) {
            throw new InputException("--model softmax needs --classes with all labels, the same at every site,"
                    + " such as --classes 0,1,2");
        }
        List<String> declared = classes.isEmpty() ? List.of(DEFAULT_CLASSES.split(",")) : classes;
        model.checkClasses(declared.size());
        return declared;
    }

    /** Finds mistakes before anything is read. */
    void check(SiteModel model) {
        classes(model);
        if (!(testFraction >= 0 && testFraction < 1)) {
            throw new InputException("--test-fraction must be >= 0 and < 1, was " + testFraction);
        }
        if (label.isBlank()) {
            throw new InputException("--label must name a column, was empty");
        }
        delimiter();
        declaredCategories();
    }

    private char delimiter() {
        if (delimiter.equals("tab")) {
            return '\t';
        }
        if (delimiter.length() != 1) {
            throw new InputException("--delimiter must be one character or tab, was '" + delimiter + "'");
        }
        return delimiter.charAt(0);
    }

    private Map<String, List<String>> declaredCategories() {
        Map<String, List<String>> declared = new LinkedHashMap<>();
        for (String text : categories) {
            int at = text.indexOf('=');
            if (at < 1 || at == text.length() - 1) {
                throw new InputException("--category must be such as contact=phone,mail,none, was '" + text + "'");
            }
            if (declared.put(
                            text.substring(0, at),
                            List.of(text.substring(at + 1).split(",", -1)))
                    != null) {
                throw new InputException("--category names column '" + text.substring(0, at) + "' twice");
            }
        }
        return declared;
    }

    /**
     * Reads the file.
     *
     * @throws InputException if it cannot be used, naming the column
     * @throws TableException likewise, naming line and column
     */
    SiteData read(SiteModel model) {
        Set<String> header = header();
        TableSchema schema = schema(header, classes(model));
        Table table = table(schema);
        InMemoryExamples examples = complete(table);
        int[] all = IntStream.range(0, (int) examples.exampleCount()).toArray();
        InMemoryExamples training = examples;
        InMemoryExamples test = examples.subset();
        if (testFraction > 0) {
            TrainTestSplit split = TrainTestSplit.stratified(all, examples.classes(), testFraction, seed);
            training = examples.subset(split.training());
            test = examples.subset(split.test());
        }
        if (training.exampleCount() == 0) {
            throw new InputException("--test-fraction " + testFraction + " leaves no row of " + file + " to train on");
        }
        List<String> names = schema.featureNames();
        FeatureScale own = FeatureScale.site(names, training);
        writtenScale.ifPresent(own::write);
        FeatureScale chosen = switch (scale) {
            case FeatureScale.SITE -> own;
            case FeatureScale.NONE -> FeatureScale.none(names, training);
            default -> FeatureScale.read(Path.of(scale), List.copyOf(own.means().keySet()));
        };
        return new SiteData(
                table.rowsRead(),
                table.rowsRead() - examples.exampleCount(),
                names,
                chosen,
                SiteData.scaled(training, names, chosen),
                SiteData.scaled(test, names, chosen));
    }

    /** The names of the file's columns. */
    private Set<String> header() {
        CSVFormat format = CSVFormat.Builder.create()
                .setDelimiter(delimiter())
                .setIgnoreSurroundingSpaces(true)
                .get();
        try (InputStream raw = Files.newInputStream(file);
                InputStream in = file.toString().endsWith(".gz") ? new GZIPInputStream(raw) : raw;
                Reader reader = new InputStreamReader(in, StandardCharsets.UTF_8);
                CSVParser parser = CSVParser.parse(reader, format)) {
            for (CSVRecord first : parser) {
                List<String> names = new ArrayList<>(first.toList());
                // Some programs begin a file with a mark that says that it is UTF-8.
                names.set(0, names.get(0).replace("\ufeff", ""));
                return new LinkedHashSet<>(names);
            }
        } catch (NoSuchFileException e) {
            throw new InputException("--data: the file " + file + " does not exist", e);
        } catch (IOException | UncheckedIOException e) {
            throw new InputException("--data: " + file + " cannot be read: " + e.getMessage(), e);
        }
        throw new InputException("--data: " + file + " is empty");
    }

    private TableSchema schema(Set<String> header, List<String> declaredClasses) {
        Map<String, List<String>> declared = declaredCategories();
        require(header, "--label", List.of(label));
        require(header, "--features", features);
        require(header, "--ignore", ignored);
        require(header, "--category", declared.keySet());
        Set<String> wanted = new TreeSet<>(features.isEmpty() ? header : features);
        wanted.remove(label);
        ignored.forEach(wanted::remove);
        if (wanted.isEmpty()) {
            throw new InputException(
                    "--data: " + file + " has no column to learn from beside the label '" + label + "'");
        }
        List<String> texts = new ArrayList<>(List.of(""));
        missingTexts.stream().filter(text -> !text.isEmpty()).forEach(texts::add);
        TableSchema.Builder schema = TableSchema.builder()
                .delimiter(delimiter())
                .missing(texts.toArray(String[]::new))
                .label(label(declaredClasses));
        for (String column : wanted) {
            if (column.isBlank() || column.indexOf('=') >= 0) {
                throw new InputException("--data: " + file + " has a column named '" + column
                        + "': a name must not be blank or hold '='; --ignore leaves it out");
            }
            List<String> values = declared.getOrDefault(column, List.of());
            schema.column(
                    values.isEmpty() ? Column.numeric(column) : Column.category(column, values.toArray(String[]::new)));
        }
        try {
            return schema.build();
        } catch (IllegalArgumentException e) {
            throw new InputException("--category, --missing-text: " + e.getMessage(), e);
        }
    }

    private Label label(List<String> declaredClasses) {
        try {
            Label what = Label.classes(label, declaredClasses.toArray(String[]::new));
            return missing == MissingRule.DROP ? what.droppingMissing() : what;
        } catch (IllegalArgumentException e) {
            throw new InputException("--classes: " + e.getMessage(), e);
        }
    }

    private void require(Set<String> header, String option, Collection<String> columns) {
        for (String column : columns) {
            if (!header.contains(column)) {
                throw new InputException(option + " names column '" + column + "', and " + file + " has only "
                        + String.join(", ", header));
            }
        }
    }

    private Table table(TableSchema schema) {
        try {
            return schema.read(file);
        } catch (TableException e) {
            if (e.problem() == TableException.Problem.BAD_NUMBER) {
                String column = e.column().orElseThrow();
                throw new InputException(
                        e.getMessage()
                                + ". Is it a category? Declare all its values, the same at every site: --category "
                                + column
                                + "=A,B,...; does it mean that the field is missing? --missing-text; is the column"
                                + " of no use? --ignore " + column,
                        e);
            }
            if (e.problem() == TableException.Problem.UNKNOWN_CATEGORY) {
                String option = e.column().equals(Optional.of(label)) ? "--classes" : "--category";
                throw new InputException(e.getMessage() + ": " + option + " must name it, at every site alike", e);
            }
            if (e.problem() == TableException.Problem.MISSING_LABEL) {
                throw new InputException(e.getMessage() + "; --missing drop leaves such rows out", e);
            }
            throw e;
        }
    }

    /** The examples that the rule for missing fields leaves. */
    private InMemoryExamples complete(Table table) {
        Map<String, Long> gaps = new LinkedHashMap<>(table.missing());
        gaps.values().removeIf(count -> count == 0);
        if (gaps.isEmpty() || missing == MissingRule.MEAN) {
            return table.examples();
        }
        if (missing == MissingRule.REFUSE) {
            throw new InputException("--data: " + file + " lacks fields in "
                    + gaps.entrySet().stream()
                            .map(gap -> "column '" + gap.getKey() + "' (" + gap.getValue() + " of "
                                    + table.exampleCount() + " rows)")
                            .collect(Collectors.joining(", "))
                    + ": pass --missing drop or --missing mean, or --ignore the columns");
        }
        int[] kept = completeRows(table);
        if (kept.length == 0) {
            throw new InputException("--missing drop: no row of " + file + " has all its fields");
        }
        return table.examples().subset(kept);
    }

    private static int[] completeRows(Table table) {
        float[] values = SiteData.features(table);
        int width = table.featureNames().size();
        return IntStream.range(0, (int) table.exampleCount())
                .filter(row -> isComplete(table.schema(), values, row * width))
                .toArray();
    }

    private static boolean isComplete(TableSchema schema, float[] values, int from) {
        int at = from;
        for (Column column : schema.columns()) {
            int width = column.featureNames().size();
            boolean isThere = false;
            for (int i = at; i < at + width; i++) {
                isThere |= column instanceof Column.Numeric ? !Float.isNaN(values[i]) : values[i] != 0;
            }
            if (!isThere) {
                return false;
            }
            at += width;
        }
        return true;
    }
}
