package io.fedlearn.examples.heart;

import io.fedlearn.core.random.SeededRandom;
import io.fedlearn.core.tensor.Shape;
import io.fedlearn.core.training.Batch;
import io.fedlearn.core.training.BatchReader;
import io.fedlearn.core.training.ExampleOrder;
import io.fedlearn.core.training.InMemoryExamples;
import io.fedlearn.models.table.Table;
import io.fedlearn.models.table.TableException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

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
     * Reads a hospital's file. One without a row gives a hospital without patients.
     *
     * @param seed where the division into training and test starts
     * @throws TableException if the file cannot be read or is not as declared
     */
    static Hospital read(String name, Path file, long seed) {
        try {
            Table table = HeartTable.SCHEMA.read(file);
            Table.Split split = table.stratifiedSplit(TEST_SHARE, SeededRandom.derive(seed, name));
            long positives = Arrays.stream(table.classes()).sum();
            return new Hospital(name, table.rowsRead(), positives, table.missing(), split.training(), split.test());
        } catch (TableException e) {
            if (e.problem() != TableException.Problem.NO_ROWS) {
                throw e;
            }
            InMemoryExamples nobody = join(List.of());
            return new Hospital(name, 0, 0, Map.of(), nobody, nobody);
        }
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
    static InMemoryExamples join(List<InMemoryExamples> parts) {
        int width = HeartTable.SCHEMA.featureCount();
        int count =
                (int) parts.stream().mapToLong(InMemoryExamples::exampleCount).sum();
        float[] features = new float[count * width];
        float[] targets = new float[count];
        int at = 0;
        for (InMemoryExamples part : parts) {
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
