package io.fedlearn.core.training;

import io.fedlearn.core.tensor.Shape;

/**
 * Examples at one site, read in mini-batches: an array, a CSV file, a database table, a cache of CT patches.
 *
 * <p>Rules for implementers, tested by {@code ExampleSourceContract}: (1) the same order gives the same examples in the same
 * batches; (2) a shuffled order gives each example exactly once; (3) memory stays bounded however many examples there are;
 * (4) {@link BatchReader#skip} leads where reading would have led, so that reading can be taken up again; (5) several readers
 * may be open at a time, from several threads.
 */
public interface ExampleSource {
    /** The number of examples; 0 if the site has none. */
    long exampleCount();

    /** The shape of one example's features. */
    Shape featureShape();

    /** The number of targets of one example: 1 for a class index or a single value. */
    int targetLength();

    /**
     * Starts to read.
     *
     * @param order in which examples come
     */
    BatchReader open(ExampleOrder order);
}
