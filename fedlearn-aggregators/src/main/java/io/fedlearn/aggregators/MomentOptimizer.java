package io.fedlearn.aggregators;

import io.fedlearn.core.strategy.Aggregate;
import io.fedlearn.core.strategy.ServerOptimizer;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.task.Config;
import io.fedlearn.core.task.UpdateForm;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.ModelSpec;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.tensor.TensorRole;
import io.fedlearn.core.tensor.TensorSpec;
import io.fedlearn.core.update.InvalidUpdateException;
import io.fedlearn.core.update.PartState;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * A server optimizer that keeps moments beside the trainables and moves each parameter by its own; buffers and
 * counters are the aggregate's. Works block by block, in no memory but that of the moments and of the next model.
 * Confined to one thread at a time.
 */
final class MomentOptimizer implements ServerOptimizer {
    private static final String STEPS = "steps";
    private static final int BLOCK = 8192;

    /** What is done to a block of parameters. */
    interface Rule {
        /**
         * The names of the moments and what they are before the first round, in the order in which the methods get
         * them.
         */
        List<Map.Entry<String, Double>> moments();

        /** Takes the mean model delta into the moments. */
        void advance(double[] modelDelta, double[][] moments, int count);

        /**
         * Moves the parameters by the moments.
         *
         * @param step counted from 1
         */
        void move(double[] parameters, double[][] moments, int count, long step);
    }

    private final Rule rule;
    private final double[] delta = new double[BLOCK];
    private final double[][] block;
    private List<Moment> moments = List.of();
    private long steps;

    MomentOptimizer(Rule rule) {
        this.rule = rule;
        this.block = new double[rule.moments().size()][BLOCK];
    }

    @Override
    public void check(ClientUpdate update, Model global) {
        StepLimit.require(update, global);
    }

    @Override
    public String description() {
        return rule.toString();
    }

    /**
     * {@inheritDoc}
     *
     * @throws InvalidUpdateException if a parameter or a moment would leave the range of its type; nothing has changed
     *     then
     */
    @Override
    public Model step(Model global, Aggregate aggregate) {
        prepare(Moment.specFor(global.spec()));
        // The moments change only once the whole step is known to be good, so that a refused one leaves no trace.
        List<Tensor> next = new ArrayList<>(global.spec().size());
        int trainables = 0;
        for (int t = 0; t < global.spec().size(); t++) {
            TensorSpec tensor = global.spec().tensors().get(t);
            next.add(
                    tensor.role() == TensorRole.TRAINABLE
                            ? move(global, aggregate, t, trainables++)
                            : aggregate.toTensor(global, t));
        }
        trainables = 0;
        for (int t = 0; t < global.spec().size(); t++) {
            if (global.spec().tensors().get(t).role() == TensorRole.TRAINABLE) {
                keep(global, aggregate, t, trainables++);
            }
        }
        steps++;
        return Model.of(global.spec(), next);
    }

    private void prepare(ModelSpec spec) {
        if (moments.isEmpty()) {
            moments = rule.moments().stream()
                    .map(moment -> Moment.of(spec, moment.getValue()))
                    .toList();
        }
        for (Moment moment : moments) {
            if (!moment.spec().equals(spec)) {
                throw new IllegalStateException(
                        "the server optimizer's state is of another model: it has " + moment.spec() + ", not " + spec);
            }
        }
    }

    private Tensor move(Model global, Aggregate aggregate, int t, int trainable) {
        TensorSpec spec = global.spec().tensors().get(t);
        Tensor current = global.tensors().get(t);
        Tensor moved = Tensor.computed(spec.type(), spec.shape(), (from, parameters, count) -> {
            advance(global, aggregate, t, trainable, (int) from, count);
            for (int m = 0; m < block.length; m++) {
                if (!moments.get(m).canHold(trainable, block[m], count)) {
                    throw outOfRange(spec);
                }
            }
            current.copyTo(from, parameters, 0, count);
            rule.move(parameters, block, count, steps + 1);
        });
        if (moved.firstNonFinite() >= 0) {
            throw outOfRange(spec);
        }
        return moved;
    }

    private static InvalidUpdateException outOfRange(TensorSpec spec) {
        return InvalidUpdateException.ofTensor(
                spec.name(), "leaves the range of " + spec.type() + " in the step of the server optimizer");
    }

    private void advance(Model global, Aggregate aggregate, int t, int trainable, int from, int count) {
        double[] values = aggregate.values(t);
        if (aggregate.form() == UpdateForm.MODEL_DELTA) {
            System.arraycopy(values, from, delta, 0, count);
        } else {
            global.tensors().get(t).copyTo(from, delta, 0, count);
            for (int i = 0; i < count; i++) {
                delta[i] = values[from + i] - delta[i];
            }
        }
        for (int m = 0; m < block.length; m++) {
            moments.get(m).read(trainable, from, block[m], count);
        }
        rule.advance(delta, block, count);
    }

    private void keep(Model global, Aggregate aggregate, int t, int trainable) {
        int length = aggregate.values(t).length;
        for (int from = 0; from < length; from += BLOCK) {
            int count = Math.min(BLOCK, length - from);
            advance(global, aggregate, t, trainable, from, count);
            for (int m = 0; m < block.length; m++) {
                moments.get(m).write(trainable, from, block[m], count);
            }
        }
    }

    @Override
    public PartState snapshot() {
        if (steps == 0) {
            return PartState.empty();
        }
        Map<String, Model> tensors = new TreeMap<>();
        for (int m = 0; m < moments.size(); m++) {
            tensors.put(rule.moments().get(m).getKey(), moments.get(m).snapshot());
        }
        return new PartState(tensors, Config.empty().with(STEPS, steps));
    }

    /**
     * {@inheritDoc}
     *
     * @throws IllegalArgumentException if the state is that of another optimizer
     */
    @Override
    public void restore(PartState state) {
        if (state.isEmpty()) {
            moments = List.of();
            steps = 0;
            return;
        }
        List<Moment> restored = new ArrayList<>();
        for (Map.Entry<String, Double> moment : rule.moments()) {
            Model saved = state.tensors().get(moment.getKey());
            if (saved == null || state.tensors().size() != rule.moments().size()) {
                throw new IllegalArgumentException("the state must hold the moments "
                        + Arrays.toString(
                                rule.moments().stream().map(Map.Entry::getKey).toArray())
                        + ", held " + state.tensors().keySet());
            }
            restored.add(Moment.copyOf(saved));
        }
        long savedSteps = state.values().getLong(STEPS).orElse(0L);
        if (savedSteps < 1) {
            throw new IllegalArgumentException(STEPS + " must be >= 1, was " + savedSteps);
        }
        moments = List.copyOf(restored);
        steps = savedSteps;
    }
}
