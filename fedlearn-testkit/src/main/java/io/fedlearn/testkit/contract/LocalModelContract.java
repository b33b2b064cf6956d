package io.fedlearn.testkit.contract;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.fedlearn.core.random.SeededRandom;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.tensor.TensorRole;
import io.fedlearn.core.tensor.TensorSpec;
import io.fedlearn.core.training.Batch;
import io.fedlearn.core.training.LocalModel;
import io.fedlearn.core.training.Objective;
import io.fedlearn.core.training.PerExampleGradients;
import io.fedlearn.core.training.TrainingSettings;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/**
 * Tests the rules of {@link LocalModel}, and of {@link PerExampleGradients} where the model has them; a subclass supplies the
 * model. Numbers in the names of the tests are those of the rules.
 *
 * <p>Gradients are compared with central differences of the loss at some coordinates, {@code (f(w + h) - f(w - h)) / 2h} for
 * three widths {@code h}, of which one must agree: at a wide one the loss bends (or has a kink), at a narrow one it is rounded.
 */
public abstract class LocalModelContract {
    private static final float[] WIDTHS = {0x1p-6f, 0x1p-8f, 0x1p-10f};
    private static final int COORDINATES = 40;
    private static final int BATCH = 12;

    /** For subclasses. */
    protected LocalModelContract() {}

    /** A new model, always alike. */
    protected abstract LocalModel create();

    /** How training goes; momentum makes forgetting it visible. By default SGD at 0.05 with momentum 0.9. */
    protected TrainingSettings settings() {
        return TrainingSettings.defaults().withLearningRate(0.05).withMomentum(0.9);
    }

    /** How far a gradient may be from the differences, in parts of {@code 1 + |gradient|}: 2e-3 by default. */
    protected double gradientTolerance() {
        return 2e-3;
    }

    /** Whether the loss in training is that of an evaluation: not so with dropout. By default it is. */
    protected boolean trainsAsItEvaluates() {
        return true;
    }

    /**
     * A batch for the model; the same for the same seed. By default standard normal features, and targets as the model's
     * objective wants them.
     */
    protected Batch batch(int examples, long seed) {
        LocalModel model = create();
        boolean regression = model.objective() == Objective.REGRESSION;
        int features = Math.toIntExact(model.featureShape().elementCount());
        int targets = regression ? model.outputLength() : 1;
        Batch batch = Batch.of(examples, features, targets);
        SeededRandom random = SeededRandom.of(seed);
        for (int i = 0; i < examples * features; i++) {
            batch.features()[i] = (float) random.nextGaussian();
        }
        for (int i = 0; i < examples * targets; i++) {
            batch.targets()[i] = switch (model.objective()) {
                case REGRESSION -> (float) random.nextGaussian();
                case BINARY -> random.nextInt(2);
                case MULTICLASS -> random.nextInt(model.outputLength());
            };
        }
        batch.resize(examples);
        return batch;
    }

    /** Values to start from that are not on a symmetry: the initial model with every trainable moved a little. */
    private Model start(long seed) {
        LocalModel model = create();
        Model initial = model.initialModel(seed);
        SeededRandom random = SeededRandom.of(SeededRandom.derive(seed, "start"));
        List<Tensor> tensors = new ArrayList<>();
        for (int i = 0; i < initial.spec().size(); i++) {
            TensorSpec spec = initial.spec().tensors().get(i);
            Tensor tensor = initial.tensors().get(i);
            if (spec.role() == TensorRole.TRAINABLE) {
                double[] values = tensor.toDoubleArray();
                for (int j = 0; j < values.length; j++) {
                    values[j] += 0.3 * random.nextGaussian();
                }
                tensor = Tensor.rounded(spec.type(), spec.shape(), values);
            }
            tensors.add(tensor);
        }
        return Model.of(initial.spec(), tensors);
    }

