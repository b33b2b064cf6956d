package io.fedlearn.core.training;

import io.fedlearn.core.client.Client;
import io.fedlearn.core.client.PersonalModel;
import io.fedlearn.core.client.TaskContext;
import io.fedlearn.core.client.TaskDeclinedException;
import io.fedlearn.core.metric.Metrics;
import io.fedlearn.core.random.SeededRandom;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.task.Task;
import io.fedlearn.core.task.TaskKind;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.TensorSpec;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.ServiceLoader;
import java.util.function.Predicate;
import java.util.function.Supplier;

/**
 * A client made of any {@link LocalModel} and any {@link ExampleSource}: it trains as the task's {@link TrainingSettings} say,
 * evaluates on its test examples, gives its {@link FeatureStatistics} and an initial model, and makes a model its own.
 *
 * <p>The metrics of its update are {@value Evaluation#LOSS} (mean training loss of the last epoch), {@value #LOCAL_STEPS} and
 * {@value #LOCAL_EPOCHS}. A site without examples declines, and so does one whose model has other tensors than the task's,
 * naming the first.
 *
 * <p>Fine-tuning trains the task's model, with the tensors in place that stay at the site, and saves what came of it as
 * {@link PersonalModel} in the client's state. The answer holds the same metrics, and where the site has test examples, those of
 * its evaluation before and after, prefixed {@value #BEFORE} and {@value #AFTER}; its example count is that of the test examples.
 * Thread-safe as its model pool and sources are.
 */
public final class LocalTrainingClient implements Client {
    /** Metric {@value}: the steps that the client's optimizer took. */
    public static final String LOCAL_STEPS = "localSteps";

    /** Metric {@value}: the epochs that the client finished. */
    public static final String LOCAL_EPOCHS = "localEpochs";

    /** Metric {@value}: the mean loss of the global model on the training examples, before local training. */
    public static final String LOSS_BEFORE = "lossBefore";

    /** A task's setting {@value}: whether the update must hold {@value #LOSS_BEFORE}, which costs a pass over the examples. */
    public static final String REPORT_LOSS_BEFORE = "reportLossBefore";

    /** Prefix of metrics, {@value}: measured on the test examples before fine-tuning. */
    public static final String BEFORE = "before.";

    /** Prefix of metrics, {@value}: measured on the test examples after fine-tuning. */
    public static final String AFTER = "after.";

    private final LocalModelPool models;
    private final ExampleSource training;
    private final Optional<ExampleSource> test;
    private final ExampleChoice choice;

    private LocalTrainingClient(
            LocalModelPool models, ExampleSource training, Optional<ExampleSource> test, ExampleChoice choice) {
        this.models = models;
        this.training = training;
        this.test = test;
        this.choice = choice;
    }

    private static LocalTrainingClient of(LocalModelPool models, ExampleSource training, Optional<ExampleSource> test) {
        return new LocalTrainingClient(models, training, test, (task, model, context) -> training);
    }

    /** A client that trains and does not evaluate. */
    public static LocalTrainingClient of(Supplier<? extends LocalModel> model, ExampleSource training) {
        return of(LocalModelPool.of(model), training);
    }

    /** A client that trains on the first source and evaluates on the second. */
    public static LocalTrainingClient of(
            Supplier<? extends LocalModel> model, ExampleSource training, ExampleSource test) {
        return of(LocalModelPool.of(model), training, test);
    }

    /** A client that trains and does not evaluate, with a model from a pool that it shares with others. */
    public static LocalTrainingClient of(LocalModelPool models, ExampleSource training) {
        return of(models, training, Optional.empty());
    }

    /** A client that trains on the first source and evaluates on the second, with a model from a shared pool. */
    public static LocalTrainingClient of(LocalModelPool models, ExampleSource training, ExampleSource test) {
        return of(models, training, Optional.of(test));
    }

    /**
     * This client, choosing in each round what of its training examples it trains on. Fine-tuning, statistics and the check
     * whether there is anything to train on know all of them.
     */
    public LocalTrainingClient withChoice(ExampleChoice exampleChoice) {
        return new LocalTrainingClient(models, training, test, exampleChoice);
    }

    @Override
    public ClientUpdate fit(Task task, TaskContext context) throws Exception {
        if (training.exampleCount() == 0) {
            throw new TaskDeclinedException("the site has no training examples");
        }
        TrainingSettings settings = TrainingSettings.of(task.config());
        List<LocalCorrection> corrections = corrections(task, context, factory -> true);
        Model start = start(task, corrections);
        corrections.addAll(0, proximal(start, settings));
        return models.borrow(model -> {
            load(model, start);
            ExampleSource chosen = choice.choose(task, model, context);
            Metrics metrics = Metrics.none();
            if (task.config().getBoolean(REPORT_LOSS_BEFORE).orElse(false)) {
                metrics = metrics.with(
                        LOSS_BEFORE,
                        Evaluation.of(model, chosen)
                                .metrics()
                                .get(Evaluation.LOSS)
                                .orElseThrow());
            }
            LocalTrainer.Result result = LocalTrainer.train(model, chosen, settings, corrections, task.seed(), context);
            metrics = metrics.with(measured(result));
            ClientUpdate update =
                    ClientUpdate.ofModel(model.snapshot(), result.examples()).withMetrics(metrics);
            for (LocalCorrection correction : corrections) {
                update = correction.complete(update, result);
            }
            return update;
        });
    }

