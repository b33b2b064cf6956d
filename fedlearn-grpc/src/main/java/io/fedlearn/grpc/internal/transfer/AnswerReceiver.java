package io.fedlearn.grpc.internal.transfer;

import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.ModelSpec;
import io.fedlearn.core.tensor.TensorSpec;
import io.fedlearn.core.update.UpdateSpool;
import io.fedlearn.grpc.internal.wire.WireAnswers;
import io.fedlearn.grpc.internal.wire.WireException;
import io.fedlearn.grpc.internal.wire.WireModels;
import io.fedlearn.grpc.proto.v1.AnswerReceipt;
import io.fedlearn.grpc.proto.v1.Payload;
import io.fedlearn.grpc.proto.v1.TaskAnswer;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * An answer that is being received: its values lie where they will stay, on the heap while there is room for them there, else in
 * the exchange's spool. It outlives the call that brings it, so that another can go on where that one stopped; the newest call
 * holds it, and an older one cannot write any more. Thread-safe.
 */
public final class AnswerReceiver {
    /** How often a model may come out other than announced. */
    private static final int MAX_MISMATCHES = 2;

    private final TaskAnswer announced;
    private final List<ModelSpec> specs = new ArrayList<>();
    private final List<String> digests = new ArrayList<>();
    private final long byteCount;
    private final HeapBudget budget;
    private final Optional<UpdateSpool> spool;

    // Guards what is below it down to the next comment.
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition idle = lock.newCondition();
    private long claim;
    private boolean isWriting;
    private boolean isDiscarded;
    private boolean isTaken;
    private long offset;
    private boolean isComplete;
    private CompletableFuture<AnswerReceipt> receipt = new CompletableFuture<>();

    // These belong to the one call for which isWriting is set, else to whoever holds the lock: values are written
    // outside of it.
    private boolean fitsHeap;
    private Place place = Place.UNDECIDED;
    private Optional<ModelReceiver> current = Optional.empty();
    private List<Model> models = new ArrayList<>();
    private int mismatches;

    private enum Place {
        UNDECIDED,
        HEAP,
        SPOOL
    }

    private AnswerReceiver(TaskAnswer announced, long maxAnswerBytes, HeapBudget budget, Optional<UpdateSpool> spool)
            throws WireException {
        if (!announced.hasUpdate()) {
            throw new WireException("answer: only an update has values to upload");
        }
        long sum = 0;
        Optional<TensorSpec> tooLarge = Optional.empty();
        for (Payload payload : WireAnswers.payloads(announced.getUpdate())) {
            if (payload.hasValues()) {
                throw new WireException("answer: in an upload values come in chunks, not in a payload");
            }
            ModelSpec spec = WireModels.readSpec("answer", payload);
            if (spec.byteCount() > maxAnswerBytes - sum) {
                throw new WireException(
                        "answer: its tensors have more bytes than the " + maxAnswerBytes + " that may be uploaded");
            }
            sum += spec.byteCount();
            specs.add(spec);
            digests.add(WireModels.hex(payload.getDigest()));
            tooLarge = tooLarge.or(() -> ModelReceiver.tooLargeForHeap(spec));
        }
        if (sum == 0) {
            throw new WireException("answer: has no values to upload");
        }
        if (tooLarge.isPresent() && spool.isEmpty()) {
            throw new WireException("answer: tensor " + tooLarge.get()
                    + " has more values than an array, and there is no" + " spool to take them");
        }
        this.announced = announced;
        this.byteCount = sum;
        this.fitsHeap = tooLarge.isEmpty();
        this.budget = budget;
        this.spool = spool;
    }

    /**
     * A receiver for the values of an answer.
     *
     * @param announced the answer, whose payloads carry no values
     * @param maxAnswerBytes the most bytes that they may have together
     * @param budget what answers may take of the heap together
     * @param spool where to lay them if the heap is full; without one they go to the heap all the same
     * @throws WireException if the answer is malformed or too large
     */
    public static AnswerReceiver of(
            TaskAnswer announced, long maxAnswerBytes, HeapBudget budget, Optional<UpdateSpool> spool)
            throws WireException {
        return new AnswerReceiver(announced, maxAnswerBytes, budget, spool);
    }

