package io.fedlearn.core.training;

/**
 * Some examples in flat arrays, row after row; reused from one batch to the next. Features that are missing are NaN. Confined
 * to one thread at a time.
 */
public final class Batch {
    private final int capacity;
    private final int featureLength;
    private final int targetLength;
    private final float[] features;
    private final float[] targets;
    private int size;

    private Batch(int capacity, int featureLength, int targetLength) {
        this.capacity = capacity;
        this.featureLength = featureLength;
        this.targetLength = targetLength;
        this.features = new float[Math.multiplyExact(capacity, featureLength)];
        this.targets = new float[Math.multiplyExact(capacity, targetLength)];
    }

    /** A batch with room for so many examples of the source. */
    public static Batch of(int capacity, ExampleSource source) {
        return of(capacity, Math.toIntExact(source.featureShape().elementCount()), source.targetLength());
    }

    /** A batch with room for so many examples of so many features and targets each. */
    public static Batch of(int capacity, int featureLength, int targetLength) {
        if (capacity < 1 || featureLength < 1 || targetLength < 0) {
            throw new IllegalArgumentException("capacity and featureLength must be >= 1 and targetLength >= 0, were "
                    + capacity + ", " + featureLength + ", " + targetLength);
        }
        return new Batch(capacity, featureLength, targetLength);
    }

    /** How many examples it holds now. */
    public int size() {
        return size;
    }

    /** How many examples it has room for. */
    public int capacity() {
        return capacity;
    }

    /** How many features an example has. */
    public int featureLength() {
        return featureLength;
    }

    /** How many targets an example has: 1 for a class index or a value. */
    public int targetLength() {
        return targetLength;
    }

    /** The features: example {@code i} starts at {@code i * featureLength()}. The batch's own array. */
    public float[] features() {
        return features;
    }

    /** The targets: example {@code i} starts at {@code i * targetLength()}. The batch's own array. */
    public float[] targets() {
        return targets;
    }

    /** Says how many examples the source has put in. */
    public void resize(int examples) {
        if (examples < 0 || examples > capacity) {
            throw new IllegalArgumentException("examples must be in [0, " + capacity + "], were " + examples);
        }
        size = examples;
    }
}