    private static float[] flat(Model model) {
        float[] flat = new float[Math.toIntExact(model.spec().trainableCount())];
        int at = 0;
        for (int i = 0; i < model.spec().size(); i++) {
            if (model.spec().tensors().get(i).role() == TensorRole.TRAINABLE) {
                float[] values = model.tensors().get(i).toFloatArray();
                System.arraycopy(values, 0, flat, at, values.length);
                at += values.length;
            }
        }
        return flat;
    }

    private static Model withFlat(Model model, float[] flat) {
        List<Tensor> tensors = new ArrayList<>();
        int at = 0;
        for (int i = 0; i < model.spec().size(); i++) {
            TensorSpec spec = model.spec().tensors().get(i);
            if (spec.role() == TensorRole.TRAINABLE) {
                double[] values = new double[Math.toIntExact(spec.shape().elementCount())];
                for (int j = 0; j < values.length; j++) {
                    values[j] = flat[at++];
                }
                tensors.add(Tensor.rounded(spec.type(), spec.shape(), values));
            } else {
                tensors.add(model.tensors().get(i));
            }
        }
        return Model.of(model.spec(), tensors);
    }

    private double loss(LocalModel model, Model at, Batch batch, float[] gradient) {
        model.load(at);
        model.startTraining(settings(), 11);
        return model.lossAndGradient(batch, gradient);
    }

    private void train(LocalModel model, int steps, long seed) {
        model.startTraining(settings(), seed);
        float[] gradient = new float[model.trainables().length];
        for (int step = 0; step < steps; step++) {
            model.lossAndGradient(batch(BATCH, 50 + step), gradient);
            model.applyGradient(gradient);
        }
    }

    @Test
    @DisplayName("initialModel: is of the model's specification, finite, and the same for the same seed")
    void initialModelIsSeeded() {
        Model initial = create().initialModel(5);

        assertThat(initial.spec()).isEqualTo(create().spec());
        assertThat(create().initialModel(5)).isEqualTo(initial);
        for (Tensor tensor : initial.tensors()) {
            assertThat(tensor.firstNonFinite()).isEqualTo(-1);
        }
    }

    @Test
    @DisplayName("rule 1: load followed by snapshot gives the same bits")
    void snapshotGivesWhatWasLoaded() {
        LocalModel model = create();
        for (long seed = 1; seed <= 3; seed++) {
            Model start = start(seed);
            model.load(start);
            assertThat(model.snapshot()).isEqualTo(start);
            assertThat(model.snapshot().spec()).isEqualTo(model.spec());
        }
    }

    @Test
    @DisplayName("rule 1: the flat parameters are the trainable tensors in order")
    void trainablesAreTheTensorsInOrder() {
        LocalModel model = create();
        model.load(start(1));

        assertThat(model.trainables()).isEqualTo(flat(start(1)));
    }

    @Test
    @DisplayName("rule 1: a model that was loaded is not changed by training")
    void trainingLeavesTheLoadedModelAsItIs() {
        Model loaded = start(1);
        Model before = Bits.copyOf(loaded);
        LocalModel model = create();
        model.load(loaded);

        train(model, 3, 1);

        assertThat(Bits.copyOf(loaded)).isEqualTo(before);
        assertThat(Bits.copyOf(model.snapshot())).isNotEqualTo(before);
    }

    @Test
    @DisplayName("rule 2: the gradient is that of the mean loss, by central differences")
    void gradientAgreesWithDifferences() {
        for (long seed = 1; seed <= 3; seed++) {
            requireGradient(batch(seed == 1 ? 1 : BATCH, seed), seed);
        }
    }

