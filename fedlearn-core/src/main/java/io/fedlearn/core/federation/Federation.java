package io.fedlearn.core.federation;

import io.fedlearn.core.budget.PrivacyBudget;
import io.fedlearn.core.client.Client;
import io.fedlearn.core.client.ClientStateStore;
import io.fedlearn.core.client.InMemoryClientStateStore;
import io.fedlearn.core.record.OutcomeRecord;
import io.fedlearn.core.record.RoundRecord;
import io.fedlearn.core.record.RunHeader;
import io.fedlearn.core.runtime.InProcessRuntime;
import io.fedlearn.core.runtime.Runtime;
import io.fedlearn.core.store.AuditLog;
import io.fedlearn.core.store.Checkpoint;
import io.fedlearn.core.store.InMemoryRunStore;
import io.fedlearn.core.store.RunStore;
import io.fedlearn.core.store.SavedRun;
import io.fedlearn.core.strategy.Capability;
import io.fedlearn.core.strategy.ClientInfo;
import io.fedlearn.core.strategy.Disclosure;
import io.fedlearn.core.strategy.Exchange;
import io.fedlearn.core.strategy.Strategy;
import io.fedlearn.core.task.Config;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.training.Evaluation;
import io.fedlearn.core.training.FeatureStatistics;
import io.fedlearn.core.training.LearningRateSchedule;
import io.fedlearn.core.training.TrainingSettings;
import io.fedlearn.core.update.UpdateSpool;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.Executor;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * A federated run: which clients, which strategy, how many rounds, and what is kept of it.
 *
 * <p>The same settings, clients and seed give the same bits of the global model, in whatever order clients answer and on however
 * many threads they run. Immutable once built; {@link #run()} may be called from one thread at a time.
 */
public final class Federation {
    private static final System.Logger LOG = System.getLogger(Federation.class.getName());

    /** Default of {@link Builder#rounds}: {@value}. */
    public static final int DEFAULT_ROUNDS = 10;

    /** Default of {@link Builder#inFlightBytes}: 64 MiB. */
    public static final long DEFAULT_IN_FLIGHT_BYTES = 64L << 20;

    /** Default of {@link Builder#clientWait}: 30 s. */
    public static final Duration DEFAULT_CLIENT_WAIT = Duration.ofSeconds(30);

    private final Optional<Strategy> strategy;
    final int rounds;
    final long seed;
    final String runId;
    final Optional<Model> initialModel;
    final TrainingSettings training;
    final LearningRateSchedule schedule;
    final Config clientConfig;
    final Config extraSettings;
    final RoundPolicy policy;
    private final int quorum;
    final Duration clientWait;
    private final int minClients;
    final int evaluateEvery;
    final boolean federatedEvaluation;
    final Optional<CentralEvaluation> centralEvaluation;
    final Optional<Goal> goal;
    final Optional<EarlyStopping> earlyStopping;
    final RunStore store;
    final boolean resume;
    final Optional<AuditLog> audit;
    final Optional<PrivacyBudget> privacyBudget;
    final List<RoundListener> listeners;
    final InstantSource clock;
    final long inFlightBytes;
    private final Optional<Path> spoolDirectory;
    private final Function<Federation, Runtime> runtimes;
    private final boolean ownsRuntime;
    private final Optional<Executor> executor;
    private final int parallelism;
    private final ClientStateStore clientStates;

    private Federation(Builder builder) {
        this.strategy = builder.strategy;
        this.rounds = builder.rounds;
        this.seed = builder.seed;
        this.runId = builder.runId;
        this.initialModel = builder.initialModel;
        this.training = builder.training;
        this.schedule = builder.schedule;
        this.clientConfig = builder.clientConfig;
        this.extraSettings = builder.extraSettings;
        this.policy = builder.policy;
        this.clientWait = builder.clientWait;
        this.minClients = builder.minClients;
        this.evaluateEvery = builder.evaluateEvery;
        this.federatedEvaluation = builder.federatedEvaluation.orElse(!isWithheld());
        this.centralEvaluation = builder.centralEvaluation;
        this.goal = builder.evaluateEvery == 0 ? Optional.empty() : Optional.of(builder.goal);
        this.earlyStopping = builder.earlyStopping;
        this.store = builder.store;
        this.resume = builder.resume;
        this.audit = builder.audit;
        this.privacyBudget = builder.privacyBudget;
        this.listeners = List.copyOf(builder.listeners);
        this.clock = builder.clock;
        this.inFlightBytes = builder.inFlightBytes;
        this.spoolDirectory = builder.spoolDirectory;
        this.runtimes = builder.runtimes;
        this.ownsRuntime = builder.ownsRuntime;
        this.executor = builder.executor;
        this.parallelism = builder.parallelism;
        this.clientStates = builder.clientStates;
        this.quorum =
                Math.max(policy.quorum(), strategy.map(Strategy::leastUpdates).orElse(1));
        if (policy.closeAfter().isPresent() && policy.closeAfter().getAsInt() < quorum) {
            throw new IllegalArgumentException("closeAfter must be >= quorum, was "
                    + policy.closeAfter().getAsInt() + " with a quorum of " + needed());
        }
        OptionalInt largest =
                strategy.map(chosen -> chosen.selector().largestCohort()).orElse(OptionalInt.empty());
        if (largest.isPresent() && largest.getAsInt() < quorum) {
            throw new IllegalArgumentException("every round would be aborted: the selector chooses at most "
                    + largest.getAsInt() + " clients, needed: " + needed());
        }
        if (earlyStopping.isPresent() && evaluateEvery == 0) {
            throw new IllegalArgumentException("early stopping needs an evaluation");
        }
        if (isWithheld()) {
            requirePrivate();
        }
    }

    /** Whether the strategy lets nothing out that clients report. */
    boolean isWithheld() {
        return strategy.map(Strategy::disclosure).orElse(Disclosure.EVERYTHING) != Disclosure.EVERYTHING;
    }

    private void requirePrivate() {
        String name = strategy().name();
        if (federatedEvaluation) {
            throw new IllegalArgumentException("strategy " + name + " withholds what clients report: evaluate at the"
                    + " coordinator, on public data, or not at all");
        }
        if (earlyStopping.isPresent() && centralEvaluation.isEmpty()) {
            throw new IllegalArgumentException(
                    "strategy " + name + " withholds what clients report: early stopping needs"
                            + " an evaluation at the coordinator, on public data");
        }
        if (policy.closeAfter().isPresent()) {
            // One client more would push another one out, and so change two updates instead of one.
            throw new IllegalArgumentException(
                    "strategy " + name + " counts what one client changes, and cannot close rounds early (closeAfter)");
        }
        if (initialModel.isEmpty()) {
            throw new IllegalArgumentException("strategy " + name
                    + " needs an initial model: one that a client gave could hold what it has learnt");
        }
        if (privacyBudget.isEmpty()) {
            throw new IllegalArgumentException("strategy " + name + " releases noisy data and needs a privacy budget");
        }
    }

    /** Refuses what would give away more of a private run than it releases itself. */
    private void requireNothingWithheld(String what) {
        if (isWithheld()) {
            throw new IllegalStateException("strategy " + strategy().name()
                    + " withholds what clients report, and every release is noisy and debited: it allows no " + what);
        }
    }

    /** A federation of clients in this process, named {@code client-1}, {@code client-2} and so on. */
    public static Builder of(List<? extends Client> clients) {
        int digits = String.valueOf(clients.size()).length();
        Map<String, Client> named = new LinkedHashMap<>();
        for (int i = 0; i < clients.size(); i++) {
            named.put(String.format("client-%0" + digits + "d", i + 1), clients.get(i));
        }
        return of(named);
    }

    /** A federation of clients in this process, by id. */
    public static Builder of(Map<String, ? extends Client> clients) {
        if (clients.isEmpty()) {
            throw new IllegalArgumentException("a federation needs at least one client");
        }
        Map<String, Client> copy = Map.copyOf(clients);
        return new Builder(
                federation -> {
                    InProcessRuntime.Builder builder = InProcessRuntime.builder(copy)
                            .parallelism(federation.parallelism)
                            .clientStates(federation.clientStates);
                    federation.executor.ifPresent(builder::executor);
                    return builder.build();
                },
                true);
    }

    /** A federation of the clients that this runtime reaches. The caller closes it. */
    public static Builder of(Runtime runtime) {
        return new Builder(federation -> runtime, false);
    }

    /**
     * Runs all rounds, or those that a resumed run has left, and closes the run store and the audit log.
     *
     * @throws QuorumNotReachedException if more rounds were aborted than the policy tolerates
     * @throws IllegalArgumentException if the strategy needs more than the clients can do or the model has
     * @throws IllegalStateException if there is no strategy, or the store holds a run that is not to be resumed or had other
     *     settings
     * @throws io.fedlearn.core.store.RunStoreException if the run cannot be saved or loaded
     * @throws InterruptedException if the thread was interrupted; the run can be resumed
     */
    public Run run() throws InterruptedException {
        try {
            return withRuntime(runtime -> new Coordinator(this, runtime).run());
        } finally {
            try {
                store.close();
            } finally {
                audit.ifPresent(AuditLog::close);
            }
        }
    }

    /**
     * Asks all clients something outside any round, and tells how their tasks ended, in the order of their ids.
     *
     * @throws IllegalStateException if the strategy withholds what clients report
     */
    public List<OutcomeRecord> ask(Function<List<String>, Exchange> exchange) throws InterruptedException {
        requireNothingWithheld("questions to clients outside its rounds");
        return withRuntime(runtime -> {
            runtime.awaitClients(policy.quorum(), clientWait);
            List<String> clients =
                    runtime.clients().stream().map(ClientInfo::id).toList();
            return new Exchanger(this, runtime).ask(exchange.apply(clients), 0);
        });
    }

    /**
     * The statistics of the features of all clients' training examples together, from which inputs can be standardised without
     * any site seeing another's data.
     *
     * <p>The statistics are without those of clients that did not give theirs in time; who they are is logged as a warning and told
     * to listeners. Give the federation no client deadline here: the scale of all inputs hangs on who answers.
     *
     * @throws IllegalStateException if fewer clients than the quorum gave theirs, or the strategy withholds what clients report:
     *     these sums have no noise
     */
    public FeatureStatistics featureStatistics(int featureCount) throws InterruptedException {
        requireNothingWithheld("feature statistics, which have no noise");
        List<StatisticsExchange> asked = new ArrayList<>();
        List<OutcomeRecord> outcomes = ask(clients -> {
            asked.add(new StatisticsExchange(clients, featureCount));
            return asked.get(0);
        });
        List<OutcomeRecord> missing =
                outcomes.stream().filter(outcome -> !outcome.isCompleted()).toList();
        String without = missing.stream()
                .map(outcome -> outcome.clientId() + " (" + outcome.outcome() + ": " + outcome.reason() + ")")
                .collect(Collectors.joining(", "));
        if (outcomes.size() - missing.size() < policy.quorum()) {
            throw new IllegalStateException("feature statistics need those of at least " + policy.quorum()
                    + " clients, and are without those of " + without);
        }
        if (!missing.isEmpty()) {
            LOG.log(System.Logger.Level.WARNING, "the feature statistics are without those of " + without);
        }
        return asked.get(0).merged();
    }

    /**
     * Lets every site train the run's final model further, for itself alone, as {@link #fineTune(Run, Model, TrainingSettings)}
     * does.
     */
    public FineTuning fineTune(Run run, TrainingSettings settings) throws InterruptedException {
        return fineTune(run, run.model(), settings);
    }

    /**
     * Lets every site train a model of the run further, for itself alone. A site starts from the model with those tensors in
     * place that the run left with it, evaluates before and after on its test examples, and keeps what came of it as its
     * {@link io.fedlearn.core.client.PersonalModel}; only metrics leave it. Sites are asked with the deadlines of the policy, and
     * each ends with an outcome of its own, as in a round. The run itself and the state that clients keep for its rounds stay as
     * they are: it can be resumed, and to fine-tune again gives the same again.
     *
     * @param run that this federation, or one with the same settings, has done
     * @param model to start from, such as {@link Run#bestModel()}; tensors that stay at a site are those of the run's end,
     *     whichever round the model is of
     * @param settings how sites train; they win over those of the run and of its strategy
     * @throws IllegalArgumentException if the run had other settings, or the clients cannot do further kinds of task or keep state
     */
    public FineTuning fineTune(Run run, Model model, TrainingSettings settings) throws InterruptedException {
        requireNothingWithheld("fine-tuning that reports metrics");
        RunHeader header = run.header();
        List<String> differences = header.differences(new RunHeader(
                header.runId(),
                seed,
                strategy().name(),
                settings(),
                header.initialDigest(),
                header.libraryVersion(),
                header.startedAt()));
        if (!differences.isEmpty()) {
            throw new IllegalArgumentException("run " + header.runId() + " was done by a federation of other settings: "
                    + String.join("; ", differences));
        }
        return withRuntime(runtime -> {
            requireCapabilities("fine-tuning", FineTuneExchange.REQUIREMENTS, runtime);
            runtime.awaitClients(policy.quorum(), clientWait);
            return FineTuneExchange.ask(this, runtime, run, model, settings);
        });
    }

    /**
     * Repeats a recorded round and gives its model again, which must have the digest that the record names.
     *
     * @param record of the round
     * @param before the checkpoint that it started from
     * @param history of the run up to that checkpoint
     * @throws IllegalStateException if a client that completed the round does not complete it now
     */
    public Model replay(RoundRecord record, Checkpoint before, SavedRun history) throws InterruptedException {
        requireNothingWithheld("replay");
        return withRuntime(runtime -> {
            Coordinator coordinator = new Coordinator(this, runtime);
            coordinator.prepareReplay(history);
            return coordinator.replay(record, before, history.header());
        });
    }

    private interface Work<T> {
        T with(Runtime runtime) throws InterruptedException;
    }

    private <T> T withRuntime(Work<T> work) throws InterruptedException {
        Runtime runtime = runtimes.apply(this);
        try {
            return work.with(runtime);
        } finally {
            if (ownsRuntime) {
                runtime.close();
            }
        }
    }

    Strategy strategy() {
        return strategy.orElseThrow(() -> new IllegalStateException("a run needs a strategy, and none was given"));
    }

    void requireCapabilities(Runtime runtime) {
        requireCapabilities("strategy " + strategy().name(), strategy().requirements(), runtime);
        if (isScheduled()) {
            requireCapabilities("a learning-rate schedule", Set.of(Capability.TRAINING_SETTINGS), runtime);
        }
    }

    private boolean isScheduled() {
        return !schedule.equals(LearningRateSchedule.constant());
    }

    private static void requireCapabilities(String who, Set<Capability> required, Runtime runtime) {
        Set<Capability> missing = EnumSet.noneOf(Capability.class);
        missing.addAll(required);
        missing.removeAll(runtime.capabilities());
        if (!missing.isEmpty()) {
            throw new IllegalArgumentException(who + " needs what these clients do not have: "
                    + missing.stream().map(Capability::description).collect(Collectors.joining(", ")));
        }
    }

    UpdateSpool newSpool() {
        return spoolDirectory.map(UpdateSpool::in).orElseGet(UpdateSpool::inTemporaryDirectory);
    }

    Config trainingConfig() {
        return training.toConfig().with(clientConfig);
    }

    /** How many good updates a round needs: the policy's quorum, or more if the aggregation rule needs more. */
    int quorum() {
        return quorum;
    }

    /** How many clients must be there before a round starts: at least as many as must answer. */
    int minClients() {
        return Math.max(minClients, quorum);
    }

    /** The quorum for a message, with the rule that asks for it if the policy asks for less. */
    String needed() {
        return quorum == policy.quorum()
                ? String.valueOf(quorum)
                : quorum + " (by "
                        + strategy().settings().getString("aggregator").orElseThrow() + ")";
    }

    /** How many clients must be there, for a message. */
    String neededBeforehand() {
        return minClients <= quorum ? needed() : minClients + " to be there";
    }

    /** Everything that decides what the run computes, for its header. */
    Config settings() {
        Config settings = extraSettings;
        for (Map.Entry<String, Object> entry : strategy().settings().asMap().entrySet()) {
            settings = settings.with("strategy." + entry.getKey(), entry.getValue());
        }
        Config told = trainingConfig().with(strategy().clientConfig());
        for (Map.Entry<String, Object> entry : told.asMap().entrySet()) {
            settings = settings.with("client." + entry.getKey(), entry.getValue());
        }
        if (isScheduled()) {
            settings = settings.with("learningRateSchedule", schedule.toString());
        }
        settings = settings.with("quorum", quorum).with("evaluateEvery", evaluateEvery);
        if (policy.closeAfter().isPresent()) {
            settings = settings.with("closeAfter", policy.closeAfter().getAsInt());
        }
        if (goal.isPresent()) {
            settings = settings.with("goal", goal.get().toString());
        }
        if (earlyStopping.isPresent()) {
            settings = settings.with("earlyStopping", earlyStopping.get().toString());
        }
        return settings;
    }

    /** Collects the settings of a federated run. Not thread-safe. */
    public static final class Builder {
        private final Function<Federation, Runtime> runtimes;
        private final boolean ownsRuntime;
        private Optional<Strategy> strategy = Optional.empty();
        private int rounds = DEFAULT_ROUNDS;
        private long seed;
        private String runId = UUID.randomUUID().toString();
        private Optional<Model> initialModel = Optional.empty();
        private TrainingSettings training = TrainingSettings.defaults();
        private LearningRateSchedule schedule = LearningRateSchedule.constant();
        private Config clientConfig = Config.empty();
        private Config extraSettings = Config.empty();
        private RoundPolicy policy = RoundPolicy.defaults();
        private Duration clientWait = DEFAULT_CLIENT_WAIT;
        private int minClients = 1;
        private int evaluateEvery = 1;
        private Optional<Boolean> federatedEvaluation = Optional.empty();
        private Optional<CentralEvaluation> centralEvaluation = Optional.empty();
        private Goal goal = Goal.minimize(Evaluation.LOSS);
        private Optional<EarlyStopping> earlyStopping = Optional.empty();
        private RunStore store = InMemoryRunStore.create();
        private boolean resume;
        private Optional<AuditLog> audit = Optional.empty();
        private Optional<PrivacyBudget> privacyBudget = Optional.empty();
        private final List<RoundListener> listeners = new ArrayList<>();
        private InstantSource clock = InstantSource.system();
        private long inFlightBytes = DEFAULT_IN_FLIGHT_BYTES;
        private Optional<Path> spoolDirectory = Optional.empty();
        private Optional<Executor> executor = Optional.empty();
        private int parallelism = java.lang.Runtime.getRuntime().availableProcessors();
        private ClientStateStore clientStates = InMemoryClientStateStore.create();

        private Builder(Function<Federation, Runtime> runtimes, boolean ownsRuntime) {
            this.runtimes = runtimes;
            this.ownsRuntime = ownsRuntime;
        }

        /** The training algorithm; a run needs one. */
        public Builder strategy(Strategy algorithm) {
            this.strategy = Optional.of(algorithm);
            return this;
        }

        /** How many rounds, at least 1; a resumed run goes on to this number. */
        public Builder rounds(int count) {
            if (count < 1) {
                throw new IllegalArgumentException("rounds must be >= 1, was " + count);
            }
            this.rounds = count;
            return this;
        }

        /** Where all randomness of the run starts; 0 by default. */
        public Builder seed(long value) {
            this.seed = value;
            return this;
        }

        /** The name of the run; a random one by default. */
        public Builder runId(String id) {
            if (id.isEmpty() || id.contains("/")) {
                throw new IllegalArgumentException("runId must not be empty or hold a '/', was '" + id + "'");
            }
            this.runId = id;
            return this;
        }

        /** The model to start from; without one, the first client that has one is asked. */
        public Builder initialModel(Model model) {
            this.initialModel = Optional.of(model);
            return this;
        }

        /** How clients train. */
        public Builder training(TrainingSettings settings) {
            this.training = settings;
            return this;
        }

        /**
         * How the clients' learning rate changes from round to round; by default it stays. What a strategy tells single clients
         * wins. A run is resumed with an equal schedule only: give one whose length does not depend on the number of rounds.
         */
        public Builder learningRateSchedule(LearningRateSchedule rule) {
            this.schedule = rule;
            return this;
        }

        /** Something more that every client is told. */
        public Builder tellClients(String name, Object value) {
            this.clientConfig = clientConfig.with(name, value);
            return this;
        }

        /** Something else that decides what the run computes, such as how data was split; kept in the run's header. */
        public Builder setting(String name, Object value) {
            this.extraSettings = extraSettings.with(name, value);
            return this;
        }

        /** When a round has enough, how long it waits, and what an aborted one means. */
        public Builder policy(RoundPolicy roundPolicy) {
            this.policy = roundPolicy;
            return this;
        }

        /**
         * How many clients must be there before a round starts, at least 1; never fewer than its quorum, which is the default. A
         * round that has waited for them in vain is aborted.
         */
        public Builder minClients(int count) {
            if (count < 1) {
                throw new IllegalArgumentException("minClients must be >= 1, was " + count);
            }
            this.minClients = count;
            return this;
        }

        /** How long a round waits for so many clients as it needs before it starts. */
        public Builder clientWait(Duration wait) {
            this.clientWait = wait;
            return this;
        }

        /** Evaluates after every so many rounds and after the last; 0 for never. By default after each. */
        public Builder evaluateEvery(int count) {
            if (count < 0) {
                throw new IllegalArgumentException("evaluateEvery must be >= 0, was " + count);
            }
            this.evaluateEvery = count;
            return this;
        }

        /**
         * Whether clients evaluate on their test examples; by default they are asked, and those that cannot decline. A strategy that
         * withholds what clients report has no such evaluation.
         */
        public Builder federatedEvaluation(boolean isWanted) {
            this.federatedEvaluation = Optional.of(isWanted);
            return this;
        }

        /** An evaluation at the coordinator, beside that of the clients. */
        public Builder centralEvaluation(CentralEvaluation evaluation) {
            this.centralEvaluation = Optional.of(evaluation);
            return this;
        }

        /** By what the best model is found; the least loss by default. */
        public Builder goal(Goal runGoal) {
            this.goal = runGoal;
            return this;
        }

        /** Ends the run when its goal was not bettered for a while. */
        public Builder earlyStopping(EarlyStopping rule) {
            this.earlyStopping = Optional.of(rule);
            return this;
        }

        /** Where the run is kept; closed when it ends. By default on the heap. */
        public Builder store(RunStore runStore) {
            this.store = runStore;
            return this;
        }

        /** Goes on with the run that the store holds; starts one if it holds none. */
        public Builder resume(boolean isWanted) {
            this.resume = isWanted;
            return this;
        }

        /** Where what happened is put on record; closed when the run ends. */
        public Builder audit(AuditLog log) {
            this.audit = Optional.of(log);
            return this;
        }

        /** The budget that is debited before anything noisy is released. */
        public Builder privacyBudget(PrivacyBudget budget) {
            this.privacyBudget = Optional.of(budget);
            return this;
        }

        /** One more that hears how the run goes. */
        public Builder listener(RoundListener listener) {
            this.listeners.add(listener);
            return this;
        }

        /** Where timestamps come from. */
        public Builder clock(InstantSource source) {
            this.clock = source;
            return this;
        }

        /** How many bytes of updates may wait on the heap for their turn, before they wait on disk. */
        public Builder inFlightBytes(long bytes) {
            if (bytes < 0) {
                throw new IllegalArgumentException("inFlightBytes must be >= 0, was " + bytes);
            }
            this.inFlightBytes = bytes;
            return this;
        }

        /** Where updates wait on disk; by default in the system's directory for temporary files. */
        public Builder spoolDirectory(Path directory) {
            this.spoolDirectory = Optional.of(directory);
            return this;
        }

        /** Where clients in this process run; the caller closes it. */
        public Builder executor(Executor clientExecutor) {
            this.executor = Optional.of(clientExecutor);
            return this;
        }

        /** How many clients in this process work at a time; by default one per processor. */
        public Builder parallelism(int count) {
            if (count < 1) {
                throw new IllegalArgumentException("parallelism must be >= 1, was " + count);
            }
            this.parallelism = count;
            return this;
        }

        /** Where clients in this process keep their state; the caller closes it. By default on the heap. */
        public Builder clientStates(ClientStateStore states) {
            this.clientStates = states;
            return this;
        }

        /**
         * The federation.
         *
         * @throws IllegalArgumentException if settings contradict each other
         */
        public Federation build() {
            return new Federation(this);
        }

        /** Builds the federation and runs it. */
        public Run run() throws InterruptedException {
            return build().run();
        }
    }
}
