package io.fedlearn.dl4j;

import io.fedlearn.core.tensor.Shape;
import io.fedlearn.core.training.Batch;
import org.nd4j.linalg.api.ndarray.INDArray;

/** The features of a batch as the network reads them. Confined to one thread at a time. */
final class Input {
    private final int length;
    private final Staging staging;

    Input(Shape featureShape) {
        if (featureShape.elementCount() < 1) {
            throw new IllegalArgumentException(
                    "featureShape must have a dimension and no length of 0, was " + featureShape);
        }
        this.length = Math.toIntExact(featureShape.elementCount());
        this.staging = new Staging(featureShape.rank() == 0 ? new long[] {1} : featureShape.lengths());
    }

    int length() {
        return length;
    }

    /** One example of nothing. */
    INDArray zero() {
        staging.require(1);
        staging.memory().put(0, new float[length]);
        return staging.rows(1);
    }

    /** The features of some examples, the first again and again if there are more rows; valid until the next call. */
    INDArray of(Batch batch, int from, int count, int rows) {
        float[] features = batch.features();
        int start = Math.multiplyExact(from, length);
        int size = Math.multiplyExact(count, length);
        requireFinite(features, start, size);
        staging.require(rows);
        staging.memory().put(0, features, start, size);
        for (int row = count; row < rows; row++) {
            staging.memory().put(row * length, features, start, length);
        }
        return staging.rows(rows);
    }

    private void requireFinite(float[] features, int start, int size) {
        for (int i = 0; i < size; i++) {
            if (!Float.isFinite(features[start + i])) {
                throw InvalidExampleException.ofFeature((start + i) / length, i % length);
            }
        }
    }
}
