package io.fedlearn.aggregators;

import io.fedlearn.core.strategy.Aggregate;
import io.fedlearn.core.strategy.Aggregator;
import io.fedlearn.core.strategy.WeightedUpdate;
import io.fedlearn.core.task.UpdateForm;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.ModelSpec;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.tensor.TensorSpec;
import io.fedlearn.core.tensor.TensorType;
import io.fedlearn.core.update.InvalidUpdateException;
import io.fedlearn.core.update.UpdateCheck;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.Executor;
import java.util.stream.Stream;

/**
 * The weighted mean of the updates, summed in float64 as they come.
 *
 * <p>With weights {@code p_k} and tensors {@code x_k} of the cohort {@code S}, element by element:
 * <pre>
 *   mean = sum_{k in S} p_k x_k / sum_{k in S} p_k
 * </pre>
 *
 * <p><b>Forms.</b> Updates of one round are all models or all model deltas; a round that mixes them is refused, naming
 * both. A {@linkplain UpdateForm#WEIGHTED_SUM weighted sum} enters beside models as what it is, {@code exampleCount}
 * times a mean: it is added as it stands where it counts by examples, and scaled to the weight it has where example
 * counts are capped or ignored.
 *
 * <p><b>Types.</b> float32, float16, bfloat16 and integers of up to 32 bits are summed in {@code double}; float64 and
 * 64-bit integers in two {@code double}s (a compensated dot product: Ogita, Rump and Oishi, "Accurate Sum and Dot
 * Product", 2005). All roles are averaged alike; integers are rounded to the nearest whole number, ties to even, when
 * the aggregate becomes a model. A bool has no mean: a model that holds one is refused.
 *
 * <p><b>Equal updates return themselves</b>, whatever the weights. For float32 values and whole weights of up to 2^29
 * in all, no product or sum is rounded. Beyond that, and for weights that are not whole, each of {@code K} updates
 * adds a relative error of at most 2^-52, whereas to come out as another float32 a mean would have to be off by 2^-25:
 * that takes more than 2^27 updates. The narrower types have still more room, and 32-bit integers would have to be off
 * by one half in 2^32. The two doubles of float64 and of 64-bit integers are off by about K^2 2^-106 where 2^-54 and
 * 2^-65 would be seen; the sum of the weights is kept in two doubles for the same reason. A value of -0.0 stays -0.0.
 *
 * <p>Scaling all weights by a power of two changes no bit; by another factor, which rounds the weights themselves, at
 * most the last bit of the largest of the values averaged. How updates are split over calls of {@link #accumulate}
 * changes nothing, nor does the number of threads: each element takes them in the order of the lists.
 *
 * <p><b>Shapes and cost.</b> Every update has the global model's names, types and shapes (weighted sums are float64).
 * Scratch is one {@code double} per parameter (two for 64-bit types), allocated in the first round and reused: with
 * the global model and the next one, a round takes 4 times the bytes of a float32 or float64 model. O(|S| p) time for
 * {@code p} parameters.
 *
 * <p><b>Threads.</b> Confined to one thread at a time; the round loop guarantees that.
 */
public final class WeightedMean implements Aggregator.Streaming {
    private final CoordinateSplit split;
    // One for each part of the split.
    private final List<MeanKernel> kernels;
    private ModelSpec spec = ModelSpec.of(List.of());
    private UpdateCheck check = UpdateCheck.forModel(spec);
    private List<double[]> sums = List.of();
    // What the sums of 64-bit tensors leave out, by the tensor's place.
    private final Map<Integer, double[]> rests = new TreeMap<>();
    private Optional<UpdateForm> form = Optional.empty();
    private String firstClient = "";
    private double totalWeight;
    private double totalWeightRest;
    private int updateCount;
    private boolean open;

    private WeightedMean(CoordinateSplit split) {
        this.split = split;
        this.kernels = Stream.generate(MeanKernel::new).limit(split.parts()).toList();
    }

    /** A mean that has seen no update. */
    public static WeightedMean create() {
        return new WeightedMean(CoordinateSplit.none());
    }

