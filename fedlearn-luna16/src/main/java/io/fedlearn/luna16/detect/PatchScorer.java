package io.fedlearn.luna16.detect;

import io.fedlearn.core.training.Batch;

/**
 * What says how probably patches show a nodule: FedLearn's own network, or any other. Confined to one thread at a time; the
 * detector makes one for each thread that is at work.
 */
@FunctionalInterface
public interface PatchScorer {
    /**
     * Scores patches. What it says of one must not depend on the others in the batch.
     *
     * @param batch of features as {@link io.fedlearn.luna16.patch.Patch#copyTo} writes them, depth × height × width; its
     *     targets mean nothing
     * @param probabilities receives {@code batch.size()} numbers in [0, 1]
     */
    void score(Batch batch, float[] probabilities);
}
