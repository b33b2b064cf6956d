package io.fedlearn.grpc.flower;

import io.fedlearn.core.runtime.TaskListener;
import io.fedlearn.core.task.Task;
import io.fedlearn.core.task.TaskKind;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.tensor.TensorSpec;
import io.fedlearn.core.update.UpdateSpool;
import io.fedlearn.grpc.internal.transfer.HeapBudget;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.Semaphore;

/**
 * Where the tensors of answers lie: on the heap while there is room for them, else in the spool of their exchange. Into a spool one
 * answer is read at a time, tensor by tensor, so that besides what the heap has room for there is one more tensor and not one for
 * each client. Thread-safe.
 */
final class AnswerRoom {
    private static final int BLOCK = 1 << 16;

    private final HeapBudget budget;
    private final Duration patience;
    private final Semaphore turn = new Semaphore(1, true);

    /**
     * Room for so much on the heap.
     *
     * @param patience how long an answer waits for it, since some was last given back, before it goes to the spool
     */
    AnswerRoom(HeapBudget budget, Duration patience) {
        this.budget = budget;
        this.patience = patience;
    }

    /**
     * A place for the answer to a task, after a wait if the heap is full. Only {@code fit} is answered by many clients at once; other
     * answers have their place on the heap without asking.
     *
     * @throws InterruptedException if the thread is interrupted while it waits
     */
    Place enter(Task task, TaskListener listener) throws InterruptedException {
        if (!task.kind().equals(TaskKind.FIT)) {
            return nowhere();
        }
        long bytes = task.model().spec().byteCount();
        if (budget.reserve(task.id(), bytes, patience)) {
            return new Place(bytes, Optional.empty());
        }
        Optional<UpdateSpool> spool = listener.spool();
        if (spool.isPresent()) {
            turn.acquire();
            return new Place(0, spool);
        }
        budget.overdraw(bytes);
        return new Place(bytes, Optional.empty());
    }

    /** A place for a message that nobody waits for. */
    Place nowhere() {
        return new Place(0, Optional.empty());
    }

    /** The bytes of the heap that answers take. */
    long reserved() {
        return budget.reserved();
    }

    /** Whether an answer waits until another has been read into its spool. */
    boolean isTurnAwaited() {
        return turn.hasQueuedThreads();
    }

    /** The place of one answer; closed when the answer was handed on or came to nothing. Confined to the thread that reads it. */
    final class Place implements AutoCloseable {
        private final long heapBytes;
        private final Optional<UpdateSpool> spool;
        private Optional<ByteBuffer> block = Optional.empty();
        private boolean isFilled;
        private boolean isKept;

        private Place(long heapBytes, Optional<UpdateSpool> spool) {
            this.heapBytes = heapBytes;
            this.spool = spool;
        }

        /**
         * The tensor where it is to stay.
         *
         * @throws UpdateSpool.SpoolException if that is a spool, which cannot be written or is closed
         */
        Tensor lay(TensorSpec spec, Tensor tensor) {
            if (spool.isEmpty()) {
                return tensor;
            }
            ByteBuffer buffer = block.orElseGet(() -> ByteBuffer.allocateDirect(BLOCK));
            block = Optional.of(buffer);
            UpdateSpool.Place place = spool.get().reserve(spec);
            long offset = 0;
            for (long done = 0; done < tensor.elementCount(); ) {
                done += tensor.encodeTo(done, buffer.clear());
                int count = buffer.flip().remaining();
                place.write(offset, buffer);
                offset += count;
            }
            return place.tensor();
        }

        /** All tensors have been laid: the next answer may be read into its spool. */
        void filled() {
            if (!isFilled && spool.isPresent()) {
                turn.release();
            }
            isFilled = true;
            block = Optional.empty();
        }

        /** The answer is handed on: it is not this place's end, but what is returned, that gives back what the answer takes. */
        Runnable keep() {
            isKept = true;
            return this::giveBack;
        }

        private void giveBack() {
            if (heapBytes > 0) {
                budget.release(heapBytes);
            }
        }

        @Override
        public void close() {
            filled();
            if (!isKept) {
                giveBack();
            }
        }
    }
}
