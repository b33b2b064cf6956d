package io.fedlearn.testkit.fault;

import io.fedlearn.core.client.TaskContext;
import io.fedlearn.core.client.TaskDeclinedException;
import io.fedlearn.core.metric.Metrics;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.task.Task;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Shape;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.tensor.TensorRole;
import io.fedlearn.core.tensor.TensorSpec;
import io.fedlearn.core.tensor.TensorType;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/**
 * One way in which a client goes wrong. The factories here are what real sites do, by accident or to do harm; a lambda is a fault
 * of one's own.
 *
 * <p>Faults of the answer damage what the client would have answered; where it answers without a model, they damage the task's
 * model instead. Immutable and thread-safe, except for the latches that some of them wait for.
 */
@FunctionalInterface
public interface Fault {
    /** What the client would have answered; works it out when it is called. */
    @FunctionalInterface
    interface Honest {
        /** The client's own answer. */
        ClientUpdate answer() throws Exception;
    }

    /**
     * Answers in place of the client.
     *
     * @param honest what the client would have answered
     */
    ClientUpdate answer(Task task, TaskContext context, Honest honest) throws Exception;

    /** Throws an {@link IllegalStateException} with this message. */
    static Fault throwing(String message) {
        return (task, context, honest) -> {
            throw new IllegalStateException(message);
        };
    }

    /** Throws this exception or error, a new one each time. */
    static Fault throwing(Supplier<? extends Throwable> problem) {
        return (task, context, honest) -> {
            Throwable thrown = problem.get();
            if (thrown instanceof Error error) {
                throw error;
            }
            throw (Exception) thrown;
        };
    }

    /** Calls itself until the stack is full. */
    static Fault stackOverflow() {
        return (task, context, honest) -> {
            throw new IllegalStateException("the stack held " + Recursion.depth(0) + " calls");
        };
    }

    /** Hangs until the thread is interrupted. */
    static Fault hang() {
        return (task, context, honest) -> {
            new CountDownLatch(1).await();
            return honest.answer();
        };
    }

    /** Hangs, deaf to interruption, until the test counts the latch down, and fails then. */
    static Fault hangDeaf(CountDownLatch release) {
        return (task, context, honest) -> {
            Deafness.await(release);
            throw new IllegalStateException("released from a hang");
        };
    }

    /** Answers as the client would, but, deaf to interruption, only after the test has counted the latch down. */
    static Fault late(CountDownLatch release) {
        return (task, context, honest) -> {
            Deafness.await(release);
            return honest.answer();
        };
    }

    /** Answers as the client would, after this delay; ends early if the thread is interrupted. */
    static Fault slow(Duration delay) {
        return (task, context, honest) -> {
            TimeUnit.NANOSECONDS.sleep(delay.toNanos());
            return honest.answer();
        };
    }

    /** Declines for this reason. */
    static Fault decline(String reason) {
        return (task, context, honest) -> {
            throw new TaskDeclinedException(reason);
        };
    }

    /** Answers with metrics and an example count, but without the model that was asked for. */
    static Fault noModel() {
        return (task, context, honest) -> {
            ClientUpdate update = honest.answer();
            return ClientUpdate.ofMetrics(Metrics.none(), update.exampleCount()).withMetrics(update.metrics());
        };
    }

    /** Claims this example count, such as 0, -1 or {@link Long#MAX_VALUE}. */
    static Fault exampleCount(long count) {
        return (task, context, honest) -> honest.answer().withExampleCount(count);
    }

    /** Holds a NaN as the last value of the first floating-point tensor. */
    static Fault nan() {
        return ofModel(model -> Damage.lastFloatingValue(model, Double.NaN));
    }

    /** Holds an infinite value as the last value of the first floating-point tensor. */
    static Fault infinite() {
        return ofModel(model -> Damage.lastFloatingValue(model, Double.POSITIVE_INFINITY));
    }

    /** Calls the first tensor by another name. */
    static Fault wrongName() {
        return ofModel(model -> Damage.replaceFirst(
                model,
                spec -> new TensorSpec(spec.name() + "-renamed", spec.type(), spec.shape(), spec.role()),
                tensor -> tensor));
    }

