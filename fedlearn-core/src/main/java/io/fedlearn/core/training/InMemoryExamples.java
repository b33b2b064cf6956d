package io.fedlearn.core.training;

import io.fedlearn.core.tensor.Shape;
import java.util.stream.IntStream;

/** Examples in arrays on the heap, or a part of them chosen by index. Immutable and thread-safe. */
public final class InMemoryExamples implements ExampleSource {
    private final Shape featureShape;
    private final int featureLength;
    private final int targetLength;
    private final float[] features;
    private final float[] targets;
    private final int[] indices;

    private InMemoryExamples(Shape featureShape, int targetLength, float[] features, float[] targets, int[] indices) {
        this.featureShape = featureShape;
        this.featureLength = Math.toIntExact(featureShape.elementCount());
        this.targetLength = targetLength;
        this.features = features;
        this.targets = targets;
        this.indices = indices;
    }

    /**
     * Takes over arrays of features and targets, row after row. The caller must not touch them again.
     *
     * @param featureShape the shape of one example's features
     * @param features as many rows as examples
     * @param targets as many values as examples, or a whole multiple of them
     */
    public static InMemoryExamples wrap(Shape featureShape, float[] features, float[] targets) {
        int length = Math.toIntExact(featureShape.elementCount());
        if (length < 1 || features.length % length != 0) {
            throw new IllegalArgumentException(
                    "features must be rows of " + length + " values, were " + features.length + " values");
        }
        int count = features.length / length;
        if (count == 0 ? targets.length != 0 : targets.length == 0 || targets.length % count != 0) {
            throw new IllegalArgumentException("targets must have an equal number of values for each of " + count
                    + " examples, had " + targets.length);
        }
        return new InMemoryExamples(
                featureShape,
                count == 0 ? 1 : targets.length / count,
                features,
                targets,
                IntStream.range(0, count).toArray());
    }

    /** The examples at these places, in this order, over the same arrays. */
    public InMemoryExamples subset(int... places) {
        int[] chosen = new int[places.length];
        for (int i = 0; i < places.length; i++) {
            chosen[i] = indices[places[i]];
        }
        return new InMemoryExamples(featureShape, targetLength, features, targets, chosen);
    }

    /** The target of each example, in order, as a class index: what partitioners look at. */
    public int[] classes() {
        int[] classes = new int[indices.length];
        for (int i = 0; i < classes.length; i++) {
            classes[i] = (int) targets[indices[i] * targetLength];
        }
        return classes;
    }

    @Override
    public long exampleCount() {
        return indices.length;
    }

    @Override
    public Shape featureShape() {
        return featureShape;
    }

    @Override
    public int targetLength() {
        return targetLength;
    }

    @Override
    public BatchReader open(ExampleOrder order) {
        return IndexedReader.open(order, indices, this::copy);
    }

    private void copy(int example, Batch batch, int place) {
        System.arraycopy(features, example * featureLength, batch.features(), place * featureLength, featureLength);
        System.arraycopy(targets, example * targetLength, batch.targets(), place * targetLength, targetLength);
    }
}
