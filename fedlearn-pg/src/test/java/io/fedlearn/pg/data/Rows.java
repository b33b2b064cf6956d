package io.fedlearn.pg.data;

import io.fedlearn.core.training.Batch;
import io.fedlearn.core.training.BatchReader;
import io.fedlearn.core.training.ExampleOrder;
import io.fedlearn.core.training.ExampleSource;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Reads examples as lists, for tests to compare. */
final class Rows {
    private Rows() {}

    /** The features of each example, in order. */
    static List<List<Float>> features(ExampleSource source) {
        return read(source, true);
    }

    /** The targets of each example, in order. */
    static List<List<Float>> targets(ExampleSource source) {
        return read(source, false);
    }

    private static List<List<Float>> read(ExampleSource source, boolean isFeatures) {
        List<List<Float>> rows = new ArrayList<>();
        Batch batch = Batch.of(8, source);
        try (BatchReader reader = source.open(ExampleOrder.sequential())) {
            while (reader.read(batch)) {
                int length = isFeatures ? batch.featureLength() : batch.targetLength();
                float[] values = isFeatures ? batch.features() : batch.targets();
                for (int i = 0; i < batch.size(); i++) {
                    List<Float> row = new ArrayList<>();
                    for (float value : Arrays.copyOfRange(values, i * length, (i + 1) * length)) {
                        row.add(value);
                    }
                    rows.add(row);
                }
            }
        }
        return rows;
    }
}
