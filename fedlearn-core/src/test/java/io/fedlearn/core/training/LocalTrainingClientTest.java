package io.fedlearn.core.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.fedlearn.core.client.PersonalModel;
import io.fedlearn.core.client.TaskDeclinedException;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.task.Config;
import io.fedlearn.core.task.Task;
import io.fedlearn.core.task.TaskKind;
import io.fedlearn.core.task.UpdateForm;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.ModelSpec;
import io.fedlearn.core.tensor.Shape;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.tensor.TensorSpec;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class LocalTrainingClientTest {
    private static final InMemoryExamples EXAMPLES =
            InMemoryExamples.wrap(Shape.of(1), new float[] {1, 3}, new float[] {0, 0});
    private static final InMemoryExamples NONE = InMemoryExamples.wrap(Shape.of(1), new float[0], new float[0]);
    private static final Model GLOBAL = MeanModel.model(4);

    private final RecordingContext context = new RecordingContext();

    private static Task fit(Config config) {
        return Task.builder(TaskKind.FIT, "a")
                .round(1)
                .seed(9)
                .model(GLOBAL)
                .config(config)
                .build();
    }

    private static TrainingSettings halfSteps() {
        return TrainingSettings.defaults().withLearningRate(0.5).withBatchSize(2);
    }

    @Test
    void trainsFromTheTasksModelAsItsSettingsSay() throws Exception {
        LocalTrainingClient client = LocalTrainingClient.of(MeanModel::ofOneFeature, EXAMPLES);

        ClientUpdate update = client.fit(fit(halfSteps().withLocalEpochs(2).toConfig()), context);

        // The mean is 2: from 4 to 3 to 2.5. At 3, the loss is (2 + 0) / 2.
        assertThat(update.form()).isEqualTo(UpdateForm.MODEL);
        assertThat(update.model()).contains(MeanModel.model(2.5f));
        assertThat(update.exampleCount()).isEqualTo(2);
        assertThat(update.metrics().asMap())
                .containsEntry("loss", 1.0)
                .containsEntry("localSteps", 2.0)
                .containsEntry("localEpochs", 2.0)
                .hasSize(3);
        assertThat(GLOBAL).isEqualTo(MeanModel.model(4));
    }

    @Test
    void isPulledTowardsTheGlobalModelByMu() throws Exception {
        LocalTrainingClient client = LocalTrainingClient.of(MeanModel::ofOneFeature, EXAMPLES);
        Config config = halfSteps().withLocalEpochs(2).withMu(1).toConfig();

        ClientUpdate update = client.fit(fit(config), context);

        // From 4 to 3 as without mu; then the gradient is (3 - 2) + 1 * (3 - 4) = 0.
        assertThat(update.model()).contains(MeanModel.model(3));
    }

    @Test
    void usesSeveralNamedCorrectionsInTheirOrder() throws Exception {
        LocalTrainingClient client = LocalTrainingClient.of(MeanModel::ofOneFeature, EXAMPLES);

        // Starts from (4 + 1) * 2 = 10; the gradient there is (10 - 2 + 1) * 2 = 18, the step a quarter of it. Sent:
        // (5.5 + 1) * 2.
        assertThat(client.fit(fit(named("plus-one,doubled")), context).model()).contains(MeanModel.model(13));
        // Starts from 4 * 2 + 1 = 9; the gradient there is (9 - 2) * 2 + 1 = 15, the step a quarter of it. Sent: 5.25 *
        // 2 + 1.
        assertThat(client.fit(fit(named("doubled,plus-one")), context).model()).contains(MeanModel.model(11.5f));
        declines(
                () -> client.fit(fit(named("plus-one,unheard-of")), context),
                "this site knows no correction 'unheard-of'");
    }

    private static Config named(String corrections) {
        return halfSteps().withLearningRate(0.25).toConfig().with(LocalCorrection.SETTING, corrections);
    }

    @Test
    void proximalTermPullsToWhereTrainingStartsAndNotToTheGlobalModel() throws Exception {
        LocalTrainingClient client = LocalTrainingClient.of(MeanModel::ofOneFeature, EXAMPLES);
        Config config = halfSteps().withLocalEpochs(2).withMu(1).toConfig().with(LocalCorrection.SETTING, "doubled");

        ClientUpdate update = client.fit(fit(config), context);

        // Starts from 8 and there has no pull: the gradient is (8 - 2 + 0) * 2 = 12, and 8 goes to 2. Then the
        // examples' part is
        // 0 and the pull is 2 - 8, the gradient (0 - 6) * 2: 2 goes back to 8. Sent: 2 * 8. Around 4 it would be
        // another number.
        assertThat(update.model()).contains(MeanModel.model(16));
    }

    @Test
    void givesTheSameAnswerToTheSameTaskWhateverCameBetween() throws Exception {
        float[] features = new float[40];
        for (int i = 0; i < features.length; i++) {
            features[i] = i * i % 17;
        }
        LocalTrainingClient client = LocalTrainingClient.of(
                MeanModel::ofOneFeature, InMemoryExamples.wrap(Shape.of(1), features, new float[40]));
        Task task = fit(TrainingSettings.defaults()
                .withBatchSize(3)
                .withMomentum(0.9)
                .withLocalEpochs(2)
                .toConfig());

        ClientUpdate first = client.fit(task, context);
        client.fit(task.toBuilder().seed(10).build(), context);
        ClientUpdate again = client.fit(task, context);

        assertThat(again.model()).isEqualTo(first.model());
        assertThat(again.metrics()).isEqualTo(first.metrics());
    }

    @Test
    void trainsOnWhatIsChosenByWhatTheModelMakesOfIt() throws Exception {
        List<Model> asked = new ArrayList<>();
        LocalTrainingClient client = LocalTrainingClient.of(MeanModel::ofOneFeature, EXAMPLES)
                .withChoice((task, model, given) -> {
                    asked.add(model.snapshot());
                    return EXAMPLES.subset(new int[] {1});
                });

        ClientUpdate update = client.fit(fit(halfSteps().toConfig()), context);

        // From 4 halfway to 3, the one example that was chosen.
        assertThat(update.model()).contains(MeanModel.model(3.5f));
        assertThat(update.exampleCount()).isEqualTo(1);
        assertThat(asked).containsExactly(GLOBAL);
    }

    @Test
    void choosesByTheTensorsThatTrainingStartsFrom() throws Exception {
        List<Model> asked = new ArrayList<>();
        LocalTrainingClient client = LocalTrainingClient.of(MeanModel::ofOneFeature, EXAMPLES)
                .withChoice((task, model, given) -> {
                    asked.add(model.snapshot());
                    return EXAMPLES;
                });

        client.fit(fit(named("doubled")), context);

        assertThat(asked).containsExactly(MeanModel.model(8));
    }

    @Test
    void reportsTheLossBeforeTrainingWhereTheTaskAsks() throws Exception {
        LocalTrainingClient client = LocalTrainingClient.of(MeanModel::ofOneFeature, EXAMPLES);

        ClientUpdate update =
                client.fit(fit(halfSteps().toConfig().with(LocalTrainingClient.REPORT_LOSS_BEFORE, true)), context);

        // MeanModel's evaluation loss is the mean of the first features.
        assertThat(update.metrics().get(LocalTrainingClient.LOSS_BEFORE)).hasValue(2);
    }

    @Test
    void declinesWithoutExamples() {
        LocalTrainingClient client = LocalTrainingClient.of(MeanModel::ofOneFeature, NONE, NONE);

        declines(() -> client.fit(fit(Config.empty()), context), "the site has no training examples");
        declines(() -> client.evaluate(fit(Config.empty()), context), "the site has no test examples");
        declines(
                () -> client.perform(
                        Task.builder(TaskKind.FEATURE_STATISTICS, "a").build(), context),
                "the site has no training examples");
    }

    @Test
    void declinesWhatItWasNotMadeFor() {
        LocalTrainingClient client = LocalTrainingClient.of(MeanModel::ofOneFeature, EXAMPLES);

        declines(() -> client.evaluate(fit(Config.empty()), context), "the site has no test examples of its own");
        declines(
                () -> client.fit(fit(Config.empty().with(LocalCorrection.SETTING, "unheard-of")), context),
                "this site knows no correction 'unheard-of'");
        declines(
                () -> client.perform(
                        Task.builder(new TaskKind("unheard-of"), "a").build(), context),
                "this client does not do 'unheard-of' tasks");
    }

    @Test
    void declinesAModelOfOtherTensorsByNamingTheFirst() {
        LocalTrainingClient client = LocalTrainingClient.of(MeanModel::ofOneFeature, EXAMPLES, EXAMPLES);
        TensorSpec own = GLOBAL.spec().tensors().get(0);
        Tensor values = GLOBAL.tensors().get(0);
        TensorSpec other = new TensorSpec("median", own.type(), own.shape(), own.role());
        Model renamed = Model.of(ModelSpec.of(List.of(other)), List.of(values));
        Model longer = Model.of(ModelSpec.of(List.of(own, other)), List.of(values, values));
        String says = "this site trains another model: its tensor ";

        Task first = fit(Config.empty()).toBuilder().model(renamed).build();
        declines(() -> client.fit(first, context), says + "0 is " + own + ", the task's is " + other);
        declines(() -> client.evaluate(first, context), says + "0 is " + own + ", the task's is " + other);
        Task second = fit(Config.empty()).toBuilder().model(longer).build();
        declines(() -> client.fit(second, context), says + "1 is nothing more, the task's is " + other);
    }

    private interface Work {
        void run() throws Exception;
    }

    private static void declines(Work work, String reason) {
        assertThatExceptionOfType(TaskDeclinedException.class)
                .isThrownBy(work::run)
                .withMessage(reason);
    }

    @Test
    void refusesSettingsOutOfRange() {
        LocalTrainingClient client = LocalTrainingClient.of(MeanModel::ofOneFeature, EXAMPLES);

        assertThatIllegalArgumentException()
                .isThrownBy(() -> client.fit(fit(Config.empty().with("learningRate", -1)), context))
                .withMessage("learningRate must be > 0, was -1.0");
    }

    @Test
    void failsWhenTrainingDiverges() {
        InMemoryExamples infinite =
                InMemoryExamples.wrap(Shape.of(1), new float[] {Float.POSITIVE_INFINITY}, new float[1]);
        LocalTrainingClient client = LocalTrainingClient.of(MeanModel::ofOneFeature, infinite);

        assertThatExceptionOfType(TrainingDivergedException.class)
                .isThrownBy(() -> client.fit(fit(Config.empty()), context))
                .withMessageContaining("the training loss is Infinity");
    }

    @Test
    void evaluatesOnItsTestExamples() throws Exception {
        InMemoryExamples test = InMemoryExamples.wrap(Shape.of(1), new float[] {5}, new float[] {3});
        LocalTrainingClient client = LocalTrainingClient.of(MeanModel::ofOneFeature, EXAMPLES, test);

        ClientUpdate update = client.evaluate(
                Task.builder(TaskKind.EVALUATE, "a").model(GLOBAL).build(), context);

        assertThat(update.metrics().get(Evaluation.RMSE)).hasValue(2);
        assertThat(update.exampleCount()).isEqualTo(1);
    }

    private static Task fineTune(Config config) {
        return Task.builder(TaskKind.FINE_TUNE, "a")
                .round(3)
                .seed(9)
                .model(GLOBAL)
                .config(config)
                .build();
    }

    @Test
    void fineTunesForItselfAndAnswersWithMetricsAlone() throws Exception {
        InMemoryExamples test = InMemoryExamples.wrap(Shape.of(1), new float[] {5, 6, 7}, new float[] {3, 4, 5});
        LocalTrainingClient client = LocalTrainingClient.of(MeanModel::ofOneFeature, EXAMPLES, test);

        ClientUpdate update =
                client.perform(fineTune(halfSteps().withLocalEpochs(2).toConfig()), context);

        // As in training: from 4 to 3 to 2.5.
        assertThat(context.saved()).containsOnly(Map.entry(PersonalModel.NAME, MeanModel.model(2.5f)));
        assertThat(update.model()).isEmpty();
        assertThat(update.tensors()).isEmpty();
        assertThat(update.values().isEmpty()).isTrue();
        assertThat(update.exampleCount()).isEqualTo(3);
        assertThat(update.metrics().asMap())
                .containsEntry("before.rmse", 2.0)
                .containsEntry("after.rmse", 2.0)
                .containsEntry("loss", 1.0)
                .containsEntry("localSteps", 2.0)
                .containsEntry("localEpochs", 2.0)
                .containsOnlyKeys(
                        "before.loss", "before.rmse", "after.loss", "after.rmse", "loss", "localSteps", "localEpochs");
    }

    @Test
    void fineTunesWithoutTestExamplesToo() throws Exception {
        for (LocalTrainingClient client : List.of(
                LocalTrainingClient.of(MeanModel::ofOneFeature, EXAMPLES),
                LocalTrainingClient.of(MeanModel::ofOneFeature, EXAMPLES, NONE))) {
            ClientUpdate update = client.perform(fineTune(halfSteps().toConfig()), context);

            assertThat(update.exampleCount()).isZero();
            assertThat(update.metrics().names()).containsExactly("localEpochs", "localSteps", "loss");
            assertThat(context.saved()).containsKey(PersonalModel.NAME);
        }
        declines(
                () -> LocalTrainingClient.of(MeanModel::ofOneFeature, NONE, EXAMPLES)
                        .perform(fineTune(Config.empty()), context),
                "the site has no training examples");
    }

    @Test
    void fineTunesFromWhatItWouldTrainFromAndForItsOwnLossAlone() throws Exception {
        LocalTrainingClient client = LocalTrainingClient.of(MeanModel::ofOneFeature, EXAMPLES);

        client.perform(fineTune(named("plus-one,doubled")), context);

        // From 4 + 1, with a quarter of the step to 2 that the examples ask for: neither correction changes the
        // gradient.
        assertThat(context.saved()).containsOnly(Map.entry(PersonalModel.NAME, MeanModel.model(4.25f)));
    }

    @Test
    void fineTuningIsHeldToItsStartByMu() throws Exception {
        LocalTrainingClient client = LocalTrainingClient.of(MeanModel::ofOneFeature, EXAMPLES);

        client.perform(fineTune(halfSteps().withLocalEpochs(2).withMu(1).toConfig()), context);

        assertThat(context.saved()).containsOnly(Map.entry(PersonalModel.NAME, MeanModel.model(3)));
    }

    @Test
    void keepsNoPersonalModelThatDiverged() {
        InMemoryExamples infinite =
                InMemoryExamples.wrap(Shape.of(1), new float[] {Float.POSITIVE_INFINITY}, new float[1]);
        LocalTrainingClient client = LocalTrainingClient.of(MeanModel::ofOneFeature, infinite);

        assertThatExceptionOfType(TrainingDivergedException.class)
                .isThrownBy(() -> client.perform(fineTune(Config.empty()), context));
        assertThat(context.saved()).isEmpty();
    }

    @Test
    void givesStatisticsAndAnInitialModel() throws Exception {
        LocalTrainingClient client = LocalTrainingClient.of(MeanModel::ofOneFeature, EXAMPLES);

        ClientUpdate statistics =
                client.perform(Task.builder(TaskKind.FEATURE_STATISTICS, "a").build(), context);
        ClientUpdate initial = client.perform(
                Task.builder(TaskKind.INITIAL_MODEL, "a").seed(12).build(), context);

        assertThat(FeatureStatistics.ofUpdate(statistics, 1).mean(0)).isEqualTo(2);
        assertThat(statistics.exampleCount()).isEqualTo(2);
        assertThat(initial.model()).contains(MeanModel.model(12));
    }

    @Test
    void clientsShareModelsOneAfterTheOtherAndDropOneThatFailed() throws Exception {
        List<MeanModel> made = new ArrayList<>();
        LocalModelPool pool = LocalModelPool.of(() -> {
            MeanModel model = MeanModel.ofOneFeature();
            made.add(model);
            return model;
        });
        LocalTrainingClient one = LocalTrainingClient.of(pool, EXAMPLES);
        LocalTrainingClient two = LocalTrainingClient.of(pool, EXAMPLES, EXAMPLES);

        one.fit(fit(Config.empty()), context);
        two.fit(fit(Config.empty()), context);
        assertThat(made).hasSize(1);

        assertThatExceptionOfType(InterruptedException.class)
                .isThrownBy(() -> one.fit(fit(Config.empty()), new RecordingContext(0)));
        two.evaluate(fit(Config.empty()), context);
        assertThat(made).hasSize(2);
    }

    @Test
    void poolMakesOneModelForEachUseAtTheSameTime() throws Exception {
        LocalModelPool pool = LocalModelPool.of(MeanModel::ofOneFeature);

        List<LocalModel> inUse = pool.borrow(outer -> pool.borrow(inner -> List.of(outer, inner)));

        assertThat(inUse.get(0)).isNotSameAs(inUse.get(1));
    }
}
