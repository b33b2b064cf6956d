package io.fedlearn.aggregators.robust;

import io.fedlearn.aggregators.internal.Ranges;
import io.fedlearn.core.client.Client;
import io.fedlearn.core.client.ClientState;
import io.fedlearn.core.client.TaskContext;
import io.fedlearn.core.random.SeededRandom;
import io.fedlearn.core.strategy.Aggregate;
import io.fedlearn.core.strategy.Aggregator;
import io.fedlearn.core.strategy.ServerOptimizer;
import io.fedlearn.core.strategy.Strategy;
import io.fedlearn.core.strategy.WeightedUpdate;
import io.fedlearn.core.strategy.Weighting;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.task.Config;
import io.fedlearn.core.task.Task;
import io.fedlearn.core.task.TaskKind;
import io.fedlearn.core.task.UpdateForm;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.ModelSpec;
import io.fedlearn.core.tensor.TensorRole;
import io.fedlearn.core.tensor.TensorSpec;
import io.fedlearn.core.tensor.TensorType;
import io.fedlearn.core.training.LocalTrainingClient;
import io.fedlearn.core.training.TrainingSettings;
import io.fedlearn.core.update.InvalidUpdateException;
import io.fedlearn.core.update.ModelDelta;
import io.fedlearn.core.update.PartState;
import io.fedlearn.core.update.UpdateCheck;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * Trust that is bootstrapped: the server trains too, on a small clean root data set, and believes a client as far as its
 * update points the same way.
 *
 * <p>With global model {@code w}, cohort {@code S}, model deltas {@code g_k = w_k - w} and the server's own {@code g_0},
 * round {@code t} computes
 * <pre>
 *   TS_k    = max(0, &lt;g_k, g_0&gt; / (||g_k|| ||g_0||))
 *   w_{t+1} = w_t + eta (1 / sum_{k in S} TS_k) sum_{k in S} TS_k (||g_0|| / ||g_k||) g_k
 * </pre>
 * so an update that points away from the server's is left out, and none is longer than the server's own. A delta of norm 0
 * points nowhere: its trust score is 0. Where no update has a score above 0, or the server's own delta is 0, the round is
 * aborted and the model stays.
 *
 * <p><b>Bears</b> any number of bad clients, even most of them: that is the paper's claim, and it rests on the root data set,
 * which must be clean and not too far from what clients have (the paper takes 100 examples of the same distribution, and
 * shows that a strong bias spoils it). Attackers who know the root data set's direction can still bend the mean of those who
 * are trusted.
 *
 * <p><b>Reference.</b> Cao et al., "FLTrust: Byzantine-robust Federated Learning via Trust Bootstrapping", NDSS 2021,
 * arXiv:2012.13995, Algorithm 2. <b>Differs</b> from it in asking every client where no selector says otherwise. Buffers and
 * counters, which have no norm, are averaged by the trust scores.
 *
 * <p><b>Settings</b> (symbol, default, range): serverLearningRate ({@code eta}, {@value #DEFAULT_SERVER_LEARNING_RATE},
 * (0, inf)), at which the server trains as every client is told; training, other training settings for the server; seed
 * ({@value #DEFAULT_SEED}) from which its randomness is derived, for each round anew.
 *
 * <p><b>The root client</b> is any {@link Client}: {@link LocalTrainingClient#of(Supplier,
 * io.fedlearn.core.training.ExampleSource) LocalTrainingClient} makes one of any local model and any source. It is asked to
 * fit once a round, on the thread of the round loop, when the first update is taken in, so it works while other clients do;
 * if it fails the run ends with a {@link RootUpdateException} and can be resumed. It keeps no state. The round's number in
 * its task counts the rounds that were completed, and is kept in the run store, so that a resumed or replayed round trains the
 * same way.
 *
 * <p><b>Trust.</b> An update that is next to nothing gets the full length too, whatever its direction is worth. Example counts
 * are ignored, as in the paper. Under {@code withWeighting(Weighting.byExamples())} each
 * trust score is multiplied by what the client says.
 *
 * <p><b>Shapes.</b> Every update has the global model's tensor names and shapes; cosines and norms go over trainables in
 * float64. A model that holds a bool is refused. State: a count of rounds. A round takes 5 times a float32 model's bytes at
 * the server, beside what training there takes. Cost: O(|S| p) time for {@code p} parameters in two passes over each update,
 * and the server's own training. <b>Threads.</b> The strategy is immutable and thread-safe as the root client is.
 */
public final class FLTrust {
    /** The published name: {@value}. */
    public static final String NAME = "FLTrust";

    /** Default server learning rate: {@value}. */
    public static final double DEFAULT_SERVER_LEARNING_RATE = 1.0;

    /** Default seed of the server's training: {@value}. */
    public static final long DEFAULT_SEED = 0;

    /** The id under which the root client gets its tasks: {@value}. */
    public static final String ROOT_CLIENT = "server";

    private FLTrust() {}

    /**
     * FLTrust with its defaults, over all clients.
     *
     * @param root trains on the root data set
     */
    public static Strategy of(Client root) {
        return builder(root).build();
    }

    /**
     * A builder with the defaults.
     *
     * @param root trains on the root data set
     */
    public static Builder builder(Client root) {
        return new Builder(root);
    }

    /** Collects the settings of FLTrust. Not thread-safe. */
    public static final class Builder {
        private final Client root;
        private double serverLearningRate = DEFAULT_SERVER_LEARNING_RATE;
        private Optional<TrainingSettings> training = Optional.empty();
        private long seed = DEFAULT_SEED;

        private Builder(Client root) {
            this.root = root;
        }

        /** Factor of the server's step, {@code > 0}. */
        public Builder serverLearningRate(double rate) {
            this.serverLearningRate = rate;
            return this;
        }

        /** How the server trains; by default as every client is told. */
        public Builder training(TrainingSettings settings) {
            this.training = Optional.of(settings);
            return this;
        }

        /** Where the randomness of the server's training starts. */
        public Builder seed(long value) {
            this.seed = value;
            return this;
        }

        /**
         * The strategy.
         *
         * @throws IllegalArgumentException naming the setting that is out of range
         */
        public Strategy build() {
            Strategy.Builder strategy = Strategy.builder(NAME, aggregator(), ServerOptimizer::identity)
                    .setting("serverLearningRate", serverLearningRate)
                    .setting("seed", seed)
                    .weighting(Weighting.uniform());
            training.ifPresent(settings -> strategy.setting("training", settings.toString()));
            return strategy.build();
        }

        /**
         * The rule alone, for a strategy with other parts.
         *
         * @throws IllegalArgumentException naming the setting that is out of range
         */
        public Supplier<Aggregator> aggregator() {
            Ranges.requirePositive("serverLearningRate", serverLearningRate);
            Client client = root;
            double rate = serverLearningRate;
            Optional<TrainingSettings> settings = training;
            long start = seed;
            return () -> new Rule(client, rate, settings, start);
        }
    }

    private static final class Rule implements Aggregator.Streaming {
        private static final String ROUNDS = "rounds";

        private final Client root;
        private final double serverLearningRate;
        private final Optional<TrainingSettings> training;
        private final long seed;
        private final double[] block = new double[ModelDelta.MAX_BLOCK];
        private Config rootConfig;
        private Model global = Model.empty();
        private UpdateCheck check = UpdateCheck.forModel(global.spec());
        private Optional<ModelDelta> trusted = Optional.empty();
        private double trustedNorm;
        private List<double[]> sums = List.of();
        private double scoreSum;
        private int count;
        private boolean open;
        private long rounds;

        Rule(Client root, double serverLearningRate, Optional<TrainingSettings> training, long seed) {
            this.root = root;
            this.serverLearningRate = serverLearningRate;
            this.training = training;
            this.seed = seed;
            this.rootConfig = training.orElse(TrainingSettings.defaults()).toConfig();
        }

        @Override
        public String description() {
            return "fltrust(serverLearningRate=" + serverLearningRate + ", seed=" + seed
                    + training.map(settings -> ", training=" + settings).orElse("") + ")";
        }

        @Override
        public void configure(Config clientConfig) {
            // No correction and no report of the clients' is the server's business.
            rootConfig = training.orElse(TrainingSettings.of(clientConfig)).toConfig();
        }

        /**
         * {@inheritDoc}
         *
         * @throws InvalidUpdateException if it is a sum over several clients
         */
        @Override
        public void check(ClientUpdate update, ModelSpec spec) {
            Cohort.requireSingleClient(update);
        }

        @Override
        public void begin(Model newGlobal) {
            if (!global.spec().equals(newGlobal.spec()) || sums.isEmpty()) {
                allocate(newGlobal.spec());
            }
            sums.forEach(sum -> Arrays.fill(sum, 0));
            global = newGlobal;
            trusted = Optional.empty();
            scoreSum = 0;
            count = 0;
            open = true;
        }

        private void allocate(ModelSpec spec) {
            sums = List.of();
            List<double[]> arrays = new ArrayList<>(spec.size());
            for (TensorSpec tensor : spec.tensors()) {
                if (tensor.type() == TensorType.BOOL) {
                    throw new IllegalArgumentException(
                            "tensor '" + tensor.name() + "' must be of a number type to be averaged, was BOOL");
                }
                arrays.add(new double[Math.toIntExact(tensor.shape().elementCount())]);
            }
            check = UpdateCheck.forModel(spec);
            sums = arrays;
        }

        /**
         * {@inheritDoc}
         *
         * @throws InvalidUpdateException if an update does not fit the global model; none of the list is taken in then
         * @throws RootUpdateException if the server's own training failed
         */
        @Override
        public void accumulate(List<WeightedUpdate> updates) {
            if (!open) {
                throw new IllegalStateException("accumulate is called between begin and finish");
            }
            for (WeightedUpdate weighted : updates) {
                check(weighted.update(), global.spec());
                check.checkModel(weighted.update(), global.spec());
            }
            if (updates.isEmpty()) {
                return;
            }
            ModelDelta own = trusted();
            for (WeightedUpdate weighted : updates) {
                ModelDelta delta = ModelDelta.of(weighted.update(), global);
                double norm = Math.sqrt(delta.squaredNorm());
                double cosine = norm > 0 && trustedNorm > 0 ? delta.dot(own) / norm / trustedNorm : 0;
                // An update whose square is beyond a double is not one to trust.
                if (cosine > 0 && norm < Double.POSITIVE_INFINITY) {
                    double score = weighted.weight() * Math.min(cosine, 1);
                    add(delta, score, trustedNorm / norm);
                    scoreSum += score;
                }
                count++;
            }
        }

        private void add(ModelDelta delta, double score, double scale) {
            for (int t = 0; t < sums.size(); t++) {
                boolean isTrainable = global.spec().tensors().get(t).role() == TensorRole.TRAINABLE;
                double factor = isTrainable ? score * scale : score;
                double[] sum = sums.get(t);
                for (int at = 0; at < sum.length; at += block.length) {
                    int length = Math.min(block.length, sum.length - at);
                    delta.read(t, at, block, 0, length);
                    for (int i = 0; i < length; i++) {
                        sum[at + i] += factor * block[i];
                    }
                }
            }
        }

        /** The server's own model delta in this round, for which it trains when it is first needed. */
        private ModelDelta trusted() {
            if (trusted.isEmpty()) {
                ClientUpdate update = train();
                try {
                    check.checkSizes(update);
                    check.checkModel(update, global.spec());
                    trusted = Optional.of(ModelDelta.of(update, global));
                } catch (InvalidUpdateException e) {
                    throw new RootUpdateException("the server's own update is malformed: " + e.getMessage(), e);
                }
                trustedNorm = Math.sqrt(trusted.get().squaredNorm());
            }
            return trusted.get();
        }

        private ClientUpdate train() {
            Task task = Task.builder(TaskKind.FIT, ROOT_CLIENT)
                    .round(Math.toIntExact(rounds + 1))
                    .seed(SeededRandom.derive(seed, rounds + 1))
                    .model(global)
                    .config(rootConfig)
                    .build();
            try {
                return root.fit(task, Alone.CONTEXT);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new RootUpdateException("the server's own training was interrupted", e);
            } catch (Exception e) {
                throw new RootUpdateException("the server's own training failed: " + e.getMessage(), e);
            }
        }

        /**
         * {@inheritDoc}
         *
         * @throws InvalidUpdateException if no update points the server's way
         */
        @Override
        public Aggregate finish() {
            if (!open || count == 0) {
                throw new IllegalStateException("finish is called once after begin and an update");
            }
            open = false;
            trusted = Optional.empty();
            if (trustedNorm == 0) {
                throw InvalidUpdateException.of("the server's own update is 0, so that none can be trusted");
            }
            if (scoreSum == 0) {
                throw InvalidUpdateException.of("none of " + count
                        + " updates points the way of the server's own, so that none can be trusted");
            }
            for (int t = 0; t < sums.size(); t++) {
                boolean isTrainable = global.spec().tensors().get(t).role() == TensorRole.TRAINABLE;
                double[] sum = sums.get(t);
                for (int i = 0; i < sum.length; i++) {
                    sum[i] = isTrainable ? serverLearningRate * (sum[i] / scoreSum) : sum[i] / scoreSum;
                }
            }
            rounds++;
            return Aggregate.wrap(UpdateForm.MODEL_DELTA, global.spec(), sums, count, scoreSum);
        }

        @Override
        public PartState snapshot() {
            return rounds == 0
                    ? PartState.empty()
                    : new PartState(Map.of(), Config.empty().with(ROUNDS, rounds));
        }

        /**
         * {@inheritDoc}
         *
         * @throws IllegalArgumentException if the state is that of another rule
         */
        @Override
        public void restore(PartState state) {
            long saved = state.values().getLong(ROUNDS).orElse(0L);
            if (saved < 0 || saved > Integer.MAX_VALUE || !state.isEmpty() && saved == 0) {
                throw new IllegalArgumentException(ROUNDS + " must be in [1, 2^31), was " + saved);
            }
            rounds = saved;
        }
    }

    /** The server's own training has nothing around it: it keeps no state, and stops by being interrupted. */
    private enum Alone implements TaskContext, ClientState {
        CONTEXT;

        @Override
        public ClientState state() {
            return this;
        }

        @Override
        public void progress(long done, long total) {}

        @Override
        public boolean isCancelled() {
            return false;
        }

        @Override
        public Optional<Model> load(String name) {
            return Optional.empty();
        }

        @Override
        public void save(String name, Model value) {}
    }
}
