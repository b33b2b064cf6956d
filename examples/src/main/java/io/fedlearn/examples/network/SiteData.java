package io.fedlearn.examples.network;

import io.fedlearn.core.training.Batch;
import io.fedlearn.core.training.BatchReader;
import io.fedlearn.core.training.ExampleOrder;
import io.fedlearn.core.training.ExampleSource;
import io.fedlearn.core.training.InMemoryExamples;
import java.util.Arrays;
import java.util.List;

/**
 * What one site trains and tests on, ready to train on.
 *
 * @param rows that its file has
 * @param dropped how many of them are left out
 * @param features the names of the features, in the order in which all sites have them
 * @param scale that was applied to them
 * @param training examples
 * @param test examples, perhaps none
 */
record SiteData(
        long rows,
        long dropped,
        List<String> features,
        FeatureScale scale,
        InMemoryExamples training,
        InMemoryExamples test) {
    /** All features of a source in one array, one example after the other. */
    static float[] features(ExampleSource source) {
        return whole(source).features();
    }

    /** These examples, scaled. */
    static InMemoryExamples scaled(InMemoryExamples examples, List<String> names, FeatureScale scale) {
        if (examples.exampleCount() == 0) {
            return examples;
        }
        Batch batch = whole(examples);
        float[] features = Arrays.copyOf(batch.features(), batch.size() * batch.featureLength());
        scale.apply(names, features);
        return InMemoryExamples.wrap(
                examples.featureShape(), features, Arrays.copyOf(batch.targets(), batch.size() * batch.targetLength()));
    }

    private static Batch whole(ExampleSource source) {
        Batch batch = Batch.of(Math.toIntExact(Math.max(1, source.exampleCount())), source);
        try (BatchReader reader = source.open(ExampleOrder.sequential())) {
            reader.read(batch);
        }
        return batch;
    }
}
