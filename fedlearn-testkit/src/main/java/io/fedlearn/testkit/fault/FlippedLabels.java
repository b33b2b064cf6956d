package io.fedlearn.testkit.fault;

import io.fedlearn.core.tensor.Shape;
import io.fedlearn.core.training.Batch;
import io.fedlearn.core.training.BatchReader;
import io.fedlearn.core.training.ExampleOrder;
import io.fedlearn.core.training.ExampleSource;

/**
 * Examples whose classes are turned round: {@code y} becomes {@code classes - 1 - y}, as on the site of an attacker who trains as
 * told, on lies. As thread-safe as the source it reads.
 */
public final class FlippedLabels implements ExampleSource {
    private final ExampleSource source;
    private final int classes;

    private FlippedLabels(ExampleSource source, int classes) {
        this.source = source;
        this.classes = classes;
    }

    /**
     * The examples of this source with their classes turned round.
     *
     * @param source whose targets are class indices
     * @param classes how many there are, at least 2
     */
    public static FlippedLabels of(ExampleSource source, int classes) {
        if (classes < 2) {
            throw new IllegalArgumentException("classes must be >= 2, were " + classes);
        }
        return new FlippedLabels(source, classes);
    }

    @Override
    public long exampleCount() {
        return source.exampleCount();
    }

    @Override
    public Shape featureShape() {
        return source.featureShape();
    }

    @Override
    public int targetLength() {
        return source.targetLength();
    }

    @Override
    public BatchReader open(ExampleOrder order) {
        return new Reader(source.open(order), classes);
    }

    private record Reader(BatchReader honest, int classes) implements BatchReader {
        @Override
        public boolean read(Batch batch) {
            boolean any = honest.read(batch);
            if (any) {
                float[] targets = batch.targets();
                for (int i = 0; i < batch.size() * batch.targetLength(); i++) {
                    targets[i] = classes - 1 - targets[i];
                }
            }
            return any;
        }

        @Override
        public void skip(long batches, Batch batch) {
            honest.skip(batches, batch);
        }

        @Override
        public void close() {
            honest.close();
        }
    }
}
