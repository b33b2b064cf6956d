package io.fedlearn.privacy.central;

import io.fedlearn.core.random.SeededRandom;
import io.fedlearn.core.strategy.Aggregate;
import io.fedlearn.core.strategy.WeightedUpdate;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Shape;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.tensor.TensorType;
import java.util.ArrayList;
import java.util.List;

/** Models and updates of the tests here. */
final class Updates {
    private static final double[] MAGNITUDES = {1e-320, 1e-44, 1e-20, 1e-7, 1e-3, 1, 300, 60_000};

    private Updates() {}

    /** A model of every floating-point type, with a buffer and counters. */
    static Model mixedModel() {
        return Model.builder()
                .trainable("single", Tensor.zeros(TensorType.FLOAT32, Shape.of(5000)))
                .trainable("double", Tensor.zeros(TensorType.FLOAT64, Shape.of(37)))
                .buffer("half", Tensor.zeros(TensorType.FLOAT16, Shape.of(3, 5)))
                .trainable("brain", Tensor.zeros(TensorType.BFLOAT16, Shape.of(11)))
                .counter("batches", Tensor.copyOf(new long[] {7}, 1))
                .buffer("kept", Tensor.copyOf(new int[] {3, 4}, 2))
                .build();
    }

    /** One trainable of float64 values. */
    static Model model(double... values) {
        return Model.builder()
                .trainable("weight", Tensor.wrap(values.clone(), values.length))
                .build();
    }

    /** A delta like this model, whose values have one magnitude or many. */
    static Model randomDelta(Model global, long seed) {
        SeededRandom random = SeededRandom.of(seed);
        double magnitude = MAGNITUDES[(int) (random.nextDouble() * MAGNITUDES.length)];
        boolean isMixed = random.nextDouble() < 0.3;
        boolean isSparse = random.nextDouble() < 0.3;
        List<Tensor> tensors = new ArrayList<>();
        for (Tensor tensor : global.tensors()) {
            double[] values = new double[(int) tensor.elementCount()];
            for (int i = 0; tensor.type().isFloating() && i < values.length; i++) {
                double size = isMixed ? MAGNITUDES[(int) (random.nextDouble() * MAGNITUDES.length)] : magnitude;
                values[i] = isSparse && random.nextDouble() < 0.99 ? 0 : size * (2 * random.nextDouble() - 1);
            }
            tensors.add(Tensor.rounded(tensor.type(), tensor.shape(), values));
        }
        return Model.of(global.spec(), tensors);
    }

    static WeightedUpdate delta(String clientId, Model delta) {
        return new WeightedUpdate(clientId, ClientUpdate.ofModelDelta(delta, 1), 1);
    }

    static WeightedUpdate delta(String clientId, double... values) {
        return delta(clientId, model(values));
    }

    /** All values of an aggregate, one tensor after the other. */
    static double[] values(Aggregate aggregate) {
        List<Double> all = new ArrayList<>();
        for (int t = 0; t < aggregate.spec().size(); t++) {
            for (double value : aggregate.values(t)) {
                all.add(value);
            }
        }
        return all.stream().mapToDouble(Double::doubleValue).toArray();
    }
}
