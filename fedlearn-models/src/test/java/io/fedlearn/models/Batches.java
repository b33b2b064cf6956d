package io.fedlearn.models;

import io.fedlearn.core.random.SeededRandom;
import io.fedlearn.core.training.Batch;
import io.fedlearn.core.training.Objective;

/** Batches for the tests of this package. */
final class Batches {
    private Batches() {}

    static Batch of(int features, int targets, float[] values, float... expected) {
        int size = expected.length / targets;
        Batch batch = Batch.of(size, features, targets);
        System.arraycopy(values, 0, batch.features(), 0, values.length);
        System.arraycopy(expected, 0, batch.targets(), 0, expected.length);
        batch.resize(size);
        return batch;
    }

    static Batch random(DenseModel model, int size, long seed) {
        SeededRandom random = SeededRandom.of(seed);
        int features = model.architecture().featureCount();
        Batch batch = Batch.of(size, features, model.architecture().targetLength());
        for (int i = 0; i < batch.features().length; i++) {
            batch.features()[i] = (float) random.nextGaussian();
        }
        for (int i = 0; i < batch.targets().length; i++) {
            batch.targets()[i] = model.objective() == Objective.REGRESSION
                    ? (float) random.nextGaussian()
                    : random.nextInt(Math.max(2, model.outputLength()));
        }
        batch.resize(size);
        return batch;
    }
}
