package io.fedlearn.core.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.within;

import io.fedlearn.core.tensor.Shape;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

class LocalTrainerTest {
    private static final long SEED = 5;

    private final MeanModel model = MeanModel.ofOneFeature();
    private final RecordingContext context = new RecordingContext();

    @AfterEach
    void clearInterrupt() {
        Thread.interrupted();
    }

    /** One feature each: 0, 1, 2 and so on. */
    private static InMemoryExamples examples(int count) {
        float[] features = new float[count];
        for (int i = 0; i < count; i++) {
            features[i] = i;
        }
        return InMemoryExamples.wrap(Shape.of(1), features, new float[count]);
    }

    private LocalTrainer.Result train(ExampleSource source, TrainingSettings settings) throws InterruptedException {
        return LocalTrainer.train(model, source, settings, List.of(), SEED, context);
    }

    @Test
    void stepsOncePerBatchAndPassesOverAllExamplesInEachEpoch() throws InterruptedException {
        LocalTrainer.Result result = train(
                examples(10), TrainingSettings.defaults().withLocalEpochs(3).withBatchSize(4));

        assertThat(result.steps()).isEqualTo(9);
        assertThat(result.epochs()).isEqualTo(3);
        assertThat(result.examples()).isEqualTo(10);
        assertThat(model.batches()).extracting(List::size).containsExactly(4, 4, 2, 4, 4, 2, 4, 4, 2);
        for (int epoch = 0; epoch < 3; epoch++) {
            assertThat(model.batches().subList(3 * epoch, 3 * epoch + 3).stream()
                            .flatMap(List::stream))
                    .containsExactlyInAnyOrder(0f, 1f, 2f, 3f, 4f, 5f, 6f, 7f, 8f, 9f);
        }
        assertThat(model.batches().subList(0, 3)).isNotEqualTo(model.batches().subList(3, 6));
    }

    @Test
    void tellsTheModelOfEachEpochAlsoOfOneCutShort() throws InterruptedException {
        train(
                examples(4),
                TrainingSettings.defaults().withLocalEpochs(3).withBatchSize(2).withMaxSteps(5));

        assertThat(model.epochs())
                .containsExactly("begin 0", "end 0 after 2", "begin 1", "end 1 after 4", "begin 2", "end 2 after 5");
    }

    @Test
    void doesNotEndAnEpochThatWasCancelled() {
        assertThatExceptionOfType(InterruptedException.class)
                .isThrownBy(() -> LocalTrainer.train(
                        model,
                        examples(4),
                        TrainingSettings.defaults().withBatchSize(1),
                        List.of(),
                        SEED,
                        new RecordingContext(2)));

        assertThat(model.epochs()).containsExactly("begin 0");
    }

    @Test
    void reportsProgressOutOfThePlannedSteps() throws InterruptedException {
        train(examples(3), TrainingSettings.defaults().withLocalEpochs(2).withBatchSize(2));

        assertThat(context.progress()).containsExactly("1/4", "2/4", "3/4", "4/4");
    }

    @Test
    void repeatsForASeedAndShufflesOtherwiseForAnother() throws InterruptedException {
        TrainingSettings settings = TrainingSettings.defaults().withBatchSize(3);
        train(examples(20), settings);
        List<List<Float>> first = List.copyOf(model.batches());
        long seed = model.seed();

        train(examples(20), settings);
        assertThat(model.batches()).isEqualTo(first);
        assertThat(model.seed()).isEqualTo(seed);

        LocalTrainer.train(model, examples(20), settings, List.of(), SEED + 1, context);
        assertThat(model.batches()).isNotEqualTo(first);
        assertThat(model.seed()).isNotEqualTo(seed);
    }

    @Test
    void stopsAtTheLimitOfStepsWithinAnEpoch() throws InterruptedException {
        LocalTrainer.Result result = train(
                examples(10),
                TrainingSettings.defaults().withLocalEpochs(3).withBatchSize(4).withMaxSteps(5));

        assertThat(result.steps()).isEqualTo(5);
        assertThat(result.epochs()).isEqualTo(1);
        assertThat(context.progress()).hasSize(5).endsWith("5/5");
    }

    @Test
    void countsAnEpochThatEndsAtTheLimitOfSteps() throws InterruptedException {
        LocalTrainer.Result result = train(
                examples(10),
                TrainingSettings.defaults().withLocalEpochs(3).withBatchSize(4).withMaxSteps(6));

        assertThat(result.steps()).isEqualTo(6);
        assertThat(result.epochs()).isEqualTo(2);
    }