    /**
     * A mean that has seen no update and adds large ones on several threads, each a part of the coordinates, to the same
     * bits. The caller's thread is one of them and does what the others do not get to, so the executor may be one that
     * is busy with something else.
     *
     * @param executor of the host, which starts and closes it
     * @param threads how many parts to make, at least 1
     */
    public static WeightedMean onThreads(Executor executor, int threads) {
        return new WeightedMean(CoordinateSplit.of(executor, threads));
    }

    @Override
    public String description() {
        return "weighted-mean";
    }

    @Override
    public boolean isPlainMean() {
        return true;
    }

    /**
     * {@inheritDoc}
     *
     * @throws IllegalArgumentException if the model holds a bool tensor, or one that no array can hold
     */
    @Override
    public void begin(Model global) {
        if (!spec.equals(global.spec())) {
            allocate(global.spec());
        }
        // What is summed in one double is written by the first list, over what the last round left.
        rests.forEach((t, rest) -> {
            // The neutral element of addition: 0.0 would turn a sum of -0.0 into 0.0.
            Arrays.fill(sums.get(t), -0.0);
            Arrays.fill(rest, 0);
        });
        form = Optional.empty();
        firstClient = "";
        totalWeight = 0;
        totalWeightRest = 0;
        updateCount = 0;
        open = true;
    }

    private void allocate(ModelSpec newSpec) {
        for (TensorSpec tensor : newSpec.tensors()) {
            if (tensor.type() == TensorType.BOOL) {
                throw new IllegalArgumentException(
                        "tensor '" + tensor.name() + "' must be of a number type to be averaged, was BOOL");
            }
            if (tensor.shape().elementCount() > Integer.MAX_VALUE - 8) {
                throw new IllegalArgumentException(
                        "tensor '" + tensor.name() + "' must have at most 2^31-9 elements, had "
                                + tensor.shape().elementCount());
            }
        }
        // Given up before the new ones are there, so that both are never alive at once.
        sums = List.of();
        rests.clear();
        spec = newSpec;
        check = UpdateCheck.forModel(newSpec);
        List<double[]> arrays = new ArrayList<>(newSpec.size());
        for (TensorSpec tensor : newSpec.tensors()) {
            int length = (int) tensor.shape().elementCount();
            if (isWide(tensor.type())) {
                rests.put(arrays.size(), new double[length]);
            }
            arrays.add(new double[length]);
        }
        sums = arrays;
    }

    private static boolean isWide(TensorType type) {
        return type == TensorType.FLOAT64 || type == TensorType.INT64 || type == TensorType.UINT64;
    }

    /**
     * {@inheritDoc}
     *
     * @throws InvalidUpdateException if an update does not fit the global model, is a model delta where others of the
     *     round are models or the other way round, or makes the sum of weights infinite; none of the list is taken in
     *     then
     * @throws IllegalStateException before {@link #begin} and after {@link #finish}
     */
    @Override
    public void accumulate(List<WeightedUpdate> updates) {
        if (!open) {
            throw new IllegalStateException("accumulate is called between begin and finish");
        }
        if (updates.isEmpty()) {
            return;
        }
        requireFitting(updates);
        addWeights(updates);
        double[] scales = new double[updates.size()];
        for (int k = 0; k < scales.length; k++) {
            scales[k] = scale(updates.get(k));
        }
        List<Tensor[]> tensors = new ArrayList<>(spec.size());
        for (int t = 0; t < spec.size(); t++) {
            int place = t;
            tensors.add(updates.stream()
                    .map(update ->
                            update.update().model().orElseThrow().tensors().get(place))
                    .toArray(Tensor[]::new));
        }
        split.run(parameterCount() * scales.length, part -> add(tensors, scales, part));
        updateCount += updates.size();
    }

    private void requireFitting(List<WeightedUpdate> updates) {
        UpdateForm expected = form.orElse(updates.get(0).update().form());
        String expecting = form.isPresent() ? firstClient : updates.get(0).clientId();
        for (WeightedUpdate weighted : updates) {
            check.checkModel(weighted.update(), spec);
            UpdateForm actual = weighted.update().form();
            if ((actual == UpdateForm.MODEL_DELTA) != (expected == UpdateForm.MODEL_DELTA)) {
                throw InvalidUpdateException.of("client '" + weighted.clientId() + "' sent a " + actual + ", client '"
                        + expecting + "' a " + expected + ": a mean cannot mix them");
            }
        }
        form = Optional.of(expected);
        firstClient = expecting;
    }

