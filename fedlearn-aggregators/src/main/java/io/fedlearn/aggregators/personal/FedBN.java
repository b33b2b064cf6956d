package io.fedlearn.aggregators.personal;

import io.fedlearn.aggregators.FedAvg;
import io.fedlearn.aggregators.WeightedMean;
import io.fedlearn.core.strategy.Capability;
import io.fedlearn.core.strategy.ServerOptimizer;
import io.fedlearn.core.strategy.Strategy;

/**
 * Federated averaging in which every site keeps its batch-norm layers, for sites whose features differ in scale and offset: other
 * scanners, other laboratories, other units.
 *
 * <p>With global model {@code w_t}, batch-norm parameters and statistics {@code b_k} of site {@code k}, cohort {@code S} and example
 * counts {@code n_k}, round {@code t} computes
 * <pre>
 *   (w_k, b_k) = local training of site k from (w_t, b_k)
 *   w_{t+1}    = sum_{k in S} (n_k / n) w_k,   n = sum_{k in S} n_k
 * </pre>
 * and each site evaluates {@code (w_t, b_k)}. A site that has not trained yet has the batch-norm layers of the model that the run
 * started with.
 *
 * <p><b>Reference.</b> Li et al., "FedBN: Federated Learning on Non-IID Features via Local Batch Normalization", ICLR 2021,
 * arXiv:2102.07623, Algorithm 1. <b>Differs</b> from it in weighting by {@code n_k}, where the paper's algorithm averages
 * uniformly ({@link io.fedlearn.core.strategy.Weighting#uniform}), and in asking every client where no selector says otherwise.
 *
 * <p><b>Settings.</b> Which tensors are local: by default all of every layer that has a buffer, {@link
 * LocalTensors#layersWithBuffers}, which is what a batch-norm layer is, scale and offset included. {@link #keeping} takes another
 * choice, such as {@link LocalTensors#buffers}, with which scale and offset are shared and the statistics alone are not (SiloBN).
 *
 * <p><b>Limits.</b> There is no one model to hand on: a site that was not in the run starts from batch-norm layers that nobody
 * trained. Evaluation at the coordinator, on examples of its own, sees these too, and says little. It helps where features
 * differ; where labels differ, look at {@link FedPer} or at fine-tuning. Example counts are believed as by {@link FedAvg}.
 *
 * <p><b>Needs</b> clients that honour corrections ({@link Capability#TRAINING_SETTINGS}), keep state and have stable ids; and a model
 * with such a layer: another is refused before the first round.
 *
 * <p><b>Shapes.</b> Every update has the global model's tensor names and shapes, in the places of local tensors the global model's
 * values. State: at each site its local tensors, two versions of them. Cost per round: that of {@link WeightedMean}.
 * <b>Threads.</b> The strategy is immutable and thread-safe.
 */
public final class FedBN {
    /** The published name: {@value}. */
    public static final String NAME = "FedBN";

    private FedBN() {}

    /** FedBN over all clients, weighted by their examples, that keeps all tensors of layers with a buffer at the site. */
    public static Strategy create() {
        return keeping(LocalTensors.layersWithBuffers());
    }

    /** FedBN that keeps these tensors at the site, such as {@code LocalTensors.matching("*norm*")}. */
    public static Strategy keeping(LocalTensors local) {
        return local.appliedTo(Strategy.builder(NAME, WeightedMean::create, ServerOptimizer::identity)
                .build());
    }
}
