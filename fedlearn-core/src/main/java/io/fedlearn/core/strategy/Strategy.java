package io.fedlearn.core.strategy;

import io.fedlearn.core.task.Config;
import io.fedlearn.core.task.TransformSpec;
import io.fedlearn.core.tensor.ModelSpec;
import io.fedlearn.core.training.LearningRateSchedule;
import io.fedlearn.core.training.LocalCorrection;
import io.fedlearn.core.update.UpdateTransform;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.stream.Collectors;

/**
 * A federated training algorithm: a composition of who is asked ({@link ClientSelector}), what clients are told, how much each
 * update counts ({@link Weighting}), what happens to updates on both sides ({@link UpdateTransform}), how they become one
 * ({@link Aggregator}), what happens to that ({@link AggregateTransform}), and how the global model moves
 * ({@link ServerOptimizer}). The published methods are small classes that compose one; any part can be replaced.
 *
 * <p>Immutable and thread-safe. It describes: each run makes its own working parts, {@link #start}, so one strategy may serve
 * several runs at a time.
 */
public final class Strategy {
    private static final RoundProtocol.Factory USUAL_PROTOCOL = FitProtocol::new;

    private final String name;
    private final Config settings;
    private final ClientSelector selector;
    private final Weighting weighting;
    private final Config clientConfig;
    private final ClientInstructions instructions;
    private final List<TransformSpec> clientTransforms;
    private final List<Supplier<? extends UpdateTransform>> serverTransforms;
    private final Supplier<? extends Aggregator> aggregator;
    private final List<Supplier<? extends AggregateTransform>> aggregateTransforms;
    private final Supplier<? extends ServerOptimizer> serverOptimizer;
    private final RoundProtocol.Factory protocol;
    private final Disclosure disclosure;
    private final Set<Capability> requirements;
    private final List<Consumer<ModelSpec>> modelChecks;

    private Strategy(Builder builder) {
        this.name = builder.name;
        this.settings = builder.settings;
        this.selector = builder.selector;
        this.weighting = builder.weighting;
        this.clientConfig = builder.clientConfig;
        this.instructions = builder.instructions;
        this.clientTransforms = List.copyOf(builder.clientTransforms);
        this.serverTransforms = List.copyOf(builder.serverTransforms);
        this.aggregator = builder.aggregator;
        this.aggregateTransforms = List.copyOf(builder.aggregateTransforms);
        this.serverOptimizer = builder.serverOptimizer;
        this.protocol = builder.protocol;
        this.disclosure = builder.disclosure;
        this.requirements = Set.copyOf(builder.requirements);
        this.modelChecks = List.copyOf(builder.modelChecks);
    }

    /**
     * A builder for a strategy that asks every client and weights by examples.
     *
     * @param name as published
     * @param aggregator makes the aggregator of a run
     * @param serverOptimizer makes the server optimizer of a run
     */
    public static Builder builder(
            String name,
            Supplier<? extends Aggregator> aggregator,
            Supplier<? extends ServerOptimizer> serverOptimizer) {
        return new Builder(name, aggregator, serverOptimizer);
    }

    /** What one client is told in one round beyond what all are told, such as fewer epochs for a slow site. */
    @FunctionalInterface
    public interface ClientInstructions {
        /** Settings for this client in this round; the same for the same arguments. */
        Config settingsFor(int round, String clientId);
    }

    /** The published name. */
    public String name() {
        return name;
    }

    /** The method's settings and the descriptions of its parts, for the run's record. */
    public Config settings() {
        Config all = settings.with("selector", selector.description())
                .with("weighting", weighting.description())
                .with("aggregator", aggregator.get().description())
                .with("serverOptimizer", serverOptimizer.get().description());
        if (!clientTransforms.isEmpty()) {
            all = all.with("clientTransforms", clientTransforms.toString());
        }
        if (!serverTransforms.isEmpty()) {
            all = all.with(
                    "serverTransforms",
                    serverTransforms.stream()
                            .map(transform -> transform.get().description())
                            .collect(Collectors.joining(", ")));
        }
        if (!aggregateTransforms.isEmpty()) {
            all = all.with(
                    "aggregateTransforms",
                    aggregateTransforms.stream()
                            .map(transform -> transform.get().description())
                            .collect(Collectors.joining(", ")));
        }
        if (disclosure != Disclosure.EVERYTHING) {
            all = all.with("disclosure", disclosure.name());
        }
        return all;
    }

    /** Who is asked. */
    public ClientSelector selector() {
        return selector;
    }

    /** How many updates its aggregation rule needs. */
    public int leastUpdates() {
        return aggregator.get().leastUpdates();
    }

