package io.fedlearn.examples.run;

import io.fedlearn.core.federation.EarlyStopping;
import io.fedlearn.core.federation.Federation;
import io.fedlearn.core.federation.RoundPolicy;
import io.fedlearn.core.strategy.Strategy;
import io.fedlearn.core.training.LearningRateSchedule;
import io.fedlearn.core.training.TrainingSettings;
import io.fedlearn.examples.console.ProgressStyle;
import io.fedlearn.examples.protection.PrivacyTarget;
import io.fedlearn.examples.protection.PrivacyUnit;
import io.fedlearn.formats.audit.AuditSigner;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** The options of every command that trains a model: algorithm, local training, rounds, and where the run is kept. */
public final class RunOptions {
    @Mixin
    private final StrategyOptions strategy = new StrategyOptions();

    @Mixin
    private final PrivacyOptions privacy = new PrivacyOptions();

    @Option(names = "--rounds", paramLabel = "N", description = "Rounds in all (default: ${DEFAULT-VALUE}).")
    private int rounds;

    @Option(
            names = "--local-epochs",
            paramLabel = "N",
            description = "How often a client passes over its examples in a round (default: ${DEFAULT-VALUE}).")
    private int localEpochs;

    @Option(
            names = "--batch-size",
            paramLabel = "N",
            description = "Examples per step of a client (default: ${DEFAULT-VALUE}).")
    private int batchSize;

    @Option(
            names = "--learning-rate",
            paramLabel = "X",
            description = "Step size of the clients' SGD (default: ${DEFAULT-VALUE}).")
    private double learningRate;

    @Option(
            names = "--learning-rate-schedule",
            paramLabel = "RULE",
            description =
                    "How the step size falls from round to round: constant, cosine (over all --rounds; cosine:N over"
                            + " N, after which it stays) or step:N (to a tenth after every N; step:N:X by another factor)"
                            + " (default: ${DEFAULT-VALUE}).")
    private String schedule = LearningRateSchedule.constant().toString();

    @Option(
            names = "--momentum",
            paramLabel = "X",
            description = "Momentum of the clients' SGD, from 0 to below 1 (default: ${DEFAULT-VALUE}).")
    private double momentum;

    @Option(
            names = "--weight-decay",
            paramLabel = "X",
            description = "L2 penalty of the clients' SGD (default: ${DEFAULT-VALUE}).")
    private double weightDecay;

    @Option(
            names = "--seed",
            paramLabel = "S",
            description = "Where all randomness starts; the same seed gives the same model, bit for bit (default:"
                    + " ${DEFAULT-VALUE}).")
    private long seed;

    @Option(
            names = "--quorum",
            paramLabel = "N",
            description = "How many good updates a round needs; with fewer the run stops (default: "
                    + RoundPolicy.DEFAULT_QUORUM + "; of server as many as --min-clients).")
    private Optional<Integer> quorum = Optional.empty();

    private int quorumOtherwise = RoundPolicy.DEFAULT_QUORUM;

    @Option(
            names = "--client-deadline",
            paramLabel = "TIME",
            converter = TimeConverter.class,
            description =
                    "How long a client may take over a task, such as 500ms, 30s or 5m (default: as long as it needs).")
    private Optional<Duration> clientDeadline = Optional.empty();

    @Option(
            names = "--round-deadline",
            paramLabel = "TIME",
            converter = TimeConverter.class,
            description =
                    "How long training in a round, or its evaluation, may take in all; clients that are not done by"
                            + " then are left out of it (default: as long as it needs).")
    private Optional<Duration> roundDeadline = Optional.empty();

    @Option(
            names = "--early-stopping",
            paramLabel = "N",
            description = "Stop when the loss was not bettered for N rounds (default: never).")
    private Optional<Integer> earlyStopping = Optional.empty();

    @Option(
            names = "--threads",
            paramLabel = "N",
            description = "How many clients work at a time; changes the time taken, never the model (default: one per"
                    + " processor).")
    private Optional<Integer> threads = Optional.empty();

    @Option(names = "--out", paramLabel = "DIR", description = "The run's folder (default: ${DEFAULT-VALUE}).")
    private Path out;

    @Option(
            names = "--resume",
            description =
                    "Go on with the run in the folder, up to --rounds in all. What decides its result must be as it"
                            + " was; --client-deadline, --round-deadline, --threads and --progress may differ. Starts a run if there is none.")
    private boolean resume;

    @Option(
            names = "--audit-key",
            paramLabel = "FILE",
            description =
                    "Sign each record of the run's audit log with this key of Ed25519, audit-key.pem of 'fedlearn audit"
                            + " keygen'; 'fedlearn audit verify --public-key audit.pem --require-signatures' then finds what anybody"
                            + " else wrote. A log that is signed does not go on without a key (default: records are chained, not signed).")
    private Optional<Path> auditKeyFile = Optional.empty();

    private Optional<AuditKey> auditKey = Optional.empty();

    @Option(
            names = "--progress",
            paramLabel = "HOW",
            description = "auto, bars (redrawn in place) or plain (a line a round) (default: ${DEFAULT-VALUE}).")
    private ProgressStyle progress = ProgressStyle.AUTO;

    /**
     * Options with these defaults.
     *
     * @param out the run's folder
     * @param rounds in all
     * @param training of the clients
     */
    public RunOptions(Path out, int rounds, TrainingSettings training) {
        this.out = out;
        this.rounds = rounds;
        this.localEpochs = training.localEpochs();
        this.batchSize = training.batchSize();
        this.learningRate = training.learningRate();
        this.momentum = training.momentum();
        this.weightDecay = training.weightDecay();
    }

