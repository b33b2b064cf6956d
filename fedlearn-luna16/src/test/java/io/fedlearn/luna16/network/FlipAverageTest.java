package io.fedlearn.luna16.network;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.ModelSpec;
import io.fedlearn.core.tensor.Shape;
import io.fedlearn.core.training.Batch;
import io.fedlearn.core.training.LocalModel;
import io.fedlearn.core.training.Objective;
import io.fedlearn.core.training.TrainingSettings;
import io.fedlearn.luna16.patch.PatchShape;
import io.fedlearn.testkit.contract.LocalModelContract;
import java.util.List;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

class FlipAverageTest extends LocalModelContract {
    @Override
    protected LocalModel create() {
        return FlipAverage.of(LunaNet.of(new PatchShape(4, 4, 4), List.of(2, 2)).create());
    }

    @Override
    protected Batch batch(int examples, long seed) {
        Batch batch = super.batch(examples, seed);
        for (int i = 0; i < batch.features().length; i++) {
            batch.features()[i] *= 0.2f;
        }
        return batch;
    }

    @Override
    protected double gradientTolerance() {
        return 5e-3;
    }

    @Override
    protected boolean trainsAsItEvaluates() {
        return false;
    }

    /** Answers with one voxel of an image. */
    private static final class FirstVoxel implements LocalModel {
        private final Objective objective;
        private final Shape shape;

        FirstVoxel(Objective objective, Shape shape) {
            this.objective = objective;
            this.shape = shape;
        }

        @Override
        public ModelSpec spec() {
            return Model.empty().spec();
        }

        @Override
        public Model initialModel(long seed) {
            return Model.empty();
        }

        @Override
        public void load(Model model) {}

        @Override
        public Model snapshot() {
            return Model.empty();
        }

        @Override
        public float[] trainables() {
            return new float[0];
        }

        @Override
        public void startTraining(TrainingSettings settings, long seed) {}

        @Override
        public double lossAndGradient(Batch batch, float[] gradient) {
            return 0;
        }

        @Override
        public void applyGradient(float[] gradient) {}

        @Override
        public Objective objective() {
            return objective;
        }

        @Override
        public Shape featureShape() {
            return shape;
        }

        @Override
        public int outputLength() {
            return 1;
        }

        @Override
        public double evaluate(Batch batch, float[] outputs) {
            for (int i = 0; i < batch.size(); i++) {
                outputs[i] = batch.features()[i * batch.featureLength()];
            }
            return 0;
        }
    }

    @Test
    void averagesOverTheEightCornersOfAnImage() {
        Shape shape = Shape.of(1, 2, 3, 4);
        FlipAverage average = FlipAverage.of(new FirstVoxel(Objective.BINARY, shape));
        Batch batch = Batch.of(2, 24, 1);
        // Only the corners count: each is the first voxel of one mirror image.
        TreeSet<Integer> corners = new TreeSet<>(List.of(0, 3, 8, 11, 12, 15, 20, 23));
        double sum = 0;
        for (int corner : corners) {
            batch.features()[24 + corner] = corner / 100f;
            sum += corner / 100f;
        }
        batch.targets()[1] = 1;
        batch.resize(2);
        float[] outputs = new float[2];

        double loss = average.evaluate(batch, outputs);

        assertThat(outputs[0]).isZero();
        assertThat(outputs[1]).isEqualTo((float) (sum / 8));
        // -log(1 - 0) and -log(mean).
        assertThat(loss).isCloseTo(-Math.log(sum / 8), within(1e-12));
    }

    @Test
    void answersAlikeWhicheverWayTheImageIsTurned() {
        LocalModel average = create();
        average.load(batchTrained());
        Batch batch = batch(1, 5);
        float[] before = new float[1];
        average.evaluate(batch, before);
        float[] features = batch.features();
        for (int z = 0; z < 4; z++) {
            for (int x = 0; x < 16; x++) {
                if (z < 2) {
                    float kept = features[z * 16 + x];
                    features[z * 16 + x] = features[(3 - z) * 16 + x];
                    features[(3 - z) * 16 + x] = kept;
                }
            }
        }
        float[] after = new float[1];
        average.evaluate(batch, after);
        assertThat(after[0]).isCloseTo(before[0], within(1e-6f));
        assertThat(before[0]).isNotEqualTo(0.5f);
    }

    private Model batchTrained() {
        LocalModel model = create();
        model.load(model.initialModel(1));
        model.startTraining(settings(), 1);
        float[] gradient = new float[model.trainables().length];
        for (int i = 0; i < 5; i++) {
            model.lossAndGradient(batch(6, i), gradient);
            model.applyGradient(gradient);
        }
        return model.snapshot();
    }

    @Test
    void refusesModelsThatGiveNoProbabilityForAnImage() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> FlipAverage.of(new FirstVoxel(Objective.REGRESSION, Shape.of(1, 2, 2, 2))))
                .withMessage("the model must give one probability, was REGRESSION with 1 outputs");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> FlipAverage.of(new FirstVoxel(Objective.BINARY, Shape.of(8))))
                .withMessageStartingWith("the model must take images of shape channels x depth x height x width, took");
    }
}