    /** The answer's task. */
    public String taskId() {
        return announced.getTaskId();
    }

    /** The answer without its values. */
    public TaskAnswer announced() {
        return announced;
    }

    /** The bytes of all values. */
    public long byteCount() {
        return byteCount;
    }

    /** How many of them are here. */
    public long offset() {
        lock.lock();
        try {
            return offset;
        } finally {
            lock.unlock();
        }
    }

    /** Whether all are. */
    public boolean isComplete() {
        lock.lock();
        try {
            return isComplete;
        } finally {
            lock.unlock();
        }
    }

    /**
     * The update, once it is complete and until it is delivered or discarded.
     *
     * @throws WireException if what it says beside its values is malformed
     * @throws IllegalStateException if values are missing
     */
    public ClientUpdate update() throws WireException {
        List<Model> complete;
        lock.lock();
        try {
            if (!isComplete) {
                throw new IllegalStateException(
                        "answer to " + taskId() + ": " + (byteCount - offset) + " bytes of values are missing");
            }
            complete = List.copyOf(models);
        } finally {
            lock.unlock();
        }
        return WireAnswers.read(announced.getUpdate(), complete);
    }

    /** Gives up what is here and the room that it takes, and shuts the call out that brings it; the next call starts again. */
    public void discard() {
        lock.lock();
        try {
            claim++;
            isDiscarded = true;
            if (!isWriting) {
                drop();
            }
        } finally {
            lock.unlock();
        }
    }

    /** Called with the lock held and nobody writing. */
    private void drop() {
        if (place == Place.HEAP) {
            budget.release(byteCount);
        }
        place = Place.UNDECIDED;
        current = Optional.empty();
        models = new ArrayList<>();
        offset = 0;
        isComplete = false;
        isDiscarded = false;
    }

    /**
     * Takes the receiver over for a call; calls before it are shut out.
     *
     * @return what names the call in {@link #accept}
     * @throws InterruptedException if the thread is interrupted while an older call writes its last chunk
     */
    long claim() throws InterruptedException {
        lock.lockInterruptibly();
        try {
            long mine = ++claim;
            while (isWriting) {
                idle.await();
            }
            return mine;
        } finally {
            lock.unlock();
        }
    }

    /** Gives up what is on the heap, if this call was the last to bring values. */
    void leaveHeap(long call) {
        lock.lock();
        try {
            if (call == claim && !isTaken && !isWriting && place == Place.HEAP) {
                discard();
            }
        } finally {
            lock.unlock();
        }
    }

    /** Whether this call may still bring values: no newer one has come, and the answer was neither taken nor discarded. */
    boolean isHeldBy(long call) {
        lock.lock();
        try {
            return call == claim && !isTaken;
        } finally {
            lock.unlock();
        }
    }

    /**
     * Takes the values of a chunk.
     *
     * @throws ChunkException if they are refused; after damage the receiver stands where it stood, or at 0
     * @throws InterruptedException if the thread is interrupted while it waits for room on the heap
     */
    void accept(long call, ReceivedChunk chunk) throws ChunkException, InterruptedException {
        int count = chunk.count();
        begin(call, chunk.offset(), count);
        long taken = 0;
        boolean isWhole = true;
        try {
            // Damage that the checksum shows has touched nothing.
            chunk.verify();
            decidePlace();
            isWhole = false;
            write(chunk.values());
            isWhole = true;
            taken = count;
        } catch (OutOfMemoryError e) {
            if (spool.isEmpty()) {
                throw e;
            }
            fitsHeap = false;
            throw new ChunkException(ChunkException.Kind.CORRUPT, "the heap has no room for the values after all");
        } finally {
            end(taken, isWhole);
        }
    }

