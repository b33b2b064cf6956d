package io.fedlearn.grpc.flower;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fedlearn.core.runtime.TaskListener;
import io.fedlearn.core.task.Task;
import io.fedlearn.core.task.TaskKind;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Shape;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.tensor.TensorRole;
import io.fedlearn.core.tensor.TensorSpec;
import io.fedlearn.core.update.UpdateSpool;
import io.fedlearn.grpc.ForwardingListener;
import io.fedlearn.grpc.internal.transfer.HeapBudget;
import io.fedlearn.testkit.runtime.RecordingListener;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AnswerRoomTest {
    private static final Tensor WEIGHTS = Tensor.copyOf(new float[] {1, 2, 3});
    private static final Task TASK = task(TaskKind.FIT);

    @TempDir
    private Path folder;

    private final HeapBudget budget = HeapBudget.of(1);
    private final AnswerRoom room = new AnswerRoom(budget, Duration.ZERO);
    private UpdateSpool spool;

    @BeforeEach
    void openSpool() {
        spool = UpdateSpool.in(folder);
    }

    @AfterEach
    void closeSpool() {
        spool.close();
    }

    private static Task task(TaskKind kind) {
        return Task.builder(kind, "a")
                .round(1)
                .model(Model.builder().trainable("w", WEIGHTS).build())
                .build();
    }

    /** Somebody whose exchange has this spool. */
    private static TaskListener listener(Optional<UpdateSpool> spool) {
        return new ForwardingListener(RecordingListener.create()) {
            @Override
            public Optional<UpdateSpool> spool() {
                return spool;
            }
        };
    }

    private AnswerRoom.Place enter() throws InterruptedException {
        return room.enter(TASK, listener(Optional.of(spool)));
    }

    private static Tensor lay(AnswerRoom.Place place, Tensor tensor) {
        return place.lay(new TensorSpec("w", tensor.type(), tensor.shape(), TensorRole.BUFFER), tensor);
    }

    @Test
    void leavesAnAnswerOnTheHeapWhileThereIsRoom() throws Exception {
        try (AnswerRoom.Place place = enter()) {
            assertThat(lay(place, WEIGHTS)).isSameAs(WEIGHTS);
            assertThat(room.reserved()).isEqualTo(12);
        }

        assertThat(room.reserved()).isZero();
        assertThat(spool.byteCount()).isZero();
    }

    @Test
    void keepsTheRoomOfAnAnswerThatIsHandedOn() throws Exception {
        Runnable atLast;
        try (AnswerRoom.Place place = enter()) {
            atLast = place.keep();
        }
        assertThat(room.reserved()).isEqualTo(12);

        atLast.run();

        assertThat(room.reserved()).isZero();
    }

    @Test
    void laysTensorsIntoTheSpoolWhenTheHeapIsFull() throws Exception {
        budget.overdraw(1);
        double[] large = new double[100_000];
        for (int i = 0; i < large.length; i++) {
            large[i] = i;
        }
        Tensor[] tensors = {
            WEIGHTS,
            Tensor.copyOf(large, 1000, 100),
            Tensor.copyOf(new long[] {-1, Long.MAX_VALUE}),
            Tensor.scalar(7L),
            Tensor.copyOf(new float[0])
        };
        try (AnswerRoom.Place place = enter()) {
            for (Tensor tensor : tensors) {
                Tensor laid = lay(place, tensor);

                assertThat(laid).isNotSameAs(tensor).isEqualTo(tensor);
            }
            place.keep().run();
        }

        assertThat(spool.byteCount()).isEqualTo(12 + 800_000 + 16 + 8);
        assertThat(room.reserved()).isOne();
    }

    @Test
    void readsOneAnswerAtATimeIntoSpools() throws Exception {
        budget.overdraw(1);
        AnswerRoom.Place first = enter();
        CountDownLatch entered = new CountDownLatch(1);
        Thread second = new Thread(() -> {
            try (AnswerRoom.Place place = enter()) {
                lay(place, WEIGHTS);
                entered.countDown();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        });
        second.start();
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
        while (!room.isTurnAwaited() && System.nanoTime() < deadline) {
            Thread.onSpinWait();
        }
        assertThat(room.isTurnAwaited()).isTrue();
        assertThat(entered.getCount()).isOne();

        first.filled();

        assertThat(entered.await(20, TimeUnit.SECONDS)).isTrue();
        second.join();
        first.close();
        enter().close();
    }

    @Test
    void takesTheHeapAllTheSameWhereThereIsNoSpool() throws Exception {
        budget.overdraw(1);

        try (AnswerRoom.Place place = room.enter(TASK, listener(Optional.empty()))) {
            assertThat(lay(place, WEIGHTS)).isSameAs(WEIGHTS);
            assertThat(room.reserved()).isEqualTo(13);
        }

        assertThat(room.reserved()).isOne();
    }

    @Test
    void givesTheTurnAwayThoughTheSpoolFails() throws Exception {
        budget.overdraw(1);
        spool.close();

        try (AnswerRoom.Place place = enter()) {
            assertThatThrownBy(() -> lay(place, WEIGHTS)).isInstanceOf(UpdateSpool.SpoolException.class);
        }

        enter().close();
    }

    @Test
    void asksForNoRoomWhereNoModelIsDue() throws Exception {
        try (AnswerRoom.Place evaluation = room.enter(task(TaskKind.EVALUATE), listener(Optional.of(spool)));
                AnswerRoom.Place unasked = room.nowhere()) {
            assertThat(lay(evaluation, WEIGHTS)).isSameAs(WEIGHTS);
            assertThat(lay(unasked, WEIGHTS.reshape(Shape.of(3, 1)))).isEqualTo(WEIGHTS.reshape(Shape.of(3, 1)));
            assertThat(room.reserved()).isZero();
        }
    }
}
