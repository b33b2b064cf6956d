package io.fedlearn.examples.luna16;

import io.fedlearn.luna16.patch.PatchExamples;
import io.fedlearn.luna16.patch.PatchSet;

/**
 * What one hospital trains and tests on.
 *
 * @param name the client's id
 * @param scans how many it has
 * @param training patches of the scans to train on, each once
 * @param test patches of the other scans
 */
record Hospital(String name, int scans, PatchSet training, PatchSet test) {
    /** The patches to train on as they are trained on: nodules repeated, others drawn, all varied. */
    PatchExamples trainingExamples(Recipe recipe) {
        return recipe.examples(training);
    }

    /** The patches to test on, as they are. */
    PatchExamples testExamples() {
        return PatchExamples.of(test);
    }

    /** Whether there is nothing to learn from. */
    boolean isEmpty() {
        return training.size() == 0;
    }
}