    /** What of its rounds leaves the coordinator beside the model. */
    public Disclosure disclosure() {
        return disclosure;
    }

    /** Whether all it takes of the clients is a mean of their models, each asked once. */
    public boolean isPlainMean() {
        return protocol == USUAL_PROTOCOL && aggregator.get().isPlainMean();
    }

    /** What every client is told, beside the run's training settings; these win. */
    public Config clientConfig() {
        return clientConfig;
    }

    /** What the clients and the way to them must be able to do. */
    public Set<Capability> requirements() {
        return requirements;
    }

    /**
     * Refuses a model that this strategy cannot train.
     *
     * @throws IllegalArgumentException if the model lacks what the strategy works on
     */
    public void requireModel(ModelSpec model) {
        modelChecks.forEach(check -> check.accept(model));
    }

    /** The working parts for one run in which the learning rate stays. */
    public StrategyParts start(Config trainingConfig) {
        return start(trainingConfig, LearningRateSchedule.constant());
    }

    /**
     * The working parts for one run.
     *
     * @param trainingConfig what clients are told where the strategy says nothing else
     * @param schedule how the learning rate among it changes; an aggregator is configured with what it is at the start
     * @throws IllegalArgumentException if the aggregator cannot work with clients that are told so
     */
    public StrategyParts start(Config trainingConfig, LearningRateSchedule schedule) {
        Config told = trainingConfig.with(clientConfig);
        Aggregator rule = aggregator.get();
        rule.configure(told);
        return new StrategyParts(
                weighting,
                told,
                schedule,
                instructions,
                clientTransforms,
                serverTransforms.stream().<UpdateTransform>map(Supplier::get).toList(),
                rule,
                aggregateTransforms.stream()
                        .<AggregateTransform>map(Supplier::get)
                        .toList(),
                serverOptimizer.get(),
                protocol);
    }

    /** This strategy with another way to choose cohorts. */
    public Strategy withSelector(ClientSelector other) {
        return toBuilder().selector(other).build();
    }

    /** This strategy with other aggregation weights. */
    public Strategy withWeighting(Weighting other) {
        return toBuilder().weighting(other).build();
    }

    /**
     * This strategy with instructions of its own for single clients.
     *
     * @param description what they are, for the run's record; a run is resumed with an equal one only
     */
    public Strategy withInstructions(String description, ClientInstructions other) {
        return toBuilder().instructions(description, other).build();
    }

    /**
     * A builder that starts with all parts of this strategy.
     *
     * @throws IllegalStateException if the strategy withholds something: its guarantee is one of all its parts together
     */
    public Builder toBuilder() {
        if (disclosure != Disclosure.EVERYTHING) {
            throw new IllegalStateException("strategy " + name
                    + " is private, and its parts belong together: change them before it is made private");
        }
        Builder builder = new Builder(name, aggregator, serverOptimizer);
        builder.settings = settings;
        builder.selector = selector;
        builder.weighting = weighting;
        builder.clientConfig = clientConfig;
        builder.instructions = instructions;
        builder.clientTransforms.addAll(clientTransforms);
        builder.serverTransforms.addAll(serverTransforms);
        builder.aggregateTransforms.addAll(aggregateTransforms);
        builder.protocol = protocol;
        builder.requirements.addAll(requirements);
        builder.modelChecks.addAll(modelChecks);
        return builder;
    }

    /** The name and settings. */
    @Override
    public String toString() {
        return name + settings();
    }

    /** Collects the parts of a strategy. Not thread-safe. */
    public static final class Builder {
        private String name;
        private Supplier<? extends Aggregator> aggregator;
        private Supplier<? extends ServerOptimizer> serverOptimizer;
        private Config settings = Config.empty();
        private ClientSelector selector = ClientSelector.all();
        private Weighting weighting = Weighting.byExamples();
        private Config clientConfig = Config.empty();
        private ClientInstructions instructions = (round, clientId) -> Config.empty();
        private final List<TransformSpec> clientTransforms = new ArrayList<>();
        private final List<Supplier<? extends UpdateTransform>> serverTransforms = new ArrayList<>();
        private final List<Supplier<? extends AggregateTransform>> aggregateTransforms = new ArrayList<>();
        private RoundProtocol.Factory protocol = USUAL_PROTOCOL;
        private Disclosure disclosure = Disclosure.EVERYTHING;
        private final Set<Capability> requirements = EnumSet.noneOf(Capability.class);
        private final List<Consumer<ModelSpec>> modelChecks = new ArrayList<>();

        private Builder(
                String name,
                Supplier<? extends Aggregator> aggregator,
                Supplier<? extends ServerOptimizer> serverOptimizer) {
            this.name = requireName(name);
            this.aggregator = aggregator;
            this.serverOptimizer = serverOptimizer;
        }