    private void requireGradient(Batch batch, long seed) {
        LocalModel model = create();
        Model start = start(seed);
        float[] at = flat(start);
        float[] gradient = new float[at.length];
        loss(model, start, batch, gradient);
        SeededRandom random = SeededRandom.of(seed);
        float[] scratch = new float[at.length];
        for (int i = 0; i < COORDINATES; i++) {
            int j = at.length <= COORDINATES ? i % at.length : random.nextInt(at.length);
            double best = Double.POSITIVE_INFINITY;
            double closest = Double.NaN;
            for (float width : WIDTHS) {
                float[] moved = at.clone();
                moved[j] = at[j] + width;
                double up = loss(model, withFlat(start, moved), batch, scratch);
                float above = moved[j];
                moved[j] = at[j] - width;
                double down = loss(model, withFlat(start, moved), batch, scratch);
                double difference = (up - down) / ((double) above - moved[j]);
                if (Math.abs(difference - gradient[j]) < best) {
                    best = Math.abs(difference - gradient[j]);
                    closest = difference;
                }
            }
            if (!(best <= gradientTolerance() * (1 + Math.abs(gradient[j])))) {
                throw new AssertionError(
                        "the gradient by parameter " + j + " should be about " + closest + ", was " + gradient[j]);
            }
        }
    }

    @Test
    @DisplayName("rule 2: loss and gradient are means over the batch, so that a doubled batch changes neither")
    void lossAndGradientAreMeans() {
        assumeTrue(trainsAsItEvaluates());
        Batch once = batch(5, 1);
        Batch twice = Batch.of(10, once.featureLength(), once.targetLength());
        for (int copy = 0; copy < 2; copy++) {
            System.arraycopy(
                    once.features(), 0, twice.features(), copy * 5 * once.featureLength(), 5 * once.featureLength());
            System.arraycopy(
                    once.targets(), 0, twice.targets(), copy * 5 * once.targetLength(), 5 * once.targetLength());
        }
        twice.resize(10);
        LocalModel model = create();
        float[] first = new float[flat(start(1)).length];
        float[] second = new float[first.length];

        double firstLoss = loss(model, start(1), once, first);
        double secondLoss = loss(model, start(1), twice, second);

        assertThat(secondLoss).isCloseTo(firstLoss, within(1e-4 * (1 + Math.abs(firstLoss))));
        for (int j = 0; j < first.length; j++) {
            assertThat((double) second[j]).isCloseTo(first[j], within(1e-4 * (1 + Math.abs(first[j]))));
        }
    }

    @Test
    @DisplayName(
            "rule 2: neither what the gradient's array held before nor what lies behind the batch's examples counts")
    void ignoresWhatWasThereBefore() {
        LocalModel model = create();
        Batch exact = batch(5, 1);
        float[] expected = new float[flat(start(1)).length];
        double expectedLoss = loss(model, start(1), exact, expected);
        Batch roomy = Batch.of(9, exact.featureLength(), exact.targetLength());
        Arrays.fill(roomy.features(), Float.NaN);
        System.arraycopy(exact.features(), 0, roomy.features(), 0, 5 * exact.featureLength());
        System.arraycopy(exact.targets(), 0, roomy.targets(), 0, 5 * exact.targetLength());
        roomy.resize(5);
        float[] gradient = new float[expected.length];
        Arrays.fill(gradient, 123);

        double loss = loss(model, start(1), roomy, gradient);

        assertThat(loss).isEqualTo(expectedLoss);
        assertThat(gradient).isEqualTo(expected);
    }

    @Test
    @DisplayName("rule 2: computing a gradient changes neither the parameters nor the batch")
    void gradientHasNoEffects() {
        LocalModel model = create();
        Batch batch = batch(BATCH, 1);
        float[] features = batch.features().clone();
        float[] targets = batch.targets().clone();
        loss(model, start(1), batch, new float[flat(start(1)).length]);

        assertThat(model.trainables()).isEqualTo(flat(start(1)));
        assertThat(batch.features()).isEqualTo(features);
        assertThat(batch.targets()).isEqualTo(targets);
    }

    @Test
    @DisplayName("rule 2: small steps along the gradient lower the loss")
    void stepsDescend() {
        assumeTrue(trainsAsItEvaluates());
        LocalModel model = create();
        Batch batch = batch(BATCH, 1);
        float[] gradient = new float[flat(start(1)).length];
        model.load(start(1));
        model.startTraining(TrainingSettings.defaults().withLearningRate(1e-3), 1);
        double before = model.lossAndGradient(batch, gradient);
        for (int step = 0; step < 10; step++) {
            model.applyGradient(gradient);
            model.lossAndGradient(batch, gradient);
        }

        assertThat(model.lossAndGradient(batch, gradient)).isLessThan(before);
    }