    /** Gives the first tensor one dimension more, of length 2. */
    static Fault wrongShape() {
        return ofModel(model -> {
            TensorSpec first = model.spec().tensors().get(0);
            long[] lengths = new long[first.shape().rank() + 1];
            System.arraycopy(first.shape().lengths(), 0, lengths, 1, lengths.length - 1);
            lengths[0] = 2;
            Shape shape = Shape.of(lengths);
            return Damage.replaceFirst(
                    model,
                    spec -> new TensorSpec(spec.name(), spec.type(), shape, spec.role()),
                    tensor -> Tensor.zeros(tensor.type(), shape));
        });
    }

    /** Sends the first tensor in another type of the same kind: float64 for float32, int32 for int64. */
    static Fault wrongType() {
        return ofModel(model -> {
            TensorType type = Damage.otherType(model.spec().tensors().get(0).type());
            return Damage.replaceFirst(
                    model,
                    spec -> new TensorSpec(spec.name(), type, spec.shape(), spec.role()),
                    tensor -> Tensor.zeros(type, tensor.shape()));
        });
    }

    /** Sends the first tensor as a buffer if it is none, else as a trainable or a counter. */
    static Fault wrongRole() {
        return ofModel(model -> {
            TensorSpec first = model.spec().tensors().get(0);
            TensorRole role = first.role() != TensorRole.BUFFER
                    ? TensorRole.BUFFER
                    : first.type().isFloating() ? TensorRole.TRAINABLE : TensorRole.COUNTER;
            return Damage.replaceFirst(
                    model, spec -> new TensorSpec(spec.name(), spec.type(), spec.shape(), role), tensor -> tensor);
        });
    }

    /** Leaves the last tensor out. */
    static Fault missingTensor() {
        return ofModel(Damage::withoutLast);
    }

    /** Adds a tensor that the global model does not have. */
    static Fault extraTensor() {
        return ofModel(Damage::withExtra);
    }

    /** Sends the tensors in the opposite order. */
    static Fault wrongOrder() {
        return ofModel(Damage::reversed);
    }

    /** Adds a group of tensors of so many bytes, which take no memory at the client. */
    static Fault oversized(long bytes) {
        return (task, context, honest) -> honest.answer()
                .withTensors(
                        "oversized",
                        Model.builder()
                                .buffer("zeros", Tensor.of(TensorType.UINT8, Shape.of(bytes), Fault::zeros))
                                .build());
    }

    private static void zeros(long byteOffset, ByteBuffer target) {
        while (target.hasRemaining()) {
            target.put((byte) 0);
        }
    }

    /**
     * Sends noise in place of what was trained: the global model, with a normally distributed number of its own added to each
     * trainable value. The same for the same task.
     *
     * @param deviation the noise's standard deviation, {@code > 0}
     */
    static Fault gaussianNoise(double deviation) {
        Attack.requirePositive("deviation", deviation);
        return (task, context, honest) -> Attack.gaussianNoise(task, honest.answer(), deviation);
    }

    /**
     * Trains, and goes the other way: sends {@code w - factor (w_k - w)} for each trainable value, with the global model {@code w}
     * and the trained one {@code w_k}.
     *
     * @param factor how many times as far, {@code > 0}
     */
    static Fault signFlip(double factor) {
        Attack.requirePositive("factor", factor);
        return (task, context, honest) -> Attack.signFlip(task, honest.answer(), factor);
    }

    /** Goes wrong in two ways: the second damages what the first has made of the answer. */
    default Fault then(Fault second) {
        return (task, context, honest) -> second.answer(task, context, () -> answer(task, context, honest));
    }

    /** What becomes of a model. */
    @FunctionalInterface
    interface ModelDamage {
        /** A damaged copy of this model. */
        Model damage(Model model);
    }

    /** Damages the model of the client's answer in a way of one's own. */
    static Fault ofModel(ModelDamage damage) {
        return (task, context, honest) -> {
            ClientUpdate update = honest.answer();
            return update.withModel(update.form(), damage.damage(update.model().orElseGet(task::model)));
        };
    }
}