    /**
     * The training algorithm.
     *
     * @param clients how many there are in all, which some algorithms must know
     * @throws InputException that names the option
     */
    public Strategy strategy(int clients) {
        return strategy.create(clients);
    }

    /**
     * What a private run promises; empty if it is not private.
     *
     * @param otherwise whom it protects where no option says
     */
    public Optional<PrivacyTarget> privacy(PrivacyUnit otherwise) {
        return privacy.target(otherwise);
    }

    /** Refuses a folder of ledgers, because they are elsewhere. */
    public void checkLedgersElsewhere(String where) {
        if (privacy.namesLedgers()) {
            throw new InputException("--dp-ledger is for ledgers in files; here they are in " + where);
        }
    }

    /** The folder in which it is kept what a private run spends, if that is in files. */
    Path ledgers() {
        return privacy.ledgers(out);
    }

    /** How clients train. */
    public TrainingSettings training() {
        TrainingSettings defaults = TrainingSettings.defaults();
        return defaults.withLocalEpochs(localEpochs)
                .withBatchSize(batchSize)
                .withLearningRate(learningRate)
                .withMomentum(momentum)
                .withWeightDecay(weightDecay);
    }

    /** How the clients' step size changes from round to round. */
    public LearningRateSchedule schedule() {
        try {
            return LearningRateSchedule.parse(schedule, rounds);
        } catch (IllegalArgumentException e) {
            throw new InputException("--learning-rate-schedule: " + e.getMessage(), e);
        }
    }

    /** These options with another strategy where none is named; before any is parsed. */
    public RunOptions withStrategyOtherwise(String name) {
        strategy.otherwise(name);
        return this;
    }

    /** How many good updates a round needs. */
    public int quorum() {
        return quorum.orElse(quorumOtherwise);
    }

    /** How many good updates a round needs if no option says so. */
    public void quorumOtherwise(int updates) {
        this.quorumOtherwise = updates;
    }

    /** How many clients work at a time; empty for one per processor. */
    public Optional<Integer> threads() {
        return threads;
    }

    /** Where all randomness starts. */
    public long seed() {
        return seed;
    }

    /** How many rounds there are in all. */
    public int rounds() {
        return rounds;
    }

    /** The run's folder. */
    public Path out() {
        return out;
    }

    /** The folder's own name, which is that of a run in a database. */
    public String name() {
        Path name = out.toAbsolutePath().normalize().getFileName();
        return name == null ? "run" : name.toString();
    }

    /** Whether the run in the folder is to be gone on with. */
    public boolean isResuming() {
        return resume;
    }

    /** What signs the run's audit log, if anything does; known once the options were {@linkplain #check checked}. */
    public Optional<AuditSigner> auditSigner() {
        return auditKey.map(AuditKey::signer);
    }

    /** What the owner of the key that signs should know. */
    Optional<String> auditKeyWarning() {
        return auditKey.flatMap(AuditKey::warning);
    }

    /** How progress is shown. */
    public ProgressStyle progress() {
        return progress;
    }

    /** Gives a federation all that these options say but the strategy. */
    public void configure(Federation.Builder federation) {
        RoundPolicy policy = RoundPolicy.defaults().withQuorum(quorum());
        if (clientDeadline.isPresent()) {
            policy = policy.withClientDeadline(clientDeadline.get());
        }
        if (roundDeadline.isPresent()) {
            policy = policy.withRoundDeadline(roundDeadline.get());
        }
        federation
                .rounds(rounds)
                .seed(seed)
                .training(training())
                .learningRateSchedule(schedule())
                .policy(policy);
        threads.ifPresent(federation::parallelism);
        earlyStopping.ifPresent(patience -> federation.earlyStopping(new EarlyStopping(patience, 0)));
    }

    /**
     * Finds mistakes that would otherwise show only after data was read or written.
     *
     * @param clients how many there are
     * @throws InputException that names the option
     */
    public void check(int clients) {
        requireAtLeastOne("--rounds", rounds);
        requireAtLeastOne("--quorum", quorum());
        if (quorum() > clients) {
            throw new InputException("--quorum is " + quorum() + ", but there are only " + clients + " clients");
        }
        TrainingSettings settings = TrainingSettings.defaults();
        check("--local-epochs", () -> settings.withLocalEpochs(localEpochs));
        check("--batch-size", () -> settings.withBatchSize(batchSize));
        check("--learning-rate", () -> settings.withLearningRate(learningRate));
        check("--momentum", () -> settings.withMomentum(momentum));
        check("--weight-decay", () -> settings.withWeightDecay(weightDecay));
        schedule();
        strategy(clients);
        privacy.check();
        auditKey = auditKeyFile.map(AuditKey::read);
        clientDeadline.ifPresent(
                limit -> check("--client-deadline", () -> RoundPolicy.defaults().withClientDeadline(limit)));
        roundDeadline.ifPresent(
                limit -> check("--round-deadline", () -> RoundPolicy.defaults().withRoundDeadline(limit)));
        earlyStopping.ifPresent(patience -> requireAtLeastOne("--early-stopping", patience));
        threads.ifPresent(count -> requireAtLeastOne("--threads", count));
    }

    private static void requireAtLeastOne(String option, int value) {
        if (value < 1) {
            throw new InputException(option + " must be >= 1, was " + value);
        }
    }

    /** Has the library judge a value, and names the option in place of the library's own name for it. */
    private static void check(String option, Runnable use) {
        try {
            use.run();
        } catch (IllegalArgumentException e) {
            String message = String.valueOf(e.getMessage());
            int constraint = message.indexOf(" must be ");
            throw new InputException(option + (constraint < 0 ? ": " + message : message.substring(constraint)), e);
        }
    }
}
