package io.fedlearn.examples.conformance;

import java.util.List;

/** All experiments, the quick ones first. */
final class Suite {
    private Suite() {}

    /** In the order in which they run. */
    static List<Experiment> experiments() {
        return List.of(
                new FixedPoints(),
                new BiasCorrections(),
                new KrumDistances(),
                FedProxStragglers.whole(),
                RobustRules.onGeneratedDigits(),
                RobustRules.onMnist(),
                new LabelSkew(),
                RoundsToTarget.iid(),
                RoundsToTarget.shards());
    }
}
