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
import io.fedlearn.core.tensor.TensorType;
import io.fedlearn.core.update.InvalidUpdateException;
import io.fedlearn.core.update.PartState;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A server optimizer that keeps the mean over all clients of what each of them keeps: SCAFFOLD's control variate, FedDyn's
 * {@code h}. The clients of a round change it by their share in all. It lies in float32 beside each trainable, is computed
 * in {@code double} block by block, and starts at 0. Confined to one thread at a time.
 */
final class VariateOptimizer implements ServerOptimizer {
    private static final int BLOCK = 8192;

    /** What is done to a block of parameters. */
    interface Rule {
        /** The name of what is kept. */
        String variate();

        /** How many clients the federation has. */
        int clients();

        /** Whether clients are sent what is kept. */
        boolean isSent();

        /** The group of the aggregate's tensors that changes what is kept; without one the model delta does. */
        Optional<String> changes();

        /**
         * Changes what is kept.
         *
         * @param change the mean over the round's clients
         * @param share the round's clients as a part of all
         */
        void advance(double[] variate, double[] change, double share, int count);

        /** Moves the parameters, with what is kept as it is after this round. */
        void move(double[] parameters, double[] modelDelta, double[] variate, int count);
    }

    private final Rule rule;
    private final double[] delta = new double[BLOCK];
    private final double[] change = new double[BLOCK];
    private final double[] variate = new double[BLOCK];
    private Optional<Moment> kept = Optional.empty();

    VariateOptimizer(Rule rule) {
        this.rule = rule;
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
     * @throws InvalidUpdateException if there are more updates than clients, or a value would leave the range of its type;
     *     nothing has changed then
     */
    @Override
    public Model step(Model global, Aggregate aggregate) {
        if (aggregate.updateCount() > rule.clients()) {
            throw InvalidUpdateException.of("the round has " + aggregate.updateCount()
                    + " updates, and the strategy was told of " + rule.clients() + " clients in all");
        }
        Moment moment = prepare(global.spec());
        List<Tensor> changes = changes(aggregate);
        // What is kept changes only once the whole step is known to be good, so that a refused one leaves no trace.
        List<Tensor> next = new ArrayList<>(global.spec().size());
        int trainables = 0;
        for (int t = 0; t < global.spec().size(); t++) {
            TensorSpec tensor = global.spec().tensors().get(t);
            next.add(
                    tensor.role() == TensorRole.TRAINABLE
                            ? move(global, aggregate, changes, moment, t, trainables++)
                            : aggregate.toTensor(global, t));
        }
        trainables = 0;
        for (int t = 0; t < global.spec().size(); t++) {
            if (global.spec().tensors().get(t).role() == TensorRole.TRAINABLE) {
                keep(global, aggregate, changes, moment, t, trainables++);
            }
        }
        kept = Optional.of(moment);
        return Model.of(global.spec(), next);
    }

    private Moment prepare(ModelSpec model) {
        ModelSpec spec = SideTensors.specFor(model);
        Moment moment = kept.orElseGet(() -> Moment.of(spec, 0));
        if (!moment.spec().equals(spec)) {
            throw new IllegalStateException(
                    "the server optimizer's state is of another model: it has " + moment.spec() + ", not " + spec);
        }
        return moment;
    }

    private List<Tensor> changes(Aggregate aggregate) {
        if (rule.changes().isEmpty()) {
            return List.of();
        }
        Model group = aggregate.tensors().get(rule.changes().get());
        if (group == null) {
            throw new IllegalStateException("the aggregate has no tensors '"
                    + rule.changes().get() + "': this server optimizer needs the aggregator of its method");
        }
        return group.tensors();
    }

    private Tensor move(Model global, Aggregate aggregate, List<Tensor> changes, Moment moment, int t, int trainable) {
        TensorSpec spec = global.spec().tensors().get(t);
        Tensor current = global.tensors().get(t);
        Tensor moved = Tensor.computed(spec.type(), spec.shape(), (from, parameters, count) -> {
            advance(global, aggregate, changes, moment, t, trainable, (int) from, count);
            if (!moment.canHold(trainable, variate, count)) {
                throw outOfRange(spec.name(), TensorType.FLOAT32);
            }
            current.copyTo(from, parameters, 0, count);
            rule.move(parameters, delta, variate, count);
        });
        if (moved.firstNonFinite() >= 0) {
            throw outOfRange(spec.name(), spec.type());
        }
        return moved;
    }

    private static InvalidUpdateException outOfRange(String tensor, TensorType type) {
        return InvalidUpdateException.ofTensor(
                tensor, "leaves the range of " + type + " in the step of the server optimizer");
    }

    private void advance(
            Model global,
            Aggregate aggregate,
            List<Tensor> changes,
            Moment moment,
            int t,
            int trainable,
            int from,
            int count) {
        double[] values = aggregate.values(t);
        if (aggregate.form() == UpdateForm.MODEL_DELTA) {
            System.arraycopy(values, from, delta, 0, count);
        } else {
            global.tensors().get(t).copyTo(from, delta, 0, count);
            for (int i = 0; i < count; i++) {
                delta[i] = values[from + i] - delta[i];
            }
        }
        double[] meanChange = delta;
        if (!changes.isEmpty()) {
            changes.get(trainable).copyTo(from, change, 0, count);
            meanChange = change;
        }
        moment.read(trainable, from, variate, count);
        rule.advance(variate, meanChange, (double) aggregate.updateCount() / rule.clients(), count);
    }

    private void keep(Model global, Aggregate aggregate, List<Tensor> changes, Moment moment, int t, int trainable) {
        int length = aggregate.values(t).length;
        for (int from = 0; from < length; from += BLOCK) {
            int count = Math.min(BLOCK, length - from);
            advance(global, aggregate, changes, moment, t, trainable, from, count);
            moment.write(trainable, from, variate, count);
        }
    }

    @Override
    public Map<String, Model> broadcast() {
        return rule.isSent() ? tensors() : Map.of();
    }

    private Map<String, Model> tensors() {
        return kept.map(moment -> Map.of(rule.variate(), moment.snapshot())).orElse(Map.of());
    }

    @Override
    public PartState snapshot() {
        return new PartState(tensors(), Config.empty());
    }

    /**
     * {@inheritDoc}
     *
     * @throws IllegalArgumentException if the state is that of another optimizer
     */
    @Override
    public void restore(PartState state) {
        if (state.isEmpty()) {
            kept = Optional.empty();
            return;
        }
        Model saved = state.tensors().get(rule.variate());
        if (saved == null || state.tensors().size() != 1) {
            throw new IllegalArgumentException("the state must hold '" + rule.variate() + "' alone, held "
                    + state.tensors().keySet());
        }
        kept = Optional.of(Moment.copyOf(saved));
    }
}
