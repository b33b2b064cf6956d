package io.fedlearn.examples.conformance;

import io.fedlearn.core.training.Batch;
import io.fedlearn.core.training.BatchReader;
import io.fedlearn.core.training.ExampleOrder;
import io.fedlearn.core.training.ExampleSource;
import io.fedlearn.core.training.LocalModel;

/** How often a classifier is right, even one that an attack has driven so far that its loss is no number any more. */
final class Accuracy {
    private static final int BATCH = 256;

    private Accuracy() {}

    /** The share of the examples whose most probable class is the true one. */
    static double of(LocalModel model, ExampleSource source) {
        Batch batch = Batch.of(BATCH, source);
        int classes = model.outputLength();
        float[] outputs = new float[BATCH * classes];
        long right = 0;
        try (BatchReader reader = source.open(ExampleOrder.sequential())) {
            while (reader.read(batch)) {
                model.evaluate(batch, outputs);
                for (int i = 0; i < batch.size(); i++) {
                    int best = 0;
                    for (int c = 1; c < classes; c++) {
                        if (outputs[i * classes + c] > outputs[i * classes + best]) {
                            best = c;
                        }
                    }
                    if (best == (int) batch.targets()[i]) {
                        right++;
                    }
                }
            }
        }
        return (double) right / source.exampleCount();
    }
}
