package io.fedlearn.core.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import io.fedlearn.core.metric.ScoreHistogram;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Shape;
import org.junit.jupiter.api.Test;

/** The outputs of {@link MeanModel} are the features, and its loss is the first of them. */
class EvaluationTest {
    @Test
    void measuresLossAccuracyAndAucOfTwoClasses() {
        // Right, wrong, right (a half counts as class 1), wrong.
        InMemoryExamples examples =
                InMemoryExamples.wrap(Shape.of(1), new float[] {0.9f, 0.2f, 0.5f, 0.6f}, new float[] {1, 1, 1, 0});

        Evaluation evaluation = Evaluation.of(new MeanModel(Objective.BINARY, 1, 1), examples);

        assertThat(evaluation.exampleCount()).isEqualTo(4);
        assertThat(evaluation.metrics().names()).containsExactly("accuracy", "auc", "loss", "sensitivityAt90");
        assertThat(evaluation.metrics().get(Evaluation.LOSS).orElseThrow()).isCloseTo(2.2 / 4, within(1e-7));
        assertThat(evaluation.metrics().get(Evaluation.ACCURACY)).hasValue(0.5);
        assertThat(evaluation.metrics().get(Evaluation.AUC).orElseThrow()).isCloseTo(1.0 / 3, within(1e-12));
        ClientUpdate update = evaluation.toUpdate();
        assertThat(update.model()).isEmpty();
        assertThat(update.exampleCount()).isEqualTo(4);
        assertThat(update.metrics()).isEqualTo(evaluation.metrics());
        Model scores = update.tensors().getOrDefault(Evaluation.SCORES, Model.empty());
        assertThat(ScoreHistogram.ofTensors(scores).positiveCount()).isEqualTo(3);
    }

    @Test
    void leavesAucOutWhereAClassIsMissing() {
        InMemoryExamples examples = InMemoryExamples.wrap(Shape.of(1), new float[] {0.9f, 0.2f}, new float[] {1, 1});

        Evaluation evaluation = Evaluation.of(new MeanModel(Objective.BINARY, 1, 1), examples);

        assertThat(evaluation.metrics().names()).containsExactly("accuracy", "loss");
        assertThat(evaluation.scores()).isPresent();
    }

    @Test
    void measuresLossAndAccuracyOfManyClasses() {
        // The most probable classes are 2, 0, and 0 (the first of a tie).
        float[] outputs = {0.1f, 0.2f, 0.7f, 0.5f, 0.3f, 0.2f, 0.4f, 0.4f, 0.2f};
        InMemoryExamples examples = InMemoryExamples.wrap(Shape.of(3), outputs, new float[] {2, 1, 0});

        Evaluation evaluation = Evaluation.of(new MeanModel(Objective.MULTICLASS, 3, 3), examples);

        assertThat(evaluation.metrics().names()).containsExactly("accuracy", "loss");
        assertThat(evaluation.metrics().get(Evaluation.ACCURACY).orElseThrow()).isCloseTo(2.0 / 3, within(1e-12));
        assertThat(evaluation.metrics().get(Evaluation.LOSS).orElseThrow()).isCloseTo(1.0 / 3, within(1e-7));
        assertThat(evaluation.scores()).isEmpty();
        assertThat(evaluation.toUpdate().tensors()).isEmpty();
    }

    @Test
    void measuresLossAndRmseOfValues() {
        // Errors 1 and -2, 0 and 3.
        InMemoryExamples examples =
                InMemoryExamples.wrap(Shape.of(2), new float[] {2, 1, 5, 6}, new float[] {1, 3, 5, 3});

        Evaluation evaluation = Evaluation.of(new MeanModel(Objective.REGRESSION, 2, 2), examples);

        assertThat(evaluation.metrics().names()).containsExactly("loss", "rmse");
        assertThat(evaluation.metrics().get(Evaluation.RMSE).orElseThrow())
                .isCloseTo(Math.sqrt(14.0 / 4), within(1e-12));
        assertThat(evaluation.metrics().get(Evaluation.LOSS)).hasValue(3.5);
    }

    @Test
    void countsEveryExampleOfSeveralBatches() {
        float[] features = new float[600];
        float[] targets = new float[600];
        for (int i = 0; i < 600; i++) {
            features[i] = i < 450 ? 0.25f : 0.75f;
            targets[i] = 1;
        }

        Evaluation evaluation = Evaluation.of(
                new MeanModel(Objective.BINARY, 1, 1), InMemoryExamples.wrap(Shape.of(1), features, targets));

        assertThat(evaluation.exampleCount()).isEqualTo(600);
        assertThat(evaluation.metrics().get(Evaluation.ACCURACY)).hasValue(0.25);
        assertThat(evaluation.metrics().get(Evaluation.LOSS)).hasValue(0.375);
    }

    @Test
    void refusesASourceWithoutExamples() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Evaluation.of(
                        MeanModel.ofOneFeature(), InMemoryExamples.wrap(Shape.of(1), new float[0], new float[0])))
                .withMessage("there is no example to evaluate on");
    }

    @Test
    void refusesTargetsThatAreNotAsManyAsARegressionsOutputs() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Evaluation.of(
                        new MeanModel(Objective.REGRESSION, 2, 2),
                        InMemoryExamples.wrap(Shape.of(2), new float[4], new float[2])))
                .withMessage("a regression's targets must be as many as the model's 2 outputs, were 1");
    }

    @Test
    void refusesAModelThatGivesNaN() {
        InMemoryExamples examples = InMemoryExamples.wrap(Shape.of(1), new float[] {Float.NaN}, new float[] {1});

        assertThatIllegalArgumentException()
                .isThrownBy(() -> Evaluation.of(new MeanModel(Objective.BINARY, 1, 1), examples))
                .withMessage("probability must be in [0, 1], was NaN");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Evaluation.of(MeanModel.ofOneFeature(), examples))
                .withMessageStartingWith("metric 'loss' must be finite, was NaN");
    }
}
