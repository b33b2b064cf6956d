package io.fedlearn.aggregators.personal;

import io.fedlearn.aggregators.FedAvg;
import io.fedlearn.aggregators.WeightedMean;
import io.fedlearn.core.strategy.Capability;
import io.fedlearn.core.strategy.ServerOptimizer;
import io.fedlearn.core.strategy.Strategy;

/**
 * Federated averaging of a model's base layers, on which every site has a head of its own: for sites that want different answers
 * from the same features.
 *
 * <p>With base layers {@code w_t}, the head {@code h_k} of site {@code k}, cohort {@code S} and example counts {@code n_k}, round
 * {@code t} computes
 * <pre>
 *   (w_k, h_k) = local training of site k from (w_t, h_k), both parts at once
 *   w_{t+1}    = sum_{k in S} (n_k / n) w_k,   n = sum_{k in S} n_k
 * </pre>
 * and each site evaluates {@code (w_t, h_k)}.
 *
 * <p><b>Reference.</b> Arivazhagan et al., "Federated Learning with Personalization Layers", 2019, arXiv:1912.00818, Algorithms 1
 * and 2. <b>Differs</b> from it in what {@code h_k} is at first: the head of the model that the run starts with, the same at
 * every site, where the paper has each site draw its own; and in that {@code n} counts the examples of those clients whose updates
 * arrived, where the paper has all take part.
 *
 * <p><b>Settings.</b> The head's tensors, by patterns over their names; there is no default. {@code *} stands for any number of
 * characters: {@code head/*}, {@code layer4.*}.
 *
 * <p><b>Limits.</b> A site with few examples learns its head from these alone. There is no one model to hand on: a site that was not
 * in the run has a head that nobody trained, and should fine-tune. Base and head are trained at once, with one learning rate.
 * Example counts are believed as by {@link FedAvg}.
 *
 * <p><b>Needs</b> clients that honour corrections ({@link Capability#TRAINING_SETTINGS}) and transforms, keep state and have stable ids;
 * and a model that has such tensors and others to learn: another is refused before the first round.
 *
 * <p><b>Shapes.</b> Updates are without the head, {@link LocalTensors#leftOut}: it costs no bytes on the way to the server. The
 * other way the whole model travels. State: at each site its head, two versions of it. Cost per round: that of {@link WeightedMean}.
 * <b>Threads.</b> The strategy is immutable and thread-safe.
 */
public final class FedPer {
    /** The published name: {@value}. */
    public static final String NAME = "FedPer";

    private FedPer() {}

    /** FedPer over all clients, weighted by their examples, whose head are the tensors with names that match these patterns. */
    public static Strategy withHead(String... patterns) {
        return LocalTensors.matching(patterns)
                .leftOut()
                .appliedTo(Strategy.builder(NAME, WeightedMean::create, ServerOptimizer::identity)
                        .build());
    }
}