    @Test
    void endsWithTheEpochsWhenTheLimitOfStepsIsFarther() throws InterruptedException {
        LocalTrainer.Result result =
                train(examples(10), TrainingSettings.defaults().withBatchSize(4).withMaxSteps(100));

        assertThat(result.steps()).isEqualTo(3);
        assertThat(context.progress()).endsWith("3/3");
    }

    @Test
    void takesASourceSmallerThanABatchInOneStep() throws InterruptedException {
        assertThat(train(examples(2), TrainingSettings.defaults().withBatchSize(1 << 24))
                        .steps())
                .isEqualTo(1);
    }

    @Test
    void meanLossIsOverTheExamplesOfTheLastEpoch() throws InterruptedException {
        // Features 0, 1, 2 in one batch: at w = 0 the loss is (0 + 0.5 + 2) / 3; the step of 1 leads to the mean, 1,
        // where it is (0.5 + 0 + 0.5) / 3.
        TrainingSettings settings = TrainingSettings.defaults().withBatchSize(3).withLearningRate(1);

        assertThat(train(examples(3), settings).meanLoss()).isCloseTo(2.5 / 3, within(1e-12));
        model.load(MeanModel.model(0));
        assertThat(train(examples(3), settings.withLocalEpochs(2)).meanLoss()).isCloseTo(1.0 / 3, within(1e-12));
    }

    @Test
    void meanLossWeighsBatchesByTheirExamples() throws InterruptedException {
        // All features 4, batches of 2 and 1, and a step too small to change a float: 8 for each.
        InMemoryExamples fours = InMemoryExamples.wrap(Shape.of(1), new float[] {4, 4, 4}, new float[3]);

        LocalTrainer.Result result =
                train(fours, TrainingSettings.defaults().withBatchSize(2).withLearningRate(1e-30));

        assertThat(result.meanLoss()).isEqualTo(8);
    }

    @Test
    void appliesCorrectionsInOrderToTheGradientOfEachStep() throws InterruptedException {
        List<Float> parametersSeen = new ArrayList<>();
        LocalCorrection plusOne = (gradient, trainables) -> {
            parametersSeen.add(trainables[0]);
            gradient[0] += 1;
        };
        LocalCorrection doubled = (gradient, trainables) -> gradient[0] *= 2;
        InMemoryExamples zeros = InMemoryExamples.wrap(Shape.of(1), new float[2], new float[2]);
        TrainingSettings settings = TrainingSettings.defaults()
                .withBatchSize(2)
                .withLearningRate(0.25)
                .withLocalEpochs(2);

        LocalTrainer.train(model, zeros, settings, List.of(plusOne, doubled), SEED, context);

        // w = 0: gradient (0 + 1) * 2, w = -0.5; then (-0.5 + 1) * 2, w = -0.75.
        assertThat(parametersSeen).containsExactly(0f, -0.5f);
        assertThat(model.trainables()).containsExactly(-0.75f);
    }

    @Test
    void stopsWhenTheTaskIsCancelled() {
        RecordingContext cancelling = new RecordingContext(2);

        assertThatExceptionOfType(InterruptedException.class)
                .isThrownBy(() -> LocalTrainer.train(
                        model, examples(10), TrainingSettings.defaults().withBatchSize(1), List.of(), SEED, cancelling))
                .withMessage("local training was cancelled");
        assertThat(cancelling.progress()).hasSize(2);
    }

    @Test
    void stopsWhenItsThreadIsInterrupted() {
        Thread.currentThread().interrupt();

        assertThatExceptionOfType(InterruptedException.class)
                .isThrownBy(() -> train(examples(10), TrainingSettings.defaults()));
        assertThat(context.progress()).isEmpty();
    }

    @Test
    void refusesASourceWithoutExamples() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> train(examples(0), TrainingSettings.defaults()))
                .withMessage("there is no example to train on");
    }

    /** A source that says it has one example more than it gives, as a table from which a row was deleted. */
    private record Shrunken(ExampleSource source) implements ExampleSource {
        @Override
        public long exampleCount() {
            return source.exampleCount() + 1;
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
            return source.open(order);
        }
    }

    @Test
    @Timeout(10)
    void failsRatherThanReadASourceForEverThatGivesFewerExamplesThanItSays() {
        assertThatIllegalStateException()
                .isThrownBy(() -> train(new Shrunken(examples(3)), TrainingSettings.defaults()))
                .withMessage("the source gave 3 examples in an epoch and says it has 4");
    }
}
