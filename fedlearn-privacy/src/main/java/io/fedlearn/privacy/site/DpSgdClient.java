package io.fedlearn.privacy.site;

import io.fedlearn.core.budget.PrivacyBudget;
import io.fedlearn.core.budget.PrivacySpent;
import io.fedlearn.core.client.Client;
import io.fedlearn.core.client.TaskContext;
import io.fedlearn.core.client.TaskDeclinedException;
import io.fedlearn.core.metric.Metrics;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.task.Task;
import io.fedlearn.core.task.TaskKind;
import io.fedlearn.core.training.Evaluation;
import io.fedlearn.core.training.ExampleSource;
import io.fedlearn.core.training.LocalCorrection;
import io.fedlearn.core.training.LocalModel;
import io.fedlearn.core.training.LocalModelPool;
import io.fedlearn.core.training.LocalTrainingClient;
import io.fedlearn.core.training.TrainingSettings;
import io.fedlearn.privacy.accounting.Calibration;
import io.fedlearn.privacy.accounting.NeighboringRelation;
import io.fedlearn.privacy.accounting.PrivacyEvent;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;

/**
 * A client that trains by DP-SGD: what leaves the site is differentially private for each person whose records it trains on, from
 * whoever sees it, the coordinator included. Takes any {@link LocalModel} and any {@link ExampleSource}.
 *
 * <p>With persons {@code P}, in a step of sampling rate {@code q}, clipping norm {@code C} and noise multiplier {@code z}, at the
 * parameters {@code w}:
 * <pre>
 *   S    = each person of P with probability q, independently, from secret randomness
 *   g_p  = mean gradient of at most m records of p at w, scaled down to norm C, on a grid
 *   g    = (sum_{p in S} g_p + N(0, (z C)^2 I)) / (q N)
 *   w    = a step of the model's optimizer along g
 * </pre>
 * {@code N} is declared, not counted, and a step without persons is made of noise alone.
 *
 * <p><b>Who decides.</b> The site: {@code C}, {@code z}, {@code q}, {@code N}, {@code m}, its budget and how many steps a round may
 * have. The task: learning rate, momentum, weight decay and {@code mu}, which work on the noisy gradient; and how many steps:
 * {@code localEpochs} of {@code ceil(1/q)} steps each, at most {@code maxSteps}. Its batch size is ignored.
 *
 * <p><b>Privacy.</b> Unit: one person with all records (or one record, {@link PersonExamples#ofRecords}). Neighbours: with or
 * without that person, {@link NeighboringRelation#ADD_OR_REMOVE_ONE}. Before a round's first step {@code T} steps are debited as
 * {@code Repeated(T, PoissonSampled(q, Gaussian(z)))} in the site's budget; if it does not allow them, the task is declined and
 * nothing is released. A task that is asked again is trained anew with other noise, and debited anew. The argument, and what is
 * not protected, stands in {@code docs/privacy/training-site.md}.
 *
 * <p><b>What leaves the site</b> is the trained model, the steps taken, what has been spent ({@value #SITE_EPSILON},
 * {@value #SITE_PRIVACY_DELTA}), and {@code N} in place of an example count; no loss. Buffers and counters are those of the task's
 * model. Evaluation is declined unless there is a public test set, statistics of features and fine-tuning are declined. Tasks that
 * name a {@link LocalCorrection} are declined.
 *
 * <p><b>Models.</b> With {@link io.fedlearn.core.training.PerExampleGradients} any; buffers must stay as they are. Others are asked
 * for the gradient of one person's records at a time, and must not have buffers or counters. A person whose gradient cannot be
 * computed, or is not finite, adds nothing.
 *
 * <p><b>Randomness</b> is cryptographic and never from the task's seed, so this client is excepted from rule 1 of {@link Client}.
 * <b>Floating point</b>: the clipped sum and the noise are whole numbers, whose bound is checked exactly.
 *
 * <p><b>Reference.</b> Abadi et al., "Deep Learning with Differential Privacy", CCS 2016, arXiv:1607.00133, Algorithm 1.
 * <b>Differs</b> from it in sampling and clipping persons rather than records, and in the grid.
 *
 * <p>Thread-safe as its models, source and budget are.
 */