    /** Around what is trained, which need not be the global model: tensors that stay here have no other place to go. */
    private static List<LocalCorrection> proximal(Model start, TrainingSettings settings) {
        return settings.mu() > 0 ? List.of(new ProximalTerm(start.trainablesToFloatArray(), settings.mu())) : List.of();
    }

    private static Metrics measured(LocalTrainer.Result result) {
        return Metrics.of(Evaluation.LOSS, finite(result.meanLoss()))
                .with(LOCAL_STEPS, result.steps())
                .with(LOCAL_EPOCHS, result.epochs());
    }

    private static double finite(double loss) {
        if (!Double.isFinite(loss)) {
            throw new TrainingDivergedException(loss);
        }
        return loss;
    }

    /** A site whose model is another says so; that it could not load the task's would tell nobody what to change. */
    private static void load(LocalModel model, Model start) {
        List<TensorSpec> own = model.spec().tensors();
        List<TensorSpec> sent = start.spec().tensors();
        for (int i = 0; i < Math.max(own.size(), sent.size()); i++) {
            String mine = i < own.size() ? own.get(i).toString() : "nothing more";
            String theirs = i < sent.size() ? sent.get(i).toString() : "nothing more";
            if (!mine.equals(theirs)) {
                throw new TaskDeclinedException("this site trains another model: its tensor " + i + " is " + mine
                        + ", the task's is " + theirs);
            }
        }
        model.load(start);
    }

    private static Model start(Task task, List<LocalCorrection> corrections) {
        Model start = task.model();
        for (LocalCorrection correction : corrections) {
            start = correction.startFrom(start);
        }
        return start;
    }

    private static List<LocalCorrection> corrections(
            Task task, TaskContext context, Predicate<LocalCorrection.Factory> wanted) {
        List<LocalCorrection> corrections = new ArrayList<>();
        for (String name :
                task.config().getString(LocalCorrection.SETTING).orElse("").split(",")) {
            if (!name.isEmpty()) {
                LocalCorrection.Factory factory = ServiceLoader.load(LocalCorrection.Factory.class).stream()
                        .map(ServiceLoader.Provider::get)
                        .filter(each -> each.name().equals(name))
                        .findFirst()
                        .orElseThrow(() -> new TaskDeclinedException("this site knows no correction '" + name + "'"));
                if (wanted.test(factory)) {
                    corrections.add(factory.create(task, context));
                }
            }
        }
        return corrections;
    }

    @Override
    public ClientUpdate evaluate(Task task, TaskContext context) throws Exception {
        ExampleSource source =
                test.orElseThrow(() -> new TaskDeclinedException("the site has no test examples of its own"));
        if (source.exampleCount() == 0) {
            throw new TaskDeclinedException("the site has no test examples");
        }
        Model start = start(task, corrections(task, context, factory -> true));
        return models.borrow(model -> {
            load(model, start);
            return Evaluation.of(model, source).toUpdate();
        });
    }

    @Override
    public ClientUpdate perform(Task task, TaskContext context) throws Exception {
        if (task.kind().equals(TaskKind.FEATURE_STATISTICS)) {
            if (training.exampleCount() == 0) {
                throw new TaskDeclinedException("the site has no training examples");
            }
            return FeatureStatistics.of(training).toUpdate(training.exampleCount());
        }
        if (task.kind().equals(TaskKind.INITIAL_MODEL)) {
            return models.borrow(
                    model -> ClientUpdate.ofModel(model.initialModel(task.seed()), training.exampleCount()));
        }
        if (task.kind().equals(TaskKind.FINE_TUNE)) {
            return fineTune(task, context);
        }
        return Client.super.perform(task, context);
    }

    private ClientUpdate fineTune(Task task, TaskContext context) throws Exception {
        if (training.exampleCount() == 0) {
            throw new TaskDeclinedException("the site has no training examples");
        }
        TrainingSettings settings = TrainingSettings.of(task.config());
        Model start = start(task, corrections(task, context, LocalCorrection.Factory::changesStart));
        Optional<ExampleSource> evaluated = test.filter(source -> source.exampleCount() > 0);
        // Not the order in which the round before passed over the examples.
        long seed = SeededRandom.derive(task.seed(), task.kind().name());
        return models.borrow(model -> {
            load(model, start);
            Metrics before = evaluation(model, evaluated, BEFORE);
            LocalTrainer.Result result =
                    LocalTrainer.train(model, training, settings, proximal(start, settings), seed, context);
            Metrics metrics = measured(result).with(before).with(evaluation(model, evaluated, AFTER));
            context.state().save(PersonalModel.NAME, model.snapshot());
            return ClientUpdate.ofMetrics(
                    metrics, evaluated.map(ExampleSource::exampleCount).orElse(0L));
        });
    }

    private static Metrics evaluation(LocalModel model, Optional<ExampleSource> source, String prefix) {
        Metrics prefixed = Metrics.none();
        if (source.isPresent()) {
            for (Map.Entry<String, Double> metric :
                    Evaluation.of(model, source.get()).metrics().asMap().entrySet()) {
                prefixed = prefixed.with(prefix + metric.getKey(), metric.getValue());
            }
        }
        return prefixed;
    }
}
