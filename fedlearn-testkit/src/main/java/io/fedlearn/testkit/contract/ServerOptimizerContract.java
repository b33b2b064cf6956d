package io.fedlearn.testkit.contract;

import static org.assertj.core.api.Assertions.assertThat;

import io.fedlearn.core.strategy.Aggregate;
import io.fedlearn.core.strategy.ServerOptimizer;
import io.fedlearn.core.task.UpdateForm;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.ModelSpec;
import io.fedlearn.core.tensor.Shape;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.tensor.TensorRole;
import io.fedlearn.core.tensor.TensorSpec;
import io.fedlearn.core.tensor.TensorType;
import io.fedlearn.core.update.PartState;
import io.fedlearn.testkit.generator.ModelGenerator;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Tests the rules of {@link ServerOptimizer}; a subclass supplies the optimizer. Numbers in the names of the tests are those of
 * the rules.
 */
public abstract class ServerOptimizerContract {
    /** For subclasses. */
    protected ServerOptimizerContract() {}

    /** A new optimizer, always with the same settings. */
    protected abstract ServerOptimizer create();

    /** The model that is moved: by default trainables of three types, buffers and counters. */
    protected ModelSpec spec() {
        return ModelSpec.of(List.of(
                new TensorSpec("weights", TensorType.FLOAT32, Shape.of(7, 5), TensorRole.TRAINABLE),
                new TensorSpec("mean", TensorType.FLOAT32, Shape.of(5), TensorRole.BUFFER),
                new TensorSpec("wide", TensorType.FLOAT64, Shape.of(11), TensorRole.TRAINABLE),
                new TensorSpec("half", TensorType.FLOAT16, Shape.scalar(), TensorRole.TRAINABLE),
                new TensorSpec("empty", TensorType.FLOAT32, Shape.of(0), TensorRole.TRAINABLE),
                new TensorSpec("batches", TensorType.INT64, Shape.of(2), TensorRole.COUNTER),
                new TensorSpec("flags", TensorType.BOOL, Shape.of(3), TensorRole.BUFFER)));
    }

    private Model model(long seed) {
        return ModelGenerator.of(seed).nextModerate(spec());
    }

    /** What a cohort whose updates were all this model, or the way to it, amounts to. */
    private Aggregate aggregate(UpdateForm form, Model global, Model target) {
        List<double[]> values = new ArrayList<>();
        for (int i = 0; i < spec().size(); i++) {
            double[] array = target.tensors().get(i).toDoubleArray();
            if (form == UpdateForm.MODEL_DELTA) {
                global.tensors().get(i).addScaledTo(0, array, 0, array.length, -1);
            }
            values.add(array);
        }
        return withReports(Aggregate.wrap(form, spec(), values, 3, 30));
    }

    /** Completes an aggregate by what the optimizer reads beside its values, such as side tensors; by default nothing. */
    protected Aggregate withReports(Aggregate aggregate) {
        return aggregate;
    }

    private List<Model> steps(ServerOptimizer optimizer, Model start, int from, int to) {
        List<Model> models = new ArrayList<>();
        Model global = start;
        for (int i = from; i < to; i++) {
            global = optimizer.step(global, aggregate(UpdateForm.MODEL, global, model(100 + i)));
            models.add(global);
        }
        return models;
    }

    @ParameterizedTest(name = "rule 1: buffers and counters become those of the aggregate, given a {0}")
    @EnumSource(
            value = UpdateForm.class,
            names = {"MODEL", "MODEL_DELTA"})
    @DisplayName("rule 1: buffers and counters become those of the aggregate")
    void takesOverBuffersAndCounters(UpdateForm form) {
        ServerOptimizer optimizer = create();
        Model global = model(1);
        for (int round = 1; round <= 3; round++) {
            Aggregate aggregate = aggregate(form, global, model(1 + round));
            Model expected = aggregate(form, global, model(1 + round)).toModel(global);
            Model next = optimizer.step(global, aggregate);
            for (int i = 0; i < spec().size(); i++) {
                TensorSpec tensor = spec().tensors().get(i);
                if (tensor.role() != TensorRole.TRAINABLE) {
                    assertThat(next.tensors().get(i))
                            .as(tensor.name())
                            .isEqualTo(expected.tensors().get(i));
                }
            }
            global = next;
        }
    }

    @Test
    @DisplayName("rule 1: trainables move, and keep their types and shapes")
    void movesTrainables() {
        Model global = model(1);

        Model next = create().step(global, aggregate(UpdateForm.MODEL, global, model(2)));

        assertThat(next.spec()).isEqualTo(spec());
        assertThat(next.tensor("weights")).isNotEqualTo(global.tensor("weights"));
        for (Tensor tensor : next.tensors()) {
            assertThat(tensor.firstNonFinite()).isEqualTo(-1);
        }
    }

    @Test
    @DisplayName("rule 2: the same rounds give the same bits")
    void sameInputsGiveSameBits() {
        assertThat(steps(create(), model(1), 0, 5)).isEqualTo(steps(create(), model(1), 0, 5));
    }

    @Test
    @DisplayName("rule 3: neither the global model nor the aggregate is changed")
    void leavesInputsAsTheyAre() {
        Model global = model(1);
        Model before = Bits.copyOf(global);
        ServerOptimizer optimizer = create();
        for (UpdateForm form : List.of(UpdateForm.MODEL, UpdateForm.MODEL_DELTA)) {
            Aggregate aggregate = aggregate(form, global, model(2));
            Aggregate untouched = aggregate(form, global, model(2));

            optimizer.step(global, aggregate);

            assertThat(Bits.copyOf(global)).isEqualTo(before);
            for (int i = 0; i < spec().size(); i++) {
                assertThat(aggregate.values(i)).isEqualTo(untouched.values(i));
            }
        }
    }

    @Test
    @DisplayName("rule 3: a model that was given does not change when the aggregate's arrays are used again")
    void doesNotAliasTheAggregate() {
        Model global = model(1);
        Aggregate aggregate = aggregate(UpdateForm.MODEL, global, model(2));
        ServerOptimizer optimizer = create();
        Model next = optimizer.step(global, aggregate);
        Model before = Bits.copyOf(next);

        for (int i = 0; i < spec().size(); i++) {
            Arrays.fill(aggregate.values(i), 0.25);
        }
        optimizer.step(next, aggregate);

        assertThat(Bits.copyOf(next)).isEqualTo(before);
    }

    @Test
    @DisplayName("rule 4: after snapshot and restore the next rounds give the same bits")
    void continuesFromASnapshot() {
        ServerOptimizer first = create();
        List<Model> before = steps(first, model(1), 0, 2);
        Model start = before.get(before.size() - 1);
        PartState state = first.snapshot();
        PartState copy = Bits.copyOf(state);
        List<Model> expected = steps(first, start, 2, 5);
        assertThat(Bits.copyOf(state))
                .as("a snapshot does not change when rounds go on")
                .isEqualTo(copy);

        ServerOptimizer resumed = create();
        resumed.restore(state);
        assertThat(resumed.broadcast().keySet()).isEqualTo(first.broadcast().keySet());

        assertThat(steps(resumed, start, 2, 5)).isEqualTo(expected);
        assertThat(Bits.copyOf(resumed.snapshot())).isEqualTo(Bits.copyOf(first.snapshot()));
    }

    @Test
    @DisplayName("rule 4: restoring the empty state changes nothing")
    void startsFromTheEmptyState() {
        ServerOptimizer restored = create();
        restored.restore(PartState.empty());

        assertThat(steps(restored, model(1), 0, 3)).isEqualTo(steps(create(), model(1), 0, 3));
    }
}
