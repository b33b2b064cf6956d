package io.fedlearn.models.table;

import io.fedlearn.core.partition.TrainTestSplit;
import io.fedlearn.core.tensor.Shape;
import io.fedlearn.core.training.BatchReader;
import io.fedlearn.core.training.ExampleOrder;
import io.fedlearn.core.training.ExampleSource;
import io.fedlearn.core.training.InMemoryExamples;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/** The examples of one file, and what was found while reading it. On the heap; immutable and thread-safe. */
public final class Table implements ExampleSource {
    private final TableSchema schema;
    private final InMemoryExamples examples;
    private final long rowsRead;
    private final long rowsDropped;
    private final Map<String, Long> missing;

    Table(TableSchema schema, InMemoryExamples examples, long rowsRead, long rowsDropped, Map<String, Long> missing) {
        this.schema = schema;
        this.examples = examples;
        this.rowsRead = rowsRead;
        this.rowsDropped = rowsDropped;
        this.missing = missing;
    }

    /**
     * A table's examples in two parts.
     *
     * @param training to train on
     * @param test to evaluate on
     */
    public record Split(InMemoryExamples training, InMemoryExamples test) {}

    /** What the table was read by. */
    public TableSchema schema() {
        return schema;
    }

    /** The names of the features, in order. */
    public List<String> featureNames() {
        return schema.featureNames();
    }

    /** The examples, in the order of the file's rows. */
    public InMemoryExamples examples() {
        return examples;
    }

    /** How many rows the file has. */
    public long rowsRead() {
        return rowsRead;
    }

    /** How many of them were left out because their label is missing. */
    public long rowsDropped() {
        return rowsDropped;
    }

    /** In how many examples each declared column is missing; unmodifiable, in the order of the schema. */
    public Map<String, Long> missing() {
        return missing;
    }

    /** The target of each example as a class index: what partitioners look at. */
    public int[] classes() {
        return examples.classes();
    }

    /**
     * Divides the examples at random, as {@link TrainTestSplit#random}; from two examples on, neither part is empty.
     *
     * @param testShare in (0, 1)
     */
    public Split split(double testShare, long seed) {
        return split(TrainTestSplit.random(all(), testShare, seed));
    }

    /**
     * Divides the examples at random within each class, as {@link TrainTestSplit#stratified}; from two examples on,
     * neither part is empty.
     *
     * @param testShare in (0, 1)
     * @throws IllegalStateException if the label is no class
     */
    public Split stratifiedSplit(double testShare, long seed) {
        if (schema.label() instanceof Label.Value) {
            throw new IllegalStateException("label '" + schema.label().column() + "' is a value, not a class");
        }
        return split(TrainTestSplit.stratified(all(), classes(), testShare, seed));
    }

    private int[] all() {
        return IntStream.range(0, (int) examples.exampleCount()).toArray();
    }

    private Split split(TrainTestSplit split) {
        int[] training = split.training();
        int[] test = split.test();
        if (test.length == 0 && training.length > 1) {
            test = Arrays.copyOfRange(training, training.length - 1, training.length);
            training = Arrays.copyOf(training, training.length - 1);
        } else if (training.length == 0 && test.length > 1) {
            training = Arrays.copyOf(test, 1);
            test = Arrays.copyOfRange(test, 1, test.length);
        }
        return new Split(examples.subset(training), examples.subset(test));
    }

    @Override
    public long exampleCount() {
        return examples.exampleCount();
    }

    @Override
    public Shape featureShape() {
        return examples.featureShape();
    }

    @Override
    public int targetLength() {
        return examples.targetLength();
    }

    @Override
    public BatchReader open(ExampleOrder order) {
        return examples.open(order);
    }

    /** The numbers of examples and features. */
    @Override
    public String toString() {
        return exampleCount() + " examples of " + schema.featureCount() + " features";
    }
}
