package io.fedlearn.examples.heart;

import io.fedlearn.core.partition.TrainTestSplit;
import io.fedlearn.core.random.SeededRandom;
import io.fedlearn.core.tensor.Shape;
import io.fedlearn.core.training.Batch;
import io.fedlearn.core.training.BatchReader;
import io.fedlearn.core.training.ExampleOrder;
import io.fedlearn.core.training.ExampleSource;
import io.fedlearn.core.training.InMemoryExamples;
import io.fedlearn.models.table.Column;
import io.fedlearn.models.table.TableException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * One hospital's patients, divided into those to train on and those to test on.
 *
 * @param name of the hospital: the client's id
 * @param rows how many patients its file has
 * @param positives how many of them are ill
 * @param missing how many values are missing, by column
 * @param training four fifths of the patients
 * @param test the others
 */
record Hospital(
        String name,
        long rows,
        long positives,
        Map<String, Long> missing,
        InMemoryExamples training,
        InMemoryExamples test) {
    /** What share of a hospital's patients is kept to test on: {@value}. */
    static final double TEST_SHARE = 0.2;

    /**
     * The patients in a hospital's file, which may have none.
     *
     * @throws TableException if the file cannot be read or is not as declared
     */
    static InMemoryExamples patients(Path file) {
        try {
            return HeartTable.SCHEMA.read(file).examples();
        } catch (TableException e) {
            if (e.problem() != TableException.Problem.NO_ROWS) {
                throw e;
            }
            return join(List.of());
        }
    }

    /**
     * A hospital with these patients, from wherever.
     *
     * @param seed where the division into training and test starts
     */
    static Hospital of(String name, InMemoryExamples patients, long seed) {
        if (patients.exampleCount() == 0) {
            return new Hospital(name, 0, 0, Map.of(), patients, patients);
        }
        int[] classes = patients.classes();
        TrainTestSplit split = TrainTestSplit.stratified(
                IntStream.range(0, classes.length).toArray(), classes, TEST_SHARE, SeededRandom.derive(seed, name));
        int[] training = split.training();
        int[] test = split.test();
        if (test.length == 0 && training.length > 1) {
            test = Arrays.copyOfRange(training, training.length - 1, training.length);
            training = Arrays.copyOf(training, training.length - 1);
        } else if (training.length == 0 && test.length > 1) {
            training = Arrays.copyOf(test, 1);
            test = Arrays.copyOfRange(test, 1, test.length);
        }
        return new Hospital(
                name,
                classes.length,
                Arrays.stream(classes).sum(),
                missing(patients),
                patients.subset(training),
                patients.subset(test));
    }

    /** How many values are missing, by column: numbers that are NaN, and categories none of whose features is 1. */
    private static Map<String, Long> missing(InMemoryExamples patients) {
        Map<String, Long> missing = new LinkedHashMap<>();
        Batch batch = Batch.of(256, patients);
        try (BatchReader reader = patients.open(ExampleOrder.sequential())) {
            while (reader.read(batch)) {
                for (int i = 0; i < batch.size(); i++) {
                    int at = i * batch.featureLength();
                    for (Column column : HeartTable.SCHEMA.columns()) {
                        missing.merge(column.name(), isMissing(column, batch.features(), at) ? 1L : 0L, Long::sum);
                        at += column.featureNames().size();
                    }
                }
            }
        }
        return missing;
    }

    private static boolean isMissing(Column column, float[] features, int at) {
        if (column instanceof Column.Category category) {
            return IntStream.range(at, at + category.values().size()).allMatch(place -> features[place] == 0);
        }
        return Float.isNaN(features[at]);
    }

    /** Whether there is nobody to learn from. */
    boolean isEmpty() {
        return training.exampleCount() == 0;
    }

    /** Whether all patients have the same label, so that nothing can be ranked. */
    boolean hasOneClass() {
        return rows > 0 && (positives == 0 || positives == rows);
    }

    /** How many values are missing in all. */
    long missingCount() {
        return missing.values().stream().mapToLong(Long::longValue).sum();
    }

    /** The examples of several hospitals in one place: what federated training does without. */
    static InMemoryExamples join(List<? extends ExampleSource> parts) {
        int width = HeartTable.SCHEMA.featureCount();
        int count = (int) parts.stream().mapToLong(ExampleSource::exampleCount).sum();
        float[] features = new float[count * width];
        float[] targets = new float[count];
        int at = 0;
        for (ExampleSource part : parts) {
            Batch batch = Batch.of(256, part);
            try (BatchReader reader = part.open(ExampleOrder.sequential())) {
                while (reader.read(batch)) {
                    System.arraycopy(batch.features(), 0, features, at * width, batch.size() * width);
                    System.arraycopy(batch.targets(), 0, targets, at, batch.size());
                    at += batch.size();
                }
            }
        }
        return InMemoryExamples.wrap(Shape.of(width), features, targets);
    }
}
