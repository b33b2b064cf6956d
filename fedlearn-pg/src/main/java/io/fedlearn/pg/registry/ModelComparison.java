package io.fedlearn.pg.registry;

import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.ModelSpec;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.tensor.TensorSpec;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.TreeSet;

/**
 * How two versions differ.
 *
 * @param first of the two
 * @param second of the two
 * @param metrics of either, side by side, by name
 * @param specDifferences in what their tensors differ, a line for each; empty if the one can take the other's place
 * @param distances between the tensors of the same name and shape, in the first model's order
 */
public record ModelComparison(
        ModelVersion first,
        ModelVersion second,
        List<MetricPair> metrics,
        List<String> specDifferences,
        List<TensorDistance> distances) {
    private static final int BLOCK = 8192;

    /** Copies the lists. */
    public ModelComparison {
        metrics = List.copyOf(metrics);
        specDifferences = List.copyOf(specDifferences);
        distances = List.copyOf(distances);
    }

    /**
     * A metric of both versions.
     *
     * @param name of the metric
     * @param first its value for the first version, if it was measured
     * @param second its value for the second version, if it was measured
     */
    public record MetricPair(String name, OptionalDouble first, OptionalDouble second) {
        /** The second's value less the first's, if both were measured. */
        public OptionalDouble difference() {
            return first.isPresent() && second.isPresent()
                    ? OptionalDouble.of(second.getAsDouble() - first.getAsDouble())
                    : OptionalDouble.empty();
        }
    }

    /**
     * How far apart two tensors are.
     *
     * @param name of the tensor
     * @param l2 the Euclidean norm of the difference of their values
     * @param relative to the norm of the first's values; empty if that is 0
     */
    public record TensorDistance(String name, double l2, OptionalDouble relative) {}

    static ModelComparison of(ModelVersion first, Model firstModel, ModelVersion second, Model secondModel) {
        List<TensorDistance> distances = new ArrayList<>();
        for (int i = 0; i < firstModel.spec().size(); i++) {
            TensorSpec spec = firstModel.spec().tensors().get(i);
            Optional<Tensor> other = secondModel.find(spec.name());
            if (other.isPresent() && other.get().shape().equals(spec.shape())) {
                distances.add(distance(spec.name(), firstModel.tensors().get(i), other.get()));
            }
        }
        return new ModelComparison(
                first, second, metrics(first, second), differences(firstModel.spec(), secondModel.spec()), distances);
    }

    private static List<MetricPair> metrics(ModelVersion first, ModelVersion second) {
        Set<String> names = new TreeSet<>(first.metrics().names());
        names.addAll(second.metrics().names());
        return names.stream()
                .map(name -> new MetricPair(
                        name, first.metrics().get(name), second.metrics().get(name)))
                .toList();
    }

    private static List<String> differences(ModelSpec first, ModelSpec second) {
        List<String> differences = new ArrayList<>();
        for (TensorSpec mine : first.tensors()) {
            Optional<TensorSpec> theirs = second.tensor(mine.name());
            if (theirs.isEmpty()) {
                differences.add("tensor '" + mine.name() + "' is only in the first");
            } else if (!theirs.get().equals(mine)) {
                differences.add(
                        "tensor '" + mine.name() + "' was " + describe(mine) + ", is " + describe(theirs.get()));
            }
        }
        for (TensorSpec theirs : second.tensors()) {
            if (first.indexOf(theirs.name()) < 0) {
                differences.add("tensor '" + theirs.name() + "' is only in the second");
            }
        }
        if (differences.isEmpty() && !first.equals(second)) {
            differences.add("the tensors are in another order");
        }
        return differences;
    }

    private static String describe(TensorSpec tensor) {
        return tensor.type() + " " + tensor.shape() + " " + tensor.role();
    }

    private static TensorDistance distance(String name, Tensor first, Tensor second) {
        double[] mine = new double[(int) Math.min(BLOCK, first.elementCount())];
        double[] theirs = new double[mine.length];
        double squares = 0;
        double norm = 0;
        for (long done = 0; done < first.elementCount(); done += BLOCK) {
            int count = (int) Math.min(BLOCK, first.elementCount() - done);
            first.copyTo(done, mine, 0, count);
            second.copyTo(done, theirs, 0, count);
            for (int i = 0; i < count; i++) {
                double difference = theirs[i] - mine[i];
                squares += difference * difference;
                norm += mine[i] * mine[i];
            }
        }
        return new TensorDistance(
                name,
                Math.sqrt(squares),
                norm == 0 ? OptionalDouble.empty() : OptionalDouble.of(Math.sqrt(squares / norm)));
    }
}