    @Test
    @DisplayName("rule 3: the same calls give the same bits")
    void sameCallsGiveSameBits() {
        LocalModel first = create();
        first.load(start(1));
        train(first, 6, 9);
        LocalModel second = create();
        second.load(start(1));
        train(second, 6, 9);

        assertThat(second.snapshot()).isEqualTo(first.snapshot());
    }

    @Test
    @DisplayName("rule 4: after startTraining nothing is left of earlier training but the parameters")
    void startTrainingForgets() {
        LocalModel fresh = create();
        fresh.load(start(1));
        train(fresh, 4, 9);
        Model expected = fresh.snapshot();

        LocalModel used = create();
        used.load(start(2));
        train(used, 5, 3);
        used.load(start(1));
        train(used, 4, 9);

        assertThat(used.snapshot()).isEqualTo(expected);
    }

    @Test
    @DisplayName("rule 5: a snapshot does not change when training goes on")
    void snapshotsStay() {
        LocalModel model = create();
        model.load(start(1));
        train(model, 1, 1);
        Model snapshot = model.snapshot();
        Model before = Bits.copyOf(snapshot);

        train(model, 3, 2);
        model.snapshot();
        model.load(start(2));
        model.snapshot();

        assertThat(Bits.copyOf(snapshot)).isEqualTo(before);
    }

    @Test
    @DisplayName(
            "evaluate: the sum of the losses, of which training sees the mean, and outputs of the objective's kind")
    void evaluationAgreesWithTraining() {
        LocalModel model = create();
        Batch batch = batch(BATCH, 1);
        float[] outputs = new float[BATCH * model.outputLength()];
        Arrays.fill(outputs, Float.NaN);
        double mean = loss(model, start(1), batch, new float[flat(start(1)).length]);

        double sum = model.evaluate(batch, outputs);

        if (trainsAsItEvaluates()) {
            assertThat(sum / BATCH).isCloseTo(mean, within(1e-4 * (1 + Math.abs(mean))));
        }
        for (int i = 0; i < BATCH; i++) {
            double total = 0;
            for (int j = 0; j < model.outputLength(); j++) {
                float output = outputs[i * model.outputLength() + j];
                assertThat(output).isFinite();
                if (model.objective() != Objective.REGRESSION) {
                    assertThat(output).isBetween(0f, 1f);
                }
                total += output;
            }
            if (model.objective() == Objective.MULTICLASS) {
                assertThat(total).isCloseTo(1, within(1e-4));
            }
        }
        assertThat(model.snapshot()).as("evaluation trains nothing").isEqualTo(start(1));
    }

    @Test
    @DisplayName("per-example gradients: come in order, and their mean is the batch's gradient")
    void perExampleGradientsAverageToTheBatchs() {
        LocalModel model = create();
        assumeTrue(model instanceof PerExampleGradients && trainsAsItEvaluates());
        Batch batch = batch(BATCH, 1);
        float[] expected = new float[flat(start(1)).length];
        double expectedLoss = loss(model, start(1), batch, expected);
        double[] sum = new double[expected.length];
        double[] losses = new double[1];
        List<Integer> order = new ArrayList<>();

        ((PerExampleGradients) model).forEachGradient(batch, (example, loss, gradient) -> {
            order.add(example);
            losses[0] += loss;
            for (int j = 0; j < sum.length; j++) {
                sum[j] += gradient[j];
            }
        });

        assertThat(order).containsExactly(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11);
        assertThat(losses[0] / BATCH).isCloseTo(expectedLoss, within(1e-4 * (1 + Math.abs(expectedLoss))));
        for (int j = 0; j < sum.length; j++) {
            assertThat(sum[j] / BATCH).isCloseTo(expected[j], within(1e-4 * (1 + Math.abs(expected[j]))));
        }
    }
}