    private void begin(long call, long from, int count) throws ChunkException {
        lock.lock();
        try {
            if (call != claim || isTaken) {
                throw new ChunkException(ChunkException.Kind.SUPERSEDED, "another call brings this answer");
            }
            if (from != offset) {
                throw new ChunkException(
                        ChunkException.Kind.OUT_OF_PLACE,
                        "a chunk begins at byte " + from + ", the next one is " + offset);
            }
            if (count == 0 || count > byteCount - offset) {
                throw new ChunkException(
                        ChunkException.Kind.MALFORMED,
                        "a chunk has " + count + " bytes, 1 to " + (byteCount - offset) + " are to come");
            }
            isWriting = true;
        } finally {
            lock.unlock();
        }
    }

    private void end(long taken, boolean isWhole) {
        lock.lock();
        try {
            isWriting = false;
            offset += taken;
            isComplete = offset == byteCount;
            if (isDiscarded || !isWhole) {
                drop();
            }
            idle.signalAll();
        } finally {
            lock.unlock();
        }
    }

    private void decidePlace() throws InterruptedException {
        if (place != Place.UNDECIDED) {
            return;
        }
        if (fitsHeap && budget.reserve(taskId(), byteCount, HeapBudget.PATIENCE)) {
            place = Place.HEAP;
        } else if (spool.isPresent()) {
            place = Place.SPOOL;
        } else {
            budget.overdraw(byteCount);
            place = Place.HEAP;
        }
    }

    private void write(List<ByteBuffer> values) throws ChunkException {
        enterModel();
        for (ByteBuffer bytes : values) {
            while (bytes.hasRemaining()) {
                ModelReceiver model = current.orElseThrow();
                ByteBuffer part = bytes.duplicate();
                part.limit(part.position() + (int) Math.min(model.missing(), bytes.remaining()));
                bytes.position(part.limit());
                model.accept(part);
                if (model.missing() == 0) {
                    leaveModel();
                    enterModel();
                }
            }
        }
    }

    /** Turns to the model that the next values are of; those without values are complete at once. */
    private void enterModel() throws ChunkException {
        while (current.isEmpty() && models.size() < specs.size()) {
            ModelSpec spec = specs.get(models.size());
            String digest = digests.get(models.size());
            current = Optional.of(
                    place == Place.SPOOL
                            ? ModelReceiver.inSpool(spec, digest, spool.orElseThrow())
                            : ModelReceiver.onHeap(spec, digest));
            if (spec.byteCount() == 0) {
                leaveModel();
            }
        }
    }

    private void leaveModel() throws ChunkException {
        try {
            models.add(current.orElseThrow().finish());
        } catch (ChunkException e) {
            // Chunks that are whole and a model that is not: the first time the other side may find out why, and mend
            // it.
            if (++mismatches >= MAX_MISMATCHES) {
                throw new ChunkException(ChunkException.Kind.MALFORMED, e.getMessage());
            }
            throw e;
        }
        current = Optional.empty();
    }

    /** Whether the answer is complete and the caller is the one who delivers it. */
    boolean takeForDelivery() {
        lock.lock();
        try {
            if (!isComplete || isTaken) {
                return false;
            }
            isTaken = true;
            return true;
        } finally {
            lock.unlock();
        }
    }

    /** Gives back what the answer took, and tells the receipt to every call that waits for it. */
    void delivered(AnswerReceipt verdict) {
        discard();
        receipt().complete(verdict);
    }

    /** Begins anew, since the desk could not take the answer. */
    void notDelivered(RuntimeException failure) {
        CompletableFuture<AnswerReceipt> failed;
        lock.lock();
        try {
            discard();
            isTaken = false;
            failed = receipt;
            receipt = new CompletableFuture<>();
        } finally {
            lock.unlock();
        }
        failed.completeExceptionally(failure);
    }

    /** What became of the answer, once it is delivered. */
    CompletableFuture<AnswerReceipt> receipt() {
        lock.lock();
        try {
            return receipt;
        } finally {
            lock.unlock();
        }
    }
}