public final class DpSgdClient implements Client {
    /** Metric {@value}: an upper bound to the epsilon that the site has spent, this round included. */
    public static final String SITE_EPSILON = "siteEpsilon";

    /** Metric {@value}: the delta for which {@value #SITE_EPSILON} holds. */
    public static final String SITE_PRIVACY_DELTA = "sitePrivacyDelta";

    private final LocalModelPool models;
    private final PersonExamples persons;
    private final DpSgdTraining training;
    private final SiteBudget budget;
    private final long mostSteps;
    private final Optional<ExampleSource> publicTest;

    private DpSgdClient(Builder builder, SiteBudget budget, DpSgdTraining training) {
        this.models = builder.models;
        this.persons = builder.persons;
        this.training = training;
        this.budget = budget;
        this.mostSteps = builder.mostSteps;
        this.publicTest = builder.publicTest;
    }

    /** A builder for a client with models that this makes. */
    public static Builder builder(Supplier<? extends LocalModel> model, PersonExamples persons) {
        return builder(LocalModelPool.of(model), persons);
    }

    /** A builder for a client with models of a pool that it shares with others. */
    public static Builder builder(LocalModelPool models, PersonExamples persons) {
        return new Builder(models, persons);
    }

    /**
     * How many steps a task with these settings asks for, at a sampling rate: for planning. The site's own limit may make them
     * fewer.
     *
     * @throws IllegalArgumentException if the rate is not in (0, 1]
     */
    public static long steps(double samplingRate, TrainingSettings settings) {
        return SecretSampling.of(samplingRate).steps(settings);
    }

    /** Standard deviation of the noise over the clipping norm. */
    public double noiseMultiplier() {
        return training.noiseMultiplier();
    }

    /** What so many steps release, as an accountant sees it: for planning a budget. */
    public PrivacyEvent event(long steps) {
        return training.event(steps);
    }

    /** Guarantee and settings, for a report: unit, sampling rate, clipping norm and noise multiplier. */
    @Override
    public String toString() {
        return "dp-sgd(unit=" + persons.unit() + ", " + training + ")";
    }

    @Override
    public ClientUpdate fit(Task task, TaskContext context) throws Exception {
        TrainingSettings settings = TrainingSettings.of(task.config());
        String corrections = task.config().getString(LocalCorrection.SETTING).orElse("");
        if (!corrections.isEmpty()) {
            throw new TaskDeclinedException(
                    "this site trains privately, without the corrections '" + corrections + "' that the task names");
        }
        long steps = Math.min(training.sampling().steps(settings), mostSteps);
        return models.borrow(model -> {
            training.requireTrainable(model, task.model(), persons, settings);
            PrivacySpent spent = budget.debit(
                    training.event(steps),
                    NeighboringRelation.ADD_OR_REMOVE_ONE,
                    "DP-SGD per " + persons.unit() + ", task " + task.id(),
                    steps + " more steps");
            model.load(task.model());
            training.train(model, persons, settings, steps, context);
            return ClientUpdate.ofModel(training.released(model, task.model()), training.declaredPersons())
                    .withMetrics(Metrics.of(LocalTrainingClient.LOCAL_STEPS, steps)
                            .with(SITE_EPSILON, spent.epsilon())
                            .with(SITE_PRIVACY_DELTA, spent.privacyDelta()));
        });
    }

    @Override
    public ClientUpdate evaluate(Task task, TaskContext context) throws Exception {
        ExampleSource test = publicTest.orElseThrow(() -> new TaskDeclinedException(
                "this site has no public test set, and what it measured on its own records would tell of them"));
        return models.borrow(model -> {
            training.requireSameTensors(model, task.model());
            model.load(task.model());
            return Evaluation.of(model, test).toUpdate();
        });
    }

    @Override
    public ClientUpdate perform(Task task, TaskContext context) throws Exception {
        if (task.kind().equals(TaskKind.INITIAL_MODEL)) {
            return models.borrow(
                    model -> ClientUpdate.ofModel(model.initialModel(task.seed()), training.declaredPersons()));
        }
        if (task.kind().equals(TaskKind.FEATURE_STATISTICS) || task.kind().equals(TaskKind.FINE_TUNE)) {
            throw new TaskDeclinedException(
                    "this site trains privately, and a '" + task.kind() + "' task would use its records without noise");
        }
        return Client.super.perform(task, context);
    }

