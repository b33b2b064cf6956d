package io.fedlearn.aggregators.selection;

import io.fedlearn.core.strategy.ClientInfo;
import io.fedlearn.core.strategy.ClientSelector;
import java.util.ArrayList;
import java.util.List;

/**
 * Poisson sampling: each client takes part with the same probability {@code q}, independently of all others.
 *
 * <p>The cohort's size varies around {@code q N} of {@code N} clients, and may be too small for the round's quorum: that
 * round is aborted then, so a run with a small {@code q N} tolerates aborted rounds. The accountants of
 * differential privacy assume this sampling, but a secret one: this one follows from the run's seed, and cannot be claimed.
 *
 * <p><b>Reference.</b> McMahan et al., "Learning Differentially Private Recurrent Language Models", ICLR 2018,
 * arXiv:1710.06963, Algorithm 1. <b>Setting</b>: rate ({@code q}, none, (0, 1]). <b>Threads.</b> Immutable.
 */
public final class PoissonSampling implements ClientSelector {
    private final double rate;

    private PoissonSampling(double rate) {
        if (!(rate > 0 && rate <= 1)) {
            throw new IllegalArgumentException("rate must be in (0, 1], was " + rate);
        }
        this.rate = rate;
    }

    /**
     * A selector that asks each client with this probability.
     *
     * @param rate in (0, 1]
     */
    public static PoissonSampling withRate(double rate) {
        return new PoissonSampling(rate);
    }

    @Override
    public List<String> select(Context context) {
        List<String> cohort = new ArrayList<>();
        for (ClientInfo client : context.clients()) {
            if (context.random().nextDouble() < rate) {
                cohort.add(client.id());
            }
        }
        return cohort;
    }

    @Override
    public String description() {
        return "poisson(rate=" + rate + ")";
    }
}
