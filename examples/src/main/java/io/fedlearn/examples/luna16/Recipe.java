package io.fedlearn.examples.luna16;

import io.fedlearn.core.federation.Federation;
import io.fedlearn.core.strategy.Strategy;
import io.fedlearn.luna16.network.HardNegatives;
import io.fedlearn.luna16.patch.Augmentation;
import io.fedlearn.luna16.patch.PatchExamples;
import io.fedlearn.luna16.patch.PatchSet;
import java.util.Optional;

/**
 * How patches become what a hospital trains on.
 *
 * @param negativesPerPositive how many other patches there are to each of a nodule
 * @param negativeShare what share of the other patches each pass shows
 * @param augmentation how patches are varied
 * @param hardNegatives from when on hospitals train above all on what is taken for nodules
 */
record Recipe(
        double negativesPerPositive,
        double negativeShare,
        Augmentation augmentation,
        Optional<HardNegatives> hardNegatives) {
    /** The patches as they are trained on: nodules repeated, others drawn, all varied. */
    PatchExamples examples(PatchSet patches) {
        return PatchExamples.of(patches)
                .withNegativesPerPositive(negativesPerPositive)
                .withNegativeShare(negativeShare)
                .withAugmentation(augmentation);
    }

    /** The strategy, telling hospitals what they need to be told. */
    Strategy appliedTo(Strategy strategy) {
        return hardNegatives.map(hard -> hard.appliedTo(strategy)).orElse(strategy);
    }

    /** Writes it into a run's settings; hard negatives are there among what clients are told. */
    void addTo(Federation.Builder federation) {
        federation
                .setting("negativesPerPositive", negativesPerPositive)
                .setting("negativeShare", negativeShare)
                .setting("augmentation", augmentation.toString());
    }
}
