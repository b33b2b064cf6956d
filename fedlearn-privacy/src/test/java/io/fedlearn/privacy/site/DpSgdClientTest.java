package io.fedlearn.privacy.site;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.fedlearn.core.budget.InMemoryPrivacyLedger;
import io.fedlearn.core.budget.PrivacySpent;
import io.fedlearn.core.client.TaskDeclinedException;
import io.fedlearn.core.random.SeededRandom;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.task.Config;
import io.fedlearn.core.task.Task;
import io.fedlearn.core.task.TaskKind;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Shape;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.training.BatchReader;
import io.fedlearn.core.training.ExampleOrder;
import io.fedlearn.core.training.ExampleSource;
import io.fedlearn.core.training.InMemoryExamples;
import io.fedlearn.core.training.LocalCorrection;
import io.fedlearn.core.training.LocalModel;
import io.fedlearn.core.training.LocalTrainingClient;
import io.fedlearn.core.training.TrainingSettings;
import io.fedlearn.core.update.UpdateCheck;
import io.fedlearn.privacy.accounting.AccountingMethod;
import io.fedlearn.privacy.accounting.Calibration;
import io.fedlearn.privacy.accounting.NeighboringRelation;
import io.fedlearn.privacy.accounting.RdpAccountant;
import io.fedlearn.privacy.budget.Composition;
import io.fedlearn.privacy.budget.LedgerBudget;
import io.fedlearn.testkit.statistics.StatisticalAssertions;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class DpSgdClientTest {
    private static final double FALSE_ALARM = 1e-7;
    private static final double SILENT = 1e-9;
    private static final int FEATURES = 3;

    private final RecordingBudget budget = new RecordingBudget(Integer.MAX_VALUE);

    private static InMemoryExamples examples(int count) {
        SeededRandom random = SeededRandom.of(count);
        float[] features = new float[count * FEATURES];
        float[] targets = new float[count];
        for (int i = 0; i < features.length; i++) {
            features[i] = (float) random.nextGaussian();
        }
        for (int i = 0; i < count; i++) {
            targets[i] = features[i * FEATURES] > 0 ? 1 : 0;
        }
        return InMemoryExamples.wrap(Shape.of(FEATURES), features, targets);
    }

    private DpSgdClient.Builder builder(Supplier<? extends LocalModel> model, PersonExamples persons) {
        return DpSgdClient.builder(model, persons)
                .clippingNorm(1)
                .noiseMultiplier(1)
                .samplingRate(0.25)
                .declaredPersons(40)
                .budget(budget, "hospital");
    }

    private DpSgdClient.Builder builder() {
        return builder(() -> Logistic.perExample(FEATURES), PersonExamples.ofRecords(examples(40)));
    }

    /** All persons in every step and next to no noise, one step of size 1. */
    private DpSgdClient.Builder silent(Supplier<? extends LocalModel> model, PersonExamples persons) {
        return builder(model, persons).noiseMultiplier(SILENT).samplingRate(1).declaredPersons(1);
    }

    private static Task task(TaskKind kind, Model model, TrainingSettings settings) {
        return Task.builder(kind, "site")
                .round(3)
                .seed(7)
                .model(model)
                .config(settings.toConfig())
                .build();
    }

    private static Task task() {
        return task(TaskKind.FIT, Logistic.of(FEATURES).initialModel(0), oneStep());
    }

    private static TrainingSettings oneStep() {
        return TrainingSettings.defaults().withLearningRate(1).withMaxSteps(1);
    }

    private static float[] fit(DpSgdClient client, Task task) throws Exception {
        return client.fit(task, Idle.context()).model().orElseThrow().trainablesToFloatArray();
    }

    @Test
    void debitsTheWholeRoundBeforeItReadsAnExample() throws Exception {
        ExampleSource watched =
                new Watched(examples(40), () -> assertThat(budget.charges).hasSize(1));
        DpSgdClient client = builder(() -> Logistic.perExample(FEATURES), PersonExamples.ofRecords(watched))
                .build();

        client.fit(
                task(
                        TaskKind.FIT,
                        Logistic.of(FEATURES).initialModel(0),
                        oneStep().withMaxSteps(3)),
                Idle.context());

        assertThat(budget.charges).singleElement().satisfies(charge -> {
            assertThat(charge.scope()).isEqualTo("hospital");
            assertThat(charge.mechanism())
                    .isEqualTo("repeated(count=3, poisson-sampled(rate=0.25, gaussian(noiseMultiplier=1.0)))")
                    .isEqualTo(client.event(3).toString());
            assertThat(charge.parameters().getString("relation")).contains("add-remove");
            assertThat(charge.parameters().getString("purpose").orElseThrow())
                    .contains("per record", "run/3/0-fit/site");
        });
    }

    @Test
    void declinesAndReadsNothingWhenTheBudgetRefuses() {
        ExampleSource closed = new Watched(examples(40), () -> {
            throw new AssertionError("an example was read");
        });
        DpSgdClient client = builder(() -> Logistic.perExample(FEATURES), PersonExamples.ofRecords(closed))
                .budget(new RecordingBudget(0), "hospital")
                .build();

        assertThatExceptionOfType(TaskDeclinedException.class)
                .isThrownBy(() -> client.fit(task(), Idle.context()))
                .withMessageContaining("privacy budget does not allow 1 more steps");
    }

    @Test
    void seedsItsModelInSecret() throws Exception {
        Logistic model = Logistic.perExample(FEATURES);
        DpSgdClient client =
                builder(() -> model, PersonExamples.ofRecords(examples(40))).build();
        client.fit(task(), Idle.context());
        client.fit(task(), Idle.context());

        assertThat(model.seeds).hasSize(2).doesNotHaveDuplicates().doesNotContain(task().seed());
    }

    @Test
    void saysWhyItsBudgetCannotWeighOtherNoiseThanBefore() throws Exception {
        LedgerBudget strict = LedgerBudget.builder(
                        InMemoryPrivacyLedger.create(),
                        Composition.sameEvent(RdpAccountant.of(NeighboringRelation.ADD_OR_REMOVE_ONE)))
                .limit("hospital", 100, 1e-5)
                .build();
        PersonExamples persons = PersonExamples.ofRecords(examples(40));
        DpSgdClient.Builder builder =
                builder(() -> Logistic.perExample(FEATURES), persons).budget(strict, "hospital");
        builder.build().fit(task(), Idle.context());
        PrivacySpent before = strict.spent("hospital");

        assertThatExceptionOfType(TaskDeclinedException.class)
                .isThrownBy(() -> builder.noiseMultiplier(2).build().fit(task(), Idle.context()))
                .withMessageStartingWith("the site's privacy budget cannot weigh 1 more steps: scope 'hospital': ")
                .withMessageContaining("noiseMultiplier=2.0");
        assertThat(strict.spent("hospital")).isEqualTo(before);
    }

    @Test
    void answersWithNothingThatDependsOnTheDataBesideTheModel() throws Exception {
        List<ClientUpdate> answers = new ArrayList<>();
        for (int count : new int[] {40, 39, 0}) {
            answers.add(builder(() -> Logistic.perExample(FEATURES), PersonExamples.ofRecords(examples(count)))
                    .budget(new RecordingBudget(1), "hospital")
                    .build()
                    .fit(task(), Idle.context()));
        }

        for (ClientUpdate answer : answers) {
            assertThat(answer.exampleCount()).isEqualTo(40);
            assertThat(answer.metrics().asMap())
                    .containsOnlyKeys(
                            LocalTrainingClient.LOCAL_STEPS, DpSgdClient.SITE_EPSILON, DpSgdClient.SITE_PRIVACY_DELTA);
            assertThat(answer.metrics()).isEqualTo(answers.get(0).metrics());
            assertThat(answer.tensors()).isEmpty();
            assertThat(answer.values()).isEqualTo(Config.empty());
            UpdateCheck.forModel(task().model().spec())
                    .checkModel(answer, task().model().spec());
        }
    }

    @Test
    void leavesTheTaskAsItIs() throws Exception {
        Task task = task();
        String before = task.model().digest();
        builder().build().fit(task, Idle.context());
        assertThat(task.model().digest()).isEqualTo(before);
    }

    @Test
    void drawsAndDebitsAnewForATaskThatIsAskedAgain() throws Exception {
        DpSgdClient client = builder().build();
        assertThat(fit(client, task())).isNotEqualTo(fit(client, task()));
        assertThat(budget.charges).hasSize(2);
    }

    @Test
    void takesAsManyStepsAsTheTaskAsksForUpToTheSitesLimit() throws Exception {
        TrainingSettings settings = oneStep().withMaxSteps(0).withLocalEpochs(3);
        Task threeEpochs = task(TaskKind.FIT, task().model(), settings);
        Task fewer = task(TaskKind.FIT, task().model(), settings.withMaxSteps(7));

        assertThat(steps(builder().build(), threeEpochs)).isEqualTo(12);
        assertThat(steps(builder().build(), fewer)).isEqualTo(7);
        assertThat(steps(builder().mostSteps(5).build(), fewer)).isEqualTo(5);
        assertThat(budget.charges.get(2).mechanism()).startsWith("repeated(count=5,");
    }

    private static double steps(DpSgdClient client, Task task) throws Exception {
        return client.fit(task, Idle.context())
                .metrics()
                .get(LocalTrainingClient.LOCAL_STEPS)
                .orElseThrow();
    }

    @Test
    void dividesTheClippedSumByTheDeclaredNumberOfPersons() throws Exception {
        // Gradients at 0 are (1/2 - y) (x, 1): of norms 2.5 and 0.5 times sqrt(2).
        InMemoryExamples two =
                InMemoryExamples.wrap(Shape.of(FEATURES), new float[] {3, 4, 0, 1, 0, 0}, new float[] {1, 0});
        float[] moved = fit(
                silent(() -> Logistic.perExample(FEATURES), PersonExamples.ofRecords(two))
                        .declaredPersons(10)
                        .build(),
                task());

        double norm = Math.sqrt(26);
        double[] expected = {3 / norm - 0.5, 4 / norm, 0, 1 / norm - 0.5};
        for (int i = 0; i < expected.length; i++) {
            assertThat((double) moved[i]).isCloseTo(expected[i] / 10, within(1e-6));
        }
    }

    @Test
    void personWithManyRecordsCountsOnce() throws Exception {
        float[] features = new float[1000 * FEATURES];
        Arrays.fill(features, 5);
        float[] targets = new float[1000];
        Arrays.fill(targets, 1);
        InMemoryExamples many = InMemoryExamples.wrap(Shape.of(FEATURES), features, targets);
        PersonExamples oneperson = PersonExamples.of(many, Collections.nCopies(1000, "patient 1"));

        for (int most : new int[] {1, 7, 2000}) {
            float[] moved = fit(
                    silent(() -> Logistic.perExample(FEATURES), oneperson.withMostRecords(most))
                            .build(),
                    task());
            assertThat(norm(moved)).isCloseTo(1, within(1e-6));
        }
        assertThat(norm(fit(
                        silent(() -> Logistic.perExample(FEATURES), PersonExamples.ofRecords(many))
                                .build(),
                        task())))
                .isCloseTo(1000, within(1e-2));
    }

    private static double norm(float[] values) {
        double sum = 0;
        for (float value : values) {
            sum += (double) value * value;
        }
        return Math.sqrt(sum);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10})
    void onePersonMoreMovesTheSumByAtMostTheClippingNorm(int seed) throws Exception {
        InMemoryExamples all = examples(30 + seed);
        List<Integer> personOf = new ArrayList<>();
        SeededRandom random = SeededRandom.of(seed);
        for (int i = 0; i < 30 + seed; i++) {
            personOf.add((int) (random.nextDouble() * 8));
        }
        int[] others = IntStream.range(0, personOf.size())
                .filter(i -> personOf.get(i) != 3)
                .toArray();
        List<Integer> othersOf = Arrays.stream(others).mapToObj(personOf::get).toList();

        float[] with = fit(
                silent(
                                () -> Logistic.perExample(FEATURES),
                                PersonExamples.of(all, personOf).withMostRecords(99))
                        .build(),
                task());
        float[] without = fit(
                silent(
                                () -> Logistic.perExample(FEATURES),
                                PersonExamples.of(all.subset(others), othersOf).withMostRecords(99))
                        .build(),
                task());

        for (int i = 0; i < with.length; i++) {
            with[i] -= without[i];
        }
        assertThat(norm(with)).isPositive().isLessThanOrEqualTo(1 + 1e-6);
    }

    @Test
    void modelWithoutPerExampleGradientsTrainsAlike() throws Exception {
        List<Integer> personOf = new ArrayList<>();
        for (int i = 0; i < 40; i++) {
            personOf.add(i / 4);
        }
        PersonExamples persons = PersonExamples.of(examples(40), personOf);

        float[] single =
                fit(silent(() -> Logistic.perExample(FEATURES), persons).build(), task());
        float[] batched = fit(silent(() -> Logistic.of(FEATURES), persons).build(), task());

        for (int i = 0; i < single.length; i++) {
            assertThat(batched[i]).isCloseTo(single[i], within(1e-5f));
        }
    }

    @Test
    void trainsTheNamedTensorsAloneAndClipsOnlyThem() throws Exception {
        float[] features = {3, 4, 0};
        InMemoryExamples one = InMemoryExamples.wrap(Shape.of(FEATURES), features, new float[] {1});
        DpSgdClient client = builder(() -> Logistic.perExample(FEATURES), PersonExamples.ofRecords(one))
                .noiseMultiplier(0.1)
                .samplingRate(1)
                .declaredPersons(1)
                .trainOnly("bias")
                .build();

        float[] moved = fit(client, task());

        assertThat(Arrays.copyOf(moved, FEATURES)).containsOnly(0f);
        // Not clipped, though the whole gradient would be; the noise is within 8 standard deviations.
        assertThat((double) moved[FEATURES]).isCloseTo(0.5, within(0.8)).isNotEqualTo(0.5);
        assertThatExceptionOfType(TaskDeclinedException.class)
                .isThrownBy(() -> builder(() -> Logistic.perExample(FEATURES), PersonExamples.ofRecords(one))
                        .trainOnly("head")
                        .build()
                        .fit(task(), Idle.context()))
                .withMessageContaining("'head'");
        assertThat(budget.charges).hasSize(1);
    }

    @Test
    void declinesWeightDecayOnTensorsThatAreNotTrained() {
        Task decayed = task(TaskKind.FIT, task().model(), oneStep().withWeightDecay(0.1));
        assertThatExceptionOfType(TaskDeclinedException.class)
                .isThrownBy(() -> builder().trainOnly("bias").build().fit(decayed, Idle.context()))
                .withMessageContaining("weightDecay must be 0");
    }

    @Test
    void personWhoseGradientCannotBeComputedAddsNothing() throws Exception {
        float[] features = {1, 0, 0, Float.NaN, 0, 0, 3e38f, 3e38f, 3e38f};
        float[] targets = {1, 1, 1};
        InMemoryExamples bad = InMemoryExamples.wrap(Shape.of(FEATURES), features, targets);
        // The third is finite, and clipped to the norm.
        float[] moved = fit(
                silent(() -> Logistic.perExample(FEATURES), PersonExamples.ofRecords(bad.subset(0, 1)))
                        .build(),
                task());
        assertThat((double) moved[0]).isCloseTo(0.5, within(1e-6));
        float[] large = fit(
                silent(() -> Logistic.perExample(FEATURES), PersonExamples.ofRecords(bad.subset(1, 2)))
                        .build(),
                task());
        assertThat(norm(large)).isCloseTo(1, within(1e-6));
    }

    /** Steps of noise alone over a long model, in units of what it should be: standard normal. */
    private double[] noise(double multiplier) throws Exception {
        int features = 4999;
        InMemoryExamples none = InMemoryExamples.wrap(Shape.of(features), new float[0], new float[0]);
        Model start = Logistic.of(features).initialModel(0);
        float[] moved = fit(
                builder(() -> Logistic.perExample(features), PersonExamples.ofRecords(none))
                        .clippingNorm(0.7)
                        .noiseMultiplier(multiplier)
                        .samplingRate(0.125)
                        .declaredPersons(80)
                        .build(),
                task(TaskKind.FIT, start, oneStep()));
        double[] units = new double[moved.length];
        for (int i = 0; i < moved.length; i++) {
            units[i] = moved[i] * 10 / (0.7 * 1.3);
        }
        return units;
    }

    @Test
    void emptyStepIsMadeOfNoiseOfTheClaimedDeviation() throws Exception {
        double[] samples = noise(1.3);
        StatisticalAssertions.assertNormalDeviation(samples, 0, 1, FALSE_ALARM);
        StatisticalAssertions.assertMean(samples, 0, 1, FALSE_ALARM);
    }

    @Test
    void underNoisedStepsFailTheSameCheck() throws Exception {
        double[] samples = noise(1.3 * 0.85);
        assertThatThrownBy(() -> StatisticalAssertions.assertNormalDeviation(samples, 0, 1, FALSE_ALARM))
                .isInstanceOf(AssertionError.class);
    }

    @Test
    void declinesWhatWouldReleaseWithoutNoise() {
        DpSgdClient client = builder().build();
        Model model = task().model();
        assertThatExceptionOfType(TaskDeclinedException.class)
                .isThrownBy(() -> client.evaluate(task(TaskKind.EVALUATE, model, oneStep()), Idle.context()))
                .withMessageContaining("no public test set");
        for (TaskKind kind : List.of(TaskKind.FEATURE_STATISTICS, TaskKind.FINE_TUNE)) {
            assertThatExceptionOfType(TaskDeclinedException.class)
                    .isThrownBy(() -> client.perform(task(kind, model, oneStep()), Idle.context()))
                    .withMessageContaining("without noise");
        }
        Task corrected = task().toBuilder()
                .config(oneStep().toConfig().with(LocalCorrection.SETTING, "scaffold"))
                .build();
        assertThatExceptionOfType(TaskDeclinedException.class)
                .isThrownBy(() -> client.fit(corrected, Idle.context()))
                .withMessageContaining("scaffold");
        assertThat(budget.charges).isEmpty();
    }

    @Test
    void evaluatesOnAPublicTestSet() throws Exception {
        DpSgdClient client = builder().publicTest(examples(12)).build();
        ClientUpdate update = client.evaluate(task(TaskKind.EVALUATE, task().model(), oneStep()), Idle.context());
        assertThat(update.exampleCount()).isEqualTo(12);
        assertThat(budget.charges).isEmpty();
    }

    @Test
    void givesAnInitialModelThatOnlyTheSeedDetermines() throws Exception {
        ClientUpdate update =
                builder().build().perform(task(TaskKind.INITIAL_MODEL, Model.empty(), oneStep()), Idle.context());
        assertThat(update.model()).contains(Logistic.of(FEATURES).initialModel(7));
        assertThat(update.exampleCount()).isEqualTo(40);
    }

    @Test
    void declinesBuffersThatTrainingChanges() throws Exception {
        PersonExamples persons = PersonExamples.ofRecords(examples(40));
        Model start = Model.builder()
                .trainable("weight", Tensor.wrap(new float[FEATURES]))
                .trainable("bias", Tensor.wrap(new float[1]))
                .buffer("seen", Tensor.wrap(new float[] {4}))
                .build();
        Task buffered = task(TaskKind.FIT, start, oneStep());

        assertThatExceptionOfType(TaskDeclinedException.class)
                .isThrownBy(() -> builder(() -> new Logistic(FEATURES, true), persons)
                        .build()
                        .fit(buffered, Idle.context()))
                .withMessageContaining("seen");
        assertThat(budget.charges).isEmpty();
        assertThatExceptionOfType(TaskDeclinedException.class)
                .isThrownBy(() -> builder(
                                () -> {
                                    Logistic model = new Logistic.PerExample(FEATURES, true);
                                    model.countsInBuffer = true;
                                    return model;
                                },
                                persons)
                        .samplingRate(1)
                        .build()
                        .fit(buffered, Idle.context()))
                .withMessageContaining("training changes seen");
        ClientUpdate fixed = builder(() -> new Logistic.PerExample(FEATURES, true), persons)
                .build()
                .fit(buffered, Idle.context());
        assertThat(fixed.model().orElseThrow().tensor("seen").get(0)).isEqualTo(4);
    }

    @Test
    void declinesAnotherModelAndOtherFeatures() {
        Task other = task(TaskKind.FIT, Logistic.of(5).initialModel(0), oneStep());
        assertThatExceptionOfType(TaskDeclinedException.class)
                .isThrownBy(() -> builder().build().fit(other, Idle.context()))
                .withMessageContaining("another model");
        assertThatExceptionOfType(TaskDeclinedException.class)
                .isThrownBy(() -> builder(() -> Logistic.perExample(5), PersonExamples.ofRecords(examples(4)))
                        .build()
                        .fit(other, Idle.context()))
                .withMessageContaining("features of shape");
        assertThat(budget.charges).isEmpty();
    }

    @Test
    void stopsWhenTheTaskIsCancelled() {
        assertThatThrownBy(() -> builder().build().fit(task(), new Idle(true)))
                .isInstanceOf(InterruptedException.class);
    }

    @Test
    void pullsTowardsTheGlobalModelWithoutMoreNoise() throws Exception {
        TrainingSettings settings =
                TrainingSettings.defaults().withLearningRate(0.5).withLocalEpochs(4);
        PersonExamples persons = PersonExamples.ofRecords(examples(40));
        DpSgdClient client =
                silent(() -> Logistic.perExample(FEATURES), persons).build();
        Model start = task().model();

        double free = norm(fit(client, task(TaskKind.FIT, start, settings)));
        double pulled = norm(fit(client, task(TaskKind.FIT, start, settings.withMu(1))));

        assertThat(pulled).isLessThan(free);
        assertThat(budget.charges.get(1).mechanism())
                .isEqualTo(budget.charges.get(0).mechanism());
    }

    @Test
    void refusesSettingsOutOfRangeByName() {
        assertRefused(builder().clippingNorm(0), "clippingNorm", "0.0");
        assertRefused(builder().noiseMultiplier(Double.NaN), "noiseMultiplier", "NaN");
        assertRefused(builder().noiseMultiplier(0), "noiseMultiplier", "0.0");
        assertRefused(builder().samplingRate(0), "samplingRate", "0.0");
        assertRefused(builder().samplingRate(1.01), "samplingRate", "1.01");
        assertRefused(builder().declaredPersons(0), "declaredPersons", "0");
        assertRefused(builder().mostSteps(0), "mostSteps", "0");
        assertThatThrownBy(() -> builder().budget(budget, "")).hasMessage("scope must not be empty");
        assertRefused(
                DpSgdClient.builder(() -> Logistic.of(FEATURES), PersonExamples.ofRecords(examples(4))),
                "budget",
                "must be given");
    }

    private static void assertRefused(DpSgdClient.Builder builder, String name, String value) {
        assertThatThrownBy(builder::build)
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(name)
                .hasMessageContaining(value);
    }

    @Test
    void findsTheNoiseForATarget() {
        TrainingSettings settings = TrainingSettings.defaults().withLocalEpochs(2);
        long steps = 10 * DpSgdClient.steps(0.25, settings);
        assertThat(steps).isEqualTo(80);
        DpSgdClient client = builder()
                .noiseFor(Calibration.of(AccountingMethod.RDP, NeighboringRelation.ADD_OR_REMOVE_ONE, 3, 1e-5), steps)
                .build();
        double reached = AccountingMethod.RDP
                .start(NeighboringRelation.ADD_OR_REMOVE_ONE)
                .compose(client.event(steps))
                .epsilon(1e-5);
        assertThat(reached).isBetween(3 * (1 - 1e-4), 3.0);
        assertThat(client.noiseMultiplier()).isGreaterThan(1);
        assertThatThrownBy(() -> builder()
                        .noiseFor(
                                Calibration.of(AccountingMethod.RDP, NeighboringRelation.ADD_OR_REMOVE_ONE, 3, 1e-5),
                                0))
                .hasMessage("steps must be >= 1, were 0");
    }

    @Test
    void saysWhatItProtects() {
        assertThat(builder().build().toString())
                .isEqualTo("dp-sgd(unit=record, clippingNorm=1.0, noiseMultiplier=1.0, samplingRate=0.25,"
                        + " declaredPersons=40)");
    }

    /** Calls back when it is opened. */
    private record Watched(ExampleSource source, Runnable opened) implements ExampleSource {
        @Override
        public long exampleCount() {
            return source.exampleCount();
        }

        @Override
        public Shape featureShape() {
            return source.featureShape();
        }

        @Override
        public int targetLength() {
            return source.targetLength();
        }

        @Override
        public BatchReader open(ExampleOrder order) {
            opened.run();
            return source.open(order);
        }
    }
}
