package io.fedlearn.core.training;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;

/**
 * Local models that many clients share, one for each that is at work at the same time: ten thousand simulated clients on two
 * threads need two models. Thread-safe.
 */
public final class LocalModelPool {
    private final Supplier<? extends LocalModel> factory;
    // Guards idle.
    private final ReentrantLock lock = new ReentrantLock();
    private final Deque<LocalModel> idle = new ArrayDeque<>();

    private LocalModelPool(Supplier<? extends LocalModel> factory) {
        this.factory = factory;
    }

    /** A pool of models that this makes, all alike. */
    public static LocalModelPool of(Supplier<? extends LocalModel> factory) {
        return new LocalModelPool(factory);
    }

    /** What is done with a borrowed model. */
    @FunctionalInterface
    public interface Use<T> {
        /**
         * Uses the model, which must not be kept beyond this call.
         *
         * @throws Exception if the work fails
         */
        T with(LocalModel model) throws Exception;
    }

    /**
     * Lends a model for this call alone. One that was in use when an exception came is thrown away.
     *
     * @throws Exception what the use throws
     */
    public <T> T borrow(Use<T> use) throws Exception {
        LocalModel model = take();
        T result = use.with(model);
        lock.lock();
        try {
            idle.push(model);
        } finally {
            lock.unlock();
        }
        return result;
    }

    private LocalModel take() {
        lock.lock();
        try {
            if (!idle.isEmpty()) {
                return idle.pop();
            }
        } finally {
            lock.unlock();
        }
        return factory.get();
    }
}
