package io.fedlearn.aggregators;

import io.fedlearn.aggregators.internal.Ranges;
import io.fedlearn.core.client.TaskContext;
import io.fedlearn.core.strategy.Capability;
import io.fedlearn.core.strategy.ServerOptimizer;
import io.fedlearn.core.strategy.Strategy;
import io.fedlearn.core.strategy.Weighting;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.task.Task;
import io.fedlearn.core.training.LocalCorrection;
import io.fedlearn.core.training.LocalTrainer;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * Federated learning with dynamic regularisation: a linear and a proximal term in each client's loss move its minimum, in
 * the end, to that of the mean loss.
 *
 * <p>With global model {@code w}, cohort {@code S} out of {@code N} clients, local loss {@code F_k}, {@code g_k} kept at the
 * client and {@code h} at the server, both 0 at first, a client of round {@code t} minimises, as far as it gets,
 * <pre>
 *   F_k(y) - &lt;g_k, y&gt; + (alpha / 2) ||y - w_t||^2
 * </pre>
 * so each of its steps adds {@code alpha (y - w_t) - g_k} to the gradient; with the {@code w_k} that it comes to it keeps
 * <pre>
 *   g_k     = g_k - alpha (w_k - w_t)
 * </pre>
 * and the server computes
 * <pre>
 *   h       = h - alpha (1 / N) sum_{k in S} (w_k - w_t)
 *   w_{t+1} = (1 / |S|) sum_{k in S} w_k - h / alpha
 * </pre>
 * Where clients do minimise, {@code g_k} is the gradient of {@code F_k} at {@code w_k}, and the only fixed point the
 * minimum of the mean loss.
 *
 * <p><b>Reference.</b> Acar et al., "Federated Learning Based on Dynamic Regularization", ICLR 2021, arXiv:2111.04263,
 * Algorithm 1. <b>Differs</b> from it in asking every client where no selector says otherwise. The authors' program scales
 * {@code alpha} by each client's examples, the paper and this do not.
 *
 * <p><b>Settings</b> (symbol, default, range): clients ({@code N}, none, [1, 2^31)), how many the federation has, which a
 * server that sees those that are there now does not know; a round with more updates is aborted. alpha ({@code alpha}, none,
 * (0, inf)), in units of loss per squared weight: the paper tries 0.001, 0.01 and 0.1. The smaller it is, the further clients
 * go in a round, and the more steps they need to come near their minimum.
 *
 * <p><b>Trust.</b> Clients count alike, as in the paper: example counts do not enter. Under
 * {@code withWeighting(Weighting.byExamples())} both sums are weighted, while {@code g_k} are not, so the fixed point is
 * another. A large update stays in {@code h} for good: this method is not robust.
 *
 * <p><b>Needs</b> clients with ids that last and state that survives a restart ({@link Capability#STABLE_IDENTITY},
 * {@link Capability#CLIENT_STATE}) and {@link Capability#TRAINING_SETTINGS}. A client whose update was rejected or late
 * keeps its old {@code g_k}; one that has lost it declines. {@code mu} stays 0: {@code alpha} is that term. A sum over several
 * clients counts as one of them, so hierarchies are not for this method. What shortens a client's update after local
 * training (clipping, a codec that loses something) changes {@code h} and not {@code g_k}.
 *
 * <p><b>Shapes.</b> Every update has the global model's tensor names and shapes; buffers and counters are averaged. State:
 * {@code h} at the server, {@code g_k} at each client, float32, computed in {@code double}. A round takes 6 times a float32
 * model's bytes at the server, {@code h} before and after it included; a client keeps twice its trainables while it
 * trains. Cost: that of {@link WeightedMean} and O(p) for {@code p} parameters. <b>Threads.</b> The strategy is immutable
 * and thread-safe.
 */
public final class FedDyn {
    /** The published name: {@value}. */
    public static final String NAME = "FedDyn";

    /** A task's setting {@value}: the weight of the regularisation. */
    public static final String ALPHA = "alpha";

    /** The name of {@code g_k} in a client's state: {@value}. */
    public static final String GRADIENT = "feddyn.gradient";

    private static final String CORRECTION = "feddyn";
    private static final String SERVER_STATE = "feddyn.h";

    private FedDyn() {}

    /**
     * FedDyn over all clients.
     *
     * @param clients how many the federation has, at least 1
     * @param alpha weight of the regularisation, {@code > 0}
     */
    public static Strategy of(int clients, double alpha) {
        return Strategy.builder(NAME, WeightedMean::create, serverOptimizer(clients, alpha))
                .setting("clients", clients)
                .setting(ALPHA, alpha)
                .weighting(Weighting.uniform())
                .tellClients(ALPHA, alpha)
                .correction(CORRECTION)
                .requires(Capability.STABLE_IDENTITY)
                .requires(Capability.CLIENT_STATE)
                .build();
    }

    static Supplier<ServerOptimizer> serverOptimizer(int clients, double alpha) {
        Ranges.requireAtLeast("clients", 1, clients);
        Ranges.requirePositive(ALPHA, alpha);
        Step step = new Step(clients, alpha);
        return () -> new VariateOptimizer(step);
    }

    private record Step(int clients, double alpha) implements VariateOptimizer.Rule {
        @Override
        public String variate() {
            return SERVER_STATE;
        }

        @Override
        public boolean isSent() {
            return false;
        }

        @Override
        public Optional<String> changes() {
            return Optional.empty();
        }

        @Override
        public void advance(double[] h, double[] modelDelta, double share, int count) {
            for (int i = 0; i < count; i++) {
                h[i] -= alpha * (share * modelDelta[i]);
            }
        }

        @Override
        public void move(double[] parameters, double[] modelDelta, double[] h, int count) {
            for (int i = 0; i < count; i++) {
                parameters[i] += modelDelta[i] - h[i] / alpha;
            }
        }

        @Override
        public String toString() {
            return "feddyn(clients=" + clients + ", alpha=" + alpha + ")";
        }
    }

    /** Makes the clients' side of FedDyn; found through {@link java.util.ServiceLoader}. */
    public static final class Factory implements LocalCorrection.Factory {
        /** For the service loader. */
        public Factory() {}

        @Override
        public String name() {
            return CORRECTION;
        }

        /**
         * {@inheritDoc}
         *
         * @throws IllegalArgumentException if the task does not say {@value FedDyn#ALPHA}, or it is not {@code > 0}
         */
        @Override
        public LocalCorrection create(Task task, TaskContext context) {
            double alpha = task.config()
                    .getDouble(ALPHA)
                    .orElseThrow(() -> new IllegalArgumentException("setting '" + ALPHA + "' must be given"));
            Ranges.requirePositive(ALPHA, alpha);
            return new Correction(task, context, alpha);
        }
    }

    private static final class Correction implements LocalCorrection {
        private static final float[] NOTHING = {};

        private final Task task;
        private final TaskContext context;
        private final double alpha;
        // Read at the first step, since an evaluation makes corrections too, and takes none.
        private float[] start = NOTHING;
        private float[] own = NOTHING;

        Correction(Task task, TaskContext context, double alpha) {
            this.task = task;
            this.context = context;
            this.alpha = alpha;
        }

        @Override
        public void correct(float[] gradient, float[] trainables) {
            if (start.length == 0) {
                own = SideTensors.kept(task, context, GRADIENT);
                // Not the global model's: tensors that stay at the site are pulled to where they start.
                start = trainables.clone();
            }
            float pull = (float) alpha;
            for (int i = 0; i < gradient.length; i++) {
                gradient[i] += pull * (trainables[i] - start[i]) - own[i];
            }
        }

        @Override
        public ClientUpdate complete(ClientUpdate update, LocalTrainer.Result result) {
            // Against what the server sent, as the server will: tensors that stay at the site have no part in either.
            float[] sent = task.model().trainablesToFloatArray();
            float[] trained = SideTensors.trained(update);
            for (int i = 0; i < trained.length; i++) {
                own[i] = (float) (own[i] - alpha * ((double) trained[i] - sent[i]));
            }
            context.state()
                    .save(
                            GRADIENT,
                            SideTensors.of(SideTensors.specFor(task.model().spec()), own));
            return update;
        }
    }
}
