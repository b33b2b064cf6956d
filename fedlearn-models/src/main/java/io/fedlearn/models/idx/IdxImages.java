package io.fedlearn.models.idx;

import io.fedlearn.core.tensor.Shape;
import io.fedlearn.core.training.Batch;
import io.fedlearn.core.training.BatchReader;
import io.fedlearn.core.training.ExampleOrder;
import io.fedlearn.core.training.ExampleSource;
import io.fedlearn.core.training.IndexedReader;
import java.nio.file.Path;
import java.util.stream.IntStream;

/**
 * Grey images with class labels, such as MNIST: features are pixels from 0 to 1 (the byte divided by 255), the target
 * is the label. On the heap with one byte a pixel, turned into numbers as batches are filled. Immutable and
 * thread-safe.
 */
public final class IdxImages implements ExampleSource {
    private static final float[] GREY = new float[256];

    static {
        for (int i = 0; i < GREY.length; i++) {
            GREY[i] = i / 255f;
        }
    }

    private final int height;
    private final int width;
    private final byte[] pixels;
    private final byte[] labels;
    private final int[] indices;

    private IdxImages(int height, int width, byte[] pixels, byte[] labels, int[] indices) {
        this.height = height;
        this.width = width;
        this.pixels = pixels;
        this.labels = labels;
        this.indices = indices;
    }

    /**
     * Reads images and their labels; a name that ends in {@code .gz} is decompressed.
     *
     * @param images such as {@code train-images-idx3-ubyte.gz}: unsigned bytes in three dimensions
     * @param labels such as {@code train-labels-idx1-ubyte.gz}: as many unsigned bytes
     * @throws IdxException if a file cannot be read, is no such file, is cut off or too long, or the numbers of images
     *     and labels differ
     */
    public static IdxImages read(Path images, Path labels) {
        IdxFile pixels = IdxFile.read(images, 3);
        IdxFile classes = IdxFile.read(labels, 1);
        int count = pixels.length(0);
        if (classes.length(0) != count) {
            throw new IdxException(
                    labels, "there are " + classes.length(0) + " labels for the " + count + " images of " + images);
        }
        if (pixels.length(1) == 0 || pixels.length(2) == 0) {
            throw new IdxException(images, "the images have no pixels");
        }
        return new IdxImages(
                pixels.length(1),
                pixels.length(2),
                pixels.values(),
                classes.values(),
                IntStream.range(0, count).toArray());
    }

    /** The examples at these places, in this order, over the same bytes. */
    public IdxImages subset(int... places) {
        int[] chosen = new int[places.length];
        for (int i = 0; i < places.length; i++) {
            chosen[i] = indices[places[i]];
        }
        return new IdxImages(height, width, pixels, labels, chosen);
    }

    /** The label of each example, in order: what partitioners look at. */
    public int[] classes() {
        int[] classes = new int[indices.length];
        for (int i = 0; i < classes.length; i++) {
            classes[i] = labels[indices[i]] & 0xff;
        }
        return classes;
    }

    @Override
    public long exampleCount() {
        return indices.length;
    }

    /** Height × width. */
    @Override
    public Shape featureShape() {
        return Shape.of(height, width);
    }

    @Override
    public int targetLength() {
        return 1;
    }

    @Override
    public BatchReader open(ExampleOrder order) {
        return IndexedReader.open(order, indices, this::copy);
    }

    private void copy(int example, Batch batch, int place) {
        int length = height * width;
        float[] features = batch.features();
        int from = example * length;
        int at = place * length;
        for (int i = 0; i < length; i++) {
            features[at + i] = GREY[pixels[from + i] & 0xff];
        }
        batch.targets()[place] = labels[example] & 0xff;
    }

    /** The numbers of examples and pixels. */
    @Override
    public String toString() {
        return indices.length + " images of " + height + "x" + width;
    }
}
