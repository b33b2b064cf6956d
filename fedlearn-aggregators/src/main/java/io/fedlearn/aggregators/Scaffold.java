package io.fedlearn.aggregators;

import io.fedlearn.aggregators.internal.Ranges;
import io.fedlearn.core.client.TaskContext;
import io.fedlearn.core.client.TaskDeclinedException;
import io.fedlearn.core.strategy.Aggregate;
import io.fedlearn.core.strategy.Aggregator;
import io.fedlearn.core.strategy.Capability;
import io.fedlearn.core.strategy.ServerOptimizer;
import io.fedlearn.core.strategy.Strategy;
import io.fedlearn.core.strategy.WeightedUpdate;
import io.fedlearn.core.strategy.Weighting;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.task.Config;
import io.fedlearn.core.task.Task;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.ModelSpec;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.tensor.TensorRole;
import io.fedlearn.core.tensor.TensorSpec;
import io.fedlearn.core.tensor.TensorType;
import io.fedlearn.core.training.LocalCorrection;
import io.fedlearn.core.training.LocalTrainer;
import io.fedlearn.core.training.TrainingSettings;
import io.fedlearn.core.update.InvalidUpdateException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * Federated averaging with control variates: each local step is corrected by how the client's gradient differs from
 * everybody's, so clients with other data no longer drift apart.
 *
 * <p>With global model {@code w}, cohort {@code S} out of {@code N} clients, client learning rate {@code eta}, client
 * control variates {@code c_k} and the server's {@code c}, a client of round {@code t} starts from {@code y = w_t} and
 * takes {@code K} steps
 * <pre>
 *   y = y - eta (g_k(y) - c_k + c)
 * </pre>
 * then computes (the paper's option II) and sends, beside its model {@code w_k = y}, the change of its variate
 * <pre>
 *   c_k+    = c_k - c + (w_t - y) / (K eta)
 * </pre>
 * and the server
 * <pre>
 *   w_{t+1} = w_t + eta_g (1 / |S|) sum_{k in S} (w_k - w_t)
 *   c       = c + (1 / N) sum_{k in S} (c_k+ - c_k)
 * </pre>
 * All variates start at 0. Where FedAvg's fixed point is not the minimum of the mean loss because clients differ, this
 * one's is, also when few of them take part in a round.
 *
 * <p>With momentum or a proximal term {@code K} becomes {@code ||a||_1}, how often the gradients of the local steps are
 * in the model delta, as in {@link FedNova}: {@code c_k+} is a mean of gradients along the way then as well, and a client
 * whose steps amount to less than 1 declines. Weight decay is part of the gradient. Another optimizer than SGD
 * (Adam, Adagrad) has no such number, and is not for this method.
 *
 * <p><b>Reference.</b> Karimireddy et al., "SCAFFOLD: Stochastic Controlled Averaging for Federated Learning", ICML 2020,
 * arXiv:1910.06378, Algorithm 1, option II. <b>Differs</b> from it in asking every client where no selector says
 * otherwise, and in what momentum and {@code mu} make of {@code K}.
 *
 * <p><b>Settings</b> (symbol, default, range): clients ({@code N}, none, [1, 2^31)), how many the federation has: the
 * server's variate is the mean over all of them, and a server sees only those that are there now. A round with more
 * updates is aborted. If it is set too large, {@code c} lags; too small, and it overshoots. serverLearningRate
 * ({@code eta_g}, {@value #DEFAULT_SERVER_LEARNING_RATE}, (0, inf)).
 *
 * <p><b>Trust.</b> Clients count alike, as in the paper: example counts do not enter. Under
 * {@code withWeighting(Weighting.byExamples())} the models' mean is weighted and the variates' is not. A change of the
 * variate is the client's word, and works in every later round; this method is not robust.
 *
 * <p><b>Needs</b> tensors beside the model both ways, clients with ids that last and state that survives a restart
 * ({@link Capability#SIDE_TENSORS}, {@link Capability#STABLE_IDENTITY}, {@link Capability#CLIENT_STATE}) and
 * {@link Capability#TRAINING_SETTINGS}. A client whose update was rejected or late keeps its old variate; one that has
 * lost it declines.
 *
 * <p><b>Shapes.</b> Every update has the global model's tensor names and shapes, and the group {@value #CHANGE} the
 * trainables' in float32; buffers and counters are averaged. State: {@code c} at the server, {@code c_k} at each client,
 * float32, computed in {@code double}. Tasks and updates are twice as long as FedAvg's. A round takes 8 times a float32
 * model's bytes at the server, {@code c} before and after it included; a client keeps twice its trainables while it
 * trains. <b>Threads.</b> The strategy is immutable and thread-safe.
 */
public final class Scaffold {
    /** The published name: {@value}. */
    public static final String NAME = "SCAFFOLD";

    /** Default server learning rate: {@value}. */
    public static final double DEFAULT_SERVER_LEARNING_RATE = 1.0;

    /** The group of tensors in which an update carries the change of the client's variate: {@value}. */
    public static final String CHANGE = "scaffold.change";

    /** The group of tensors in which a task carries the server's variate, and the name of a client's in its state: {@value}. */
    public static final String VARIATE = "scaffold.variate";

    private static final String CORRECTION = "scaffold";

    private Scaffold() {}

    /**
     * SCAFFOLD with its defaults, over all clients.
     *
     * @param clients how many the federation has, at least 1
     */
    public static Strategy withClients(int clients) {
        return builder(clients).build();
    }

    /**
     * A builder with the defaults.
     *
     * @param clients how many the federation has, at least 1
     */
    public static Builder builder(int clients) {
        return new Builder(clients);
    }

    /** Collects the settings of SCAFFOLD. Not thread-safe. */
    public static final class Builder {
        private final int clients;
        private double serverLearningRate = DEFAULT_SERVER_LEARNING_RATE;

        private Builder(int clients) {
            this.clients = clients;
        }

        /** Factor of the server's step, {@code > 0}. */
        public Builder serverLearningRate(double rate) {
            this.serverLearningRate = rate;
            return this;
        }

        /**
         * The strategy.
         *
         * @throws IllegalArgumentException naming the setting that is out of range
         */
        public Strategy build() {
            return Strategy.builder(NAME, Rule::new, serverOptimizer())
                    .setting("clients", clients)
                    .setting("serverLearningRate", serverLearningRate)
                    .weighting(Weighting.uniform())
                    .correction(CORRECTION)
                    .requires(Capability.NAMED_TENSORS)
                    .requires(Capability.SIDE_TENSORS)
                    .requires(Capability.STABLE_IDENTITY)
                    .requires(Capability.CLIENT_STATE)
                    .build();
        }

        Supplier<ServerOptimizer> serverOptimizer() {
            Ranges.requireAtLeast("clients", 1, clients);
            Ranges.requirePositive("serverLearningRate", serverLearningRate);
            Step step = new Step(clients, serverLearningRate);
            return () -> new VariateOptimizer(step);
        }
    }

    /** The mean of the models by their weights, and that of the variates' changes, in which each client counts alike. */
    static final class Rule implements Aggregator.Streaming {
        private final WeightedMean models = WeightedMean.create();
        private final WeightedMean changes = WeightedMean.create();
        private ModelSpec spec = ModelSpec.of(List.of());

        @Override
        public String description() {
            return "scaffold";
        }

        /**
         * {@inheritDoc}
         *
         * @throws IllegalArgumentException if the learning rate times {@code mu} is 1 or more
         */
        @Override
        public void configure(Config clientConfig) {
            Normaliser.requireSupported(TrainingSettings.of(clientConfig));
        }

        /**
         * {@inheritDoc}
         *
         * @throws InvalidUpdateException if the change of the variate is missing, malformed (naming the tensor) or longer than the server's
         *     state could hold
         */
        @Override
        public void check(ClientUpdate update, ModelSpec global) {
            Reports.requireSingleClient(update, NAME);
            StepLimit.require("tensor group '" + CHANGE + "'", SideTensors.reported(update, CHANGE, global, NAME));
        }

        @Override
        public void begin(Model global) {
            spec = global.spec();
            models.begin(global);
            changes.begin(Model.zeros(SideTensors.specFor(spec)));
        }

        /**
         * {@inheritDoc}
         *
         * @throws InvalidUpdateException as {@link #check} and {@link WeightedMean#accumulate}
         */
        @Override
        public void accumulate(List<WeightedUpdate> updates) {
            List<WeightedUpdate> changed = new ArrayList<>(updates.size());
            for (WeightedUpdate weighted : updates) {
                Reports.requireSingleClient(weighted.update(), NAME);
                Model change = SideTensors.reported(weighted.update(), CHANGE, spec, NAME);
                changed.add(new WeightedUpdate(weighted.clientId(), ClientUpdate.ofModel(change, 1), 1));
            }
            models.accumulate(updates);
            changes.accumulate(changed);
        }

        @Override
        public Aggregate finish() {
            Aggregate mean = models.finish();
            Aggregate change = changes.finish();
            List<TensorSpec> specs = new ArrayList<>();
            List<Tensor> tensors = new ArrayList<>();
            for (int t = 0; t < change.spec().size(); t++) {
                TensorSpec tensor = change.spec().tensors().get(t);
                specs.add(new TensorSpec(tensor.name(), TensorType.FLOAT64, tensor.shape(), TensorRole.TRAINABLE));
                // Not copied: valid as long as the aggregate is.
                tensors.add(Tensor.wrap(change.values(t)).reshape(tensor.shape()));
            }
            return mean.withTensors(CHANGE, Model.of(ModelSpec.of(specs), tensors));
        }
    }

    private record Step(int clients, double serverLearningRate) implements VariateOptimizer.Rule {
        @Override
        public String variate() {
            return VARIATE;
        }

        @Override
        public boolean isSent() {
            return true;
        }

        @Override
        public Optional<String> changes() {
            return Optional.of(CHANGE);
        }

        @Override
        public void advance(double[] variate, double[] change, double share, int count) {
            for (int i = 0; i < count; i++) {
                variate[i] += share * change[i];
            }
        }

        @Override
        public void move(double[] parameters, double[] modelDelta, double[] variate, int count) {
            for (int i = 0; i < count; i++) {
                parameters[i] += serverLearningRate * modelDelta[i];
            }
        }

        @Override
        public String toString() {
            return "scaffold(clients=" + clients + ", serverLearningRate=" + serverLearningRate + ")";
        }
    }

    /** Makes the clients' side of SCAFFOLD; found through {@link java.util.ServiceLoader}. */
    public static final class Factory implements LocalCorrection.Factory {
        /** For the service loader. */
        public Factory() {}

        @Override
        public String name() {
            return CORRECTION;
        }

        @Override
        public LocalCorrection create(Task task, TaskContext context) {
            return new Correction(task, context);
        }
    }

    private static final class Correction implements LocalCorrection {
        private static final float[] NOTHING = {};

        private final Task task;
        private final TaskContext context;
        // Read at the first step, since an evaluation makes corrections too, and takes none.
        private float[] own = NOTHING;
        private float[] server = NOTHING;

        Correction(Task task, TaskContext context) {
            this.task = task;
            this.context = context;
        }

        @Override
        public void correct(float[] gradient, float[] trainables) {
            if (own.length == 0) {
                own = SideTensors.kept(task, context, VARIATE);
                server = SideTensors.sent(task, VARIATE);
            }
            for (int i = 0; i < gradient.length; i++) {
                gradient[i] += server[i] - own[i];
            }
        }

        @Override
        public ClientUpdate complete(ClientUpdate update, LocalTrainer.Result result) {
            TrainingSettings settings = TrainingSettings.of(task.config());
            double normaliser = Normaliser.of(result.steps(), settings);
            if (!(normaliser >= 1)) {
                throw new TaskDeclinedException(
                        result.steps() + " local steps amount to " + normaliser
                                + " with this momentum and mu, must be at least 1: no gradient can be found by dividing by that");
            }
            double scale = settings.learningRate() * normaliser;
            float[] start = task.model().trainablesToFloatArray();
            float[] trained = SideTensors.trained(update);
            float[] change = new float[trained.length];
            for (int i = 0; i < trained.length; i++) {
                change[i] = (float) (((double) start[i] - trained[i]) / scale - server[i]);
                own[i] += change[i];
            }
            ModelSpec spec = SideTensors.specFor(task.model().spec());
            context.state().save(VARIATE, SideTensors.of(spec, own));
            return update.withTensors(CHANGE, SideTensors.of(spec, change));
        }
    }
}