    private void addWeights(List<WeightedUpdate> updates) {
        double sum = totalWeight;
        double rest = totalWeightRest;
        for (WeightedUpdate weighted : updates) {
            double next = sum + weighted.weight();
            double part = next - sum;
            rest += (sum - (next - part)) + (weighted.weight() - part);
            sum = next;
        }
        if (Double.isInfinite(sum)) {
            throw InvalidUpdateException.of("the aggregation weights add up to infinity");
        }
        totalWeight = sum;
        totalWeightRest = rest;
    }

    /** What the tensors of an update are multiplied by: those of a sum are so already, by the examples in it. */
    private static double scale(WeightedUpdate weighted) {
        return weighted.update().form() == UpdateForm.WEIGHTED_SUM
                ? weighted.weight() / weighted.update().exampleCount()
                : weighted.weight();
    }

    private long parameterCount() {
        return sums.stream().mapToLong(sum -> sum.length).sum();
    }

    private void add(List<Tensor[]> tensors, double[] scales, int part) {
        MeanKernel kernel = kernels.get(part);
        for (int t = 0; t < tensors.size(); t++) {
            double[] sum = sums.get(t);
            double[] rest = rests.get(t);
            int from = split.start(sum.length, part);
            int to = split.start(sum.length, part + 1);
            if (rest == null) {
                kernel.add(tensors.get(t), scales, sum, from, to, updateCount == 0);
            } else {
                kernel.addWide(tensors.get(t), scales, sum, rest, from, to);
            }
        }
    }

    /**
     * {@inheritDoc}
     *
     * @throws InvalidUpdateException if an update held a value that is not finite, or float64 values overflowed,
     *     naming the tensor
     */
    @Override
    public Aggregate finish() {
        if (!open) {
            throw new IllegalStateException("finish is called once after begin");
        }
        if (updateCount == 0) {
            throw new IllegalStateException("no update was accumulated since begin");
        }
        open = false;
        Map<Integer, double[]> remainders = new TreeMap<>();
        Set<Integer> undivided = new TreeSet<>();
        for (int t = 0; t < spec.size(); t++) {
            TensorSpec tensor = spec.tensors().get(t);
            double[] rest = rests.get(t);
            if (rest == null) {
                undivided.add(t);
            } else {
                divideWide(sums.get(t), rest);
                if (tensor.type().isInteger()) {
                    remainders.put(t, rest);
                }
            }
        }
        requireFinite();
        UpdateForm mean = form.orElseThrow() == UpdateForm.MODEL_DELTA ? UpdateForm.MODEL_DELTA : UpdateForm.MODEL;
        double divisor = totalWeight + totalWeightRest;
        return Aggregate.wrap(mean, spec, sums, updateCount, divisor)
                .withDivisor(divisor, undivided)
                .withRemainders(remainders);
    }

    private void divideWide(double[] sum, double[] rest) {
        for (int i = 0; i < sum.length; i++) {
            double quotient = sum[i] / totalWeight;
            double remaining = Math.fma(-quotient, totalWeight, sum[i]) + (rest[i] - quotient * totalWeightRest);
            double correction = remaining / totalWeight;
            // Without the test a quotient of -0.0 would become 0.0.
            double mean = correction == 0 ? quotient : quotient + correction;
            sum[i] = mean;
            rest[i] = correction - (mean - quotient);
        }
    }

    /** A sum in one double has a finite mean if it is finite itself: weights that would make it overflow are refused. */
    private void requireFinite() {
        int[] notFinite = new int[split.parts()];
        split.run(parameterCount(), part -> notFinite[part] = firstNotFinite(part));
        int first = Arrays.stream(notFinite).min().orElseThrow();
        if (first < spec.size()) {
            throw InvalidUpdateException.ofTensor(spec.tensors().get(first).name(), "has a mean that is not finite");
        }
    }

    /** The place of the first tensor with such a value, or the number of tensors. */
    private int firstNotFinite(int part) {
        int t = 0;
        while (t < spec.size()
                && kernels.get(part)
                        .areFinite(
                                sums.get(t),
                                split.start(sums.get(t).length, part),
                                split.start(sums.get(t).length, part + 1))) {
            t++;
        }
        return t;
    }
}