        /** The published name of what the parts come to. */
        public Builder name(String strategyName) {
            this.name = requireName(strategyName);
            return this;
        }

        private static String requireName(String name) {
            if (name.isEmpty()) {
                throw new IllegalArgumentException("a strategy's name must not be empty");
            }
            return name;
        }

        /** A setting of the method, for the run's record. */
        public Builder setting(String settingName, Object value) {
            this.settings = settings.with(settingName, value);
            return this;
        }

        /** Who is asked. */
        public Builder selector(ClientSelector clientSelector) {
            this.selector = clientSelector;
            return this;
        }

        /** How much each update counts. */
        public Builder weighting(Weighting updateWeighting) {
            this.weighting = updateWeighting;
            return this;
        }

        /** A setting that every client is told. */
        public Builder tellClients(String settingName, Object value) {
            this.clientConfig = clientConfig.with(settingName, value);
            return this;
        }

        /**
         * A correction of local training, after those added before; the site finds it by this name.
         *
         * @param correctionName as its {@link LocalCorrection.Factory} has it
         */
        public Builder correction(String correctionName) {
            if (correctionName.isEmpty() || correctionName.contains(",")) {
                throw new IllegalArgumentException(
                        "a correction's name must not be empty or hold a comma, was '" + correctionName + "'");
            }
            String before = clientConfig.getString(LocalCorrection.SETTING).orElse("");
            return tellClients(
                            LocalCorrection.SETTING, before.isEmpty() ? correctionName : before + "," + correctionName)
                    .requires(Capability.TRAINING_SETTINGS);
        }

        /**
         * What single clients are told beyond that.
         *
         * @param description what it is, for the run's record
         */
        public Builder instructions(String description, ClientInstructions clientInstructions) {
            this.instructions = clientInstructions;
            // Whom they are for is said by an id, which must be the same client's in every round.
            return setting("instructions", description)
                    .requires(Capability.STABLE_IDENTITY)
                    .requires(Capability.TRAINING_SETTINGS);
        }

        /** A transform that each client applies, after those added before. */
        public Builder clientTransform(TransformSpec transform) {
            this.clientTransforms.add(transform);
            return requires(Capability.CLIENT_TRANSFORMS);
        }

        /** A transform of each update at the server, after those added before. */
        public Builder serverTransform(Supplier<? extends UpdateTransform> transform) {
            this.serverTransforms.add(transform);
            return this;
        }

        /**
         * A codec: clients encode after what they do so far, and the server decodes before what it does so far. Of several, the
         * one added last encodes last and decodes first. Transforms at the client come before the first codec.
         *
         * @param encoder what clients are told
         * @param decoder makes its counterpart at the server
         * @throws IllegalArgumentException if clients are told a transform of this name already
         */
        public Builder codec(TransformSpec encoder, Supplier<? extends UpdateTransform> decoder) {
            if (clientTransforms.stream().anyMatch(other -> other.name().equals(encoder.name()))) {
                throw new IllegalArgumentException(
                        "an update is encoded by one " + encoder.name() + " at most, and clients are told one already");
            }
            this.serverTransforms.add(0, decoder);
            return clientTransform(encoder);
        }

        /** Another way to combine updates. */
        public Builder aggregator(Supplier<? extends Aggregator> updateAggregator) {
            this.aggregator = updateAggregator;
            return this;
        }

        /** A transform of the aggregate, after those added before. */
        public Builder aggregateTransform(Supplier<? extends AggregateTransform> transform) {
            this.aggregateTransforms.add(transform);
            return this;
        }

        /** Another way to move the global model. */
        public Builder serverOptimizer(Supplier<? extends ServerOptimizer> optimizer) {
            this.serverOptimizer = optimizer;
            return this;
        }

        /** Another way from a cohort to an aggregate. */
        public Builder protocol(RoundProtocol.Factory roundProtocol) {
            this.protocol = roundProtocol;
            return this;
        }

        /** What of a round leaves the coordinator beside the model; by default everything that is known of it. */
        public Builder disclosure(Disclosure roundDisclosure) {
            this.disclosure = roundDisclosure;
            return this;
        }

        /** Something that clients and the way to them must be able to do. */
        public Builder requires(Capability capability) {
            this.requirements.add(capability);
            return this;
        }

        /**
         * What a model must have to be trained so, beside what was asked of it before. Called before a run's first round.
         *
         * @param check throws an {@link IllegalArgumentException} that says what the model lacks
         */
        public Builder requiresModel(Consumer<ModelSpec> check) {
            this.modelChecks.add(check);
            return this;
        }

        /** The strategy. */
        public Strategy build() {
            return new Strategy(this);
        }
    }
}