    /** Collects what the site decides. Not thread-safe. */
    public static final class Builder {
        private final LocalModelPool models;
        private final PersonExamples persons;
        private double clippingNorm = Double.NaN;
        private double noiseMultiplier = Double.NaN;
        private Optional<Calibration> target = Optional.empty();
        private long plannedSteps;
        private double samplingRate = Double.NaN;
        private long declaredPersons;
        private long mostSteps = Long.MAX_VALUE;
        private Set<String> trained = Set.of();
        private Optional<SiteBudget> budget = Optional.empty();
        private Optional<ExampleSource> publicTest = Optional.empty();

        private Builder(LocalModelPool models, PersonExamples persons) {
            this.models = models;
            this.persons = persons;
        }

        /** The norm to which each person's gradient is clipped, {@code C > 0}. */
        public Builder clippingNorm(double norm) {
            this.clippingNorm = norm;
            return this;
        }

        /** Standard deviation of the noise over the clipping norm, {@code z > 0}. */
        public Builder noiseMultiplier(double multiplier) {
            this.noiseMultiplier = multiplier;
            this.target = Optional.empty();
            return this;
        }

        /**
         * The least noise multiplier with which so many steps, all rounds together, meet a target. What is spent is still what
         * the budget says.
         *
         * @param calibration towards epsilon and delta, under {@link NeighboringRelation#ADD_OR_REMOVE_ONE}
         * @param steps at least 1, such as the number of rounds times {@link DpSgdClient#steps}
         */
        public Builder noiseFor(Calibration calibration, long steps) {
            if (steps < 1) {
                throw new IllegalArgumentException("steps must be >= 1, were " + steps);
            }
            this.target = Optional.of(calibration);
            this.plannedSteps = steps;
            return this;
        }

        /** The probability with which a person is in a step, {@code q} in (0, 1]; rounded down to a multiple of 2^-53. */
        public Builder samplingRate(double rate) {
            this.samplingRate = rate;
            return this;
        }

        /**
         * How many persons the site says it has, {@code N >= 1}: public, a round number rather than a count, since the exact count
         * would tell whether somebody is among them.
         */
        public Builder declaredPersons(long count) {
            this.declaredPersons = count;
            return this;
        }

        /** The most steps of a round, whatever the task asks for, at least 1; by default what the task asks for. */
        public Builder mostSteps(long steps) {
            this.mostSteps = steps;
            return this;
        }

        /**
         * Trains only the trainable tensors whose names start so, such as a network's last layer: the others stay as the task has
         * them, and neither clipping nor noise is spent on them. By default all are trained.
         */
        public Builder trainOnly(String... names) {
            this.trained = new LinkedHashSet<>(List.of(names));
            return this;
        }

        /**
         * The site's budget.
         *
         * @param scope whose budget it is, such as the data set's name: everything released about the same persons
         */
        public Builder budget(PrivacyBudget privacyBudget, String scope) {
            this.budget = Optional.of(new SiteBudget(privacyBudget, scope));
            return this;
        }

        /**
         * Examples to answer evaluation tasks with, which the site declares to be public: what is measured on them is released
         * as it is, without noise or charge.
         */
        public Builder publicTest(ExampleSource source) {
            this.publicTest = Optional.of(source);
            return this;
        }

        /**
         * The client.
         *
         * @throws IllegalArgumentException if a setting is missing or out of range
         */
        public DpSgdClient build() {
            SiteBudget site =
                    budget.orElseThrow(() -> new IllegalArgumentException("a budget and its scope must be given"));
            if (mostSteps < 1) {
                throw new IllegalArgumentException("mostSteps must be >= 1, was " + mostSteps);
            }
            SecretSampling sampling = SecretSampling.of(samplingRate);
            double noise = target.map(calibration ->
                            calibration.noiseMultiplier(z -> DpSgdTraining.event(plannedSteps, sampling, z)))
                    .orElse(noiseMultiplier);
            return new DpSgdClient(
                    this, site, DpSgdTraining.of(clippingNorm, noise, sampling, declaredPersons, trained));
        }
    }
}
