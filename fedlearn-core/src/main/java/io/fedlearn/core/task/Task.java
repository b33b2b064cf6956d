package io.fedlearn.core.task;

import io.fedlearn.core.tensor.Model;
import java.time.Duration;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.TreeMap;

/**
 * What one client is asked in one exchange. Immutable; all tasks of a round share one model.
 *
 * <p>The id names run, round, kind and client, so that a task that was sent again after a restart is the same task, and a site
 * that is still at work on it (or waits for a person's approval) recognises it.
 */
public final class Task {
    private final String runId;
    private final int round;
    private final int exchange;
    private final TaskKind kind;
    private final String clientId;
    private final long seed;
    private final Model model;
    private final Map<String, Model> tensors;
    private final Config config;
    private final List<TransformSpec> transforms;
    private final OptionalInt lastAcceptedRound;
    private final OptionalInt keepStateSince;
    private final Optional<Duration> timeLimit;
    // Joined once: runtimes and the round loop look tasks up by it several times each.
    private final String id;

    private Task(Builder builder) {
        this.runId = builder.runId;
        this.round = builder.round;
        this.exchange = builder.exchange;
        this.kind = builder.kind;
        this.clientId = builder.clientId;
        this.seed = builder.seed;
        this.model = builder.model;
        this.tensors = Collections.unmodifiableMap(new TreeMap<>(builder.tensors));
        this.config = builder.config;
        this.transforms = List.copyOf(builder.transforms);
        this.lastAcceptedRound = builder.lastAcceptedRound;
        this.keepStateSince = builder.keepStateSince;
        this.timeLimit = builder.timeLimit;
        this.id = runId + "/" + round + "/" + exchange + "-" + kind + "/" + clientId;
    }

    /** A builder for a task of this kind for this client. */
    public static Builder builder(TaskKind kind, String clientId) {
        return new Builder(kind, clientId);
    }

    /** {@code run/round/exchange-kind/client}: unique in the run, the same when the task is sent again. */
    public String id() {
        return id;
    }

    /** The run that asks. */
    public String runId() {
        return runId;
    }

    /** The round that asks, counted from 1; 0 before the first round. */
    public int round() {
        return round;
    }

    /** Which exchange of its round this is, counted from 0. */
    public int exchange() {
        return exchange;
    }

    /** What sort of work is asked for. */
    public TaskKind kind() {
        return kind;
    }

    /** The client that is asked, by the name under which the coordinator knows it. */
    public String clientId() {
        return clientId;
    }

    /** Where the client's randomness starts, derived from (run seed, round, client): the same for a task sent again. */
    public long seed() {
        return seed;
    }

    /** The global model. */
    public Model model() {
        return model;
    }

    /** Further tensors by group, such as control variates. */
    public Map<String, Model> tensors() {
        return tensors;
    }

    /** What the client is told. */
    public Config config() {
        return config;
    }

    /** What the client applies to its update, in order, before it answers. */
    public List<TransformSpec> transforms() {
        return transforms;
    }

    /** The latest round in which an update of this client entered the model. State saved then is the client's state now. */
    public OptionalInt lastAcceptedRound() {
        return lastAcceptedRound;
    }

    /**
     * The round from which on the client keeps its state: older state is asked for no more, not even by a coordinator that has to
     * go back to the checkpoint before its last.
     */
    public OptionalInt keepStateSince() {
        return keepStateSince;
    }

    /** How long the client may work on it, counted from when it starts. */
    public Optional<Duration> timeLimit() {
        return timeLimit;
    }

    /** A builder that starts with all parts of this task. */
    public Builder toBuilder() {
        Builder builder = new Builder(kind, clientId);
        builder.runId = runId;
        builder.round = round;
        builder.exchange = exchange;
        builder.seed = seed;
        builder.model = model;
        builder.tensors.putAll(tensors);
        builder.config = config;
        builder.transforms = transforms;
        builder.lastAcceptedRound = lastAcceptedRound;
        builder.keepStateSince = keepStateSince;
        builder.timeLimit = timeLimit;
        return builder;
    }

    /** The id. */
    @Override
    public String toString() {
        return id();
    }

    /** Collects the parts of a task. Not thread-safe. */
    public static final class Builder {
        private final TaskKind kind;
        private final String clientId;
        private String runId = "run";
        private int round;
        private int exchange;
        private long seed;
        private Model model = Model.empty();
        private final Map<String, Model> tensors = new TreeMap<>();
        private Config config = Config.empty();
        private List<TransformSpec> transforms = List.of();
        private OptionalInt lastAcceptedRound = OptionalInt.empty();
        private OptionalInt keepStateSince = OptionalInt.empty();
        private Optional<Duration> timeLimit = Optional.empty();

        private Builder(TaskKind kind, String clientId) {
            this.kind = kind;
            this.clientId = clientId;
        }

        /** The run that asks. */
        public Builder runId(String id) {
            this.runId = id;
            return this;
        }

        /** The round that asks. */
        public Builder round(int number) {
            if (number < 0) {
                throw new IllegalArgumentException("round must be >= 0, was " + number);
            }
            this.round = number;
            return this;
        }

        /** Which exchange of its round this is, counted from 0. */
        public Builder exchange(int number) {
            if (number < 0) {
                throw new IllegalArgumentException("exchange must be >= 0, was " + number);
            }
            this.exchange = number;
            return this;
        }

        /** Where the client's randomness starts. */
        public Builder seed(long value) {
            this.seed = value;
            return this;
        }

        /** The global model. */
        public Builder model(Model global) {
            this.model = global;
            return this;
        }

        /** A further group of tensors. */
        public Builder tensors(String group, Model values) {
            this.tensors.put(group, values);
            return this;
        }

        /** What the client is told. */
        public Builder config(Config settings) {
            this.config = settings;
            return this;
        }

        /** What the client applies to its update. */
        public Builder transforms(List<TransformSpec> specs) {
            this.transforms = specs;
            return this;
        }

        /** The latest round in which an update of this client entered the model. */
        public Builder lastAcceptedRound(int number) {
            this.lastAcceptedRound = OptionalInt.of(number);
            return this;
        }

        /** The round from which on the client keeps its state. */
        public Builder keepStateSince(int number) {
            this.keepStateSince = OptionalInt.of(number);
            return this;
        }

        /** How long the client may work on it. */
        public Builder timeLimit(Duration limit) {
            this.timeLimit = Optional.of(limit);
            return this;
        }

        /** The task. */
        public Task build() {
            return new Task(this);
        }
    }
}
