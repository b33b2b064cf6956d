package io.fedlearn.examples.conformance;

import io.fedlearn.aggregators.FedAvg;
import io.fedlearn.aggregators.robust.Bulyan;
import io.fedlearn.aggregators.robust.CoordinateMedian;
import io.fedlearn.aggregators.robust.FLTrust;
import io.fedlearn.aggregators.robust.GeometricMedian;
import io.fedlearn.aggregators.robust.Krum;
import io.fedlearn.aggregators.robust.MultiKrum;
import io.fedlearn.aggregators.robust.TrimmedMean;
import io.fedlearn.aggregators.transform.NormClipping;
import io.fedlearn.core.strategy.Strategy;
import io.fedlearn.core.strategy.Weighting;
import java.util.List;

/**
 * A rule that is attacked.
 *
 * @param name in tables
 * @param strategy over all clients
 * @param isRobust whether it claims to bear attackers of all kinds
 */
record Defence(String name, Strategy strategy, boolean isRobust) {
    /** The plain mean. */
    static final String MEAN = "FedAvg";

    /** The mean in which no client has more examples than sites have on average. */
    static final String CAPPED = "FedAvg, counts capped";

    /** The mean in which example counts do not enter. */
    static final String IGNORED = "FedAvg, counts ignored";

    /** The median of each coordinate. */
    static final String MEDIAN = "median";

    /** The trimmed mean. */
    static final String TRIMMED = "trimmed mean";

    /** Multi-Krum in which example counts do not enter. */
    static final String MULTI_KRUM = "MultiKrum";

    /** The geometric median, weighted by example counts as published. */
    static final String RFA = "RFA";

    /** The geometric median in which example counts do not enter. */
    static final String RFA_IGNORED = "RFA, counts ignored";

    /** About as long as honest updates are, of the networks and images here. */
    private static final double CLIPPING_NORM = 1;

    /** All rules, each told how many attackers there are where it asks. */
    static List<Defence> all(Arena arena) {
        return List.of(
                new Defence(MEAN, FedAvg.create(), false),
                new Defence(
                        CAPPED, FedAvg.create().withWeighting(Weighting.byExamplesUpTo(arena.meanExamples())), false),
                new Defence(IGNORED, FedAvg.create().withWeighting(Weighting.uniform()), false),
                new Defence(
                        "FedAvg, norm clipped",
                        FedAvg.create().toBuilder()
                                .weighting(Weighting.uniform())
                                .serverTransform(() -> NormClipping.withClippingNorm(CLIPPING_NORM))
                                .build(),
                        false),
                new Defence(MEDIAN, CoordinateMedian.bearing(arena.attackers()), true),
                new Defence(TRIMMED, TrimmedMean.bearing(arena.attackers()), true),
                new Defence("Krum", Krum.bearing(arena.attackers()), true),
                new Defence(
                        "MultiKrum, by examples",
                        MultiKrum.bearing(arena.attackers()).withWeighting(Weighting.byExamples()),
                        false),
                new Defence(MULTI_KRUM, MultiKrum.bearing(arena.attackers()), true),
                new Defence("Bulyan", Bulyan.bearing(arena.attackers()), true),
                new Defence(RFA, GeometricMedian.create(), false),
                new Defence(RFA_IGNORED, GeometricMedian.create().withWeighting(Weighting.uniform()), true),
                new Defence("FLTrust", FLTrust.of(arena.root()), true));
    }
}
