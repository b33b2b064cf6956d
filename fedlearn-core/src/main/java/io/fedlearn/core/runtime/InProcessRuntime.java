package io.fedlearn.core.runtime;

import io.fedlearn.core.client.Client;
import io.fedlearn.core.client.ClientStateStore;
import io.fedlearn.core.client.InMemoryClientStateStore;
import io.fedlearn.core.strategy.Capability;
import io.fedlearn.core.strategy.ClientInfo;
import io.fedlearn.core.task.ClientOutcome;
import io.fedlearn.core.task.Config;
import io.fedlearn.core.task.Task;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Runs clients on threads of this process: for simulations, tests and applications that have their data in one place.
 *
 * <p>At most {@code parallelism} tasks are at work at a time. Without an executor of the caller's, threads are made as needed,
 * and a client that hangs past its time limit loses its place to the next task: its thread is interrupted and, if it does not
 * listen, left behind as a daemon. On an executor of the caller's a hanging client keeps its thread. Thread-safe.
 */
public final class InProcessRuntime implements Runtime {
    private final Map<String, Client> clients;
    private final List<ClientInfo> infos;
    private final TaskRunner runner;
    private final Executor executor;
    private final Optional<ExecutorService> ownedExecutor;
    private final int parallelism;

    /** Threads that are starting jobs now. */
    private final Set<Thread> starters = ConcurrentHashMap.newKeySet();

    // Guards what follows. Never held while a client or a listener is called.
    private final ReentrantLock lock = new ReentrantLock();
    private final Deque<Job> waiting = new ArrayDeque<>();
    private final Map<String, Job> jobs = new HashMap<>();
    private final Set<String> busyClients = new HashSet<>();
    private int running;
    private boolean closed;

    private InProcessRuntime(Builder builder) {
        this.clients = Collections.unmodifiableMap(new TreeMap<>(builder.clients));
        this.infos = clients.keySet().stream()
                .map(id -> new ClientInfo(id, Config.empty()))
                .toList();
        this.runner = TaskRunner.of(builder.states);
        this.parallelism = builder.parallelism;
        if (builder.executor.isPresent()) {
            this.executor = builder.executor.get();
            this.ownedExecutor = Optional.empty();
        } else {
            AtomicInteger number = new AtomicInteger();
            ExecutorService own = Executors.newCachedThreadPool(task -> {
                Thread thread = new Thread(task, "fedlearn-client-" + number.incrementAndGet());
                thread.setDaemon(true);
                return thread;
            });
            this.executor = own;
            this.ownedExecutor = Optional.of(own);
        }
    }

    /** A runtime for these clients by id, with the defaults. */
    public static InProcessRuntime of(Map<String, ? extends Client> clients) {
        return builder(clients).build();
    }

    /** A builder of a runtime for these clients by id. */
    public static Builder builder(Map<String, ? extends Client> clients) {
        return new Builder(clients);
    }

    @Override
    public List<ClientInfo> clients() {
        return infos;
    }

    @Override
    public Set<Capability> capabilities() {
        return EnumSet.allOf(Capability.class);
    }

    @Override
    public boolean awaitClients(int count, Duration timeout) {
        return infos.size() >= count;
    }

    @Override
    public void submit(Task task, TaskListener listener) {
        Client client = clients.get(task.clientId());
        if (client == null) {
            listener.finished(task, new ClientOutcome.Failed("there is no client '" + task.clientId() + "'"));
            return;
        }
        Job job = new Job(task, client, listener);
        lock.lock();
        try {
            if (closed) {
                throw new IllegalStateException("the runtime is closed");
            }
            if (jobs.putIfAbsent(task.id(), job) != null) {
                throw new IllegalStateException("task " + task.id() + " is under way already");
            }
            waiting.add(job);
        } finally {
            lock.unlock();
        }
        startNext();
    }

    /**
     * Starts waiting jobs while there is room. An executor that runs jobs on the calling thread leads back here from within; the
     * outer call goes on then, so that the stack does not grow with the number of tasks.
     */
    private void startNext() {
        Thread thread = Thread.currentThread();
        if (!starters.add(thread)) {
            return;
        }
        List<RuntimeException> failures = new ArrayList<>();
        try {
            while (startOne(failures)) {
                // There may be room for more.
            }
        } finally {
            starters.remove(thread);
        }
        if (!failures.isEmpty()) {
            throw failures.get(0);
        }
    }

    /**
     * Starts one waiting job, if there is room.
     *
     * @param failures receives what a listener throws on this thread: the others still get their turn
     * @return whether there was room
     */
    private boolean startOne(List<RuntimeException> failures) {
        Job job;
        boolean busy;
        lock.lock();
        try {
            if (closed || running >= parallelism || waiting.isEmpty()) {
                return false;
            }
            job = waiting.remove();
            busy = !busyClients.add(job.task.clientId());
            if (busy) {
                jobs.remove(job.task.id());
            } else {
                running++;
                job.holdsPlace = true;
            }
        } finally {
            lock.unlock();
        }
        try {
            if (busy) {
                job.listener.finished(
                        job.task, new ClientOutcome.Failed("the client is still busy with an earlier task"));
            } else {
                execute(job);
            }
        } catch (RuntimeException e) {
            failures.add(e);
        }
        return true;
    }

    private void execute(Job job) {
        try {
            executor.execute(job);
        } catch (RejectedExecutionException e) {
            leave(job);
            giveUpPlace(job);
            job.listener.finished(job.task, ClientOutcome.Failed.of(e));
        }
    }

    /** The client is done: from here it may get its next task, and nobody interrupts the thread for this one. */
    private void leave(Job job) {
        lock.lock();
        try {
            if (!job.hasLeft) {
                job.hasLeft = true;
                job.thread = Optional.empty();
                jobs.remove(job.task.id(), job);
                busyClients.remove(job.task.clientId());
            }
        } finally {
            lock.unlock();
        }
    }

    private void giveUpPlace(Job job) {
        lock.lock();
        try {
            releasePlace(job);
        } finally {
            lock.unlock();
        }
    }

    private void releasePlace(Job job) {
        if (job.holdsPlace) {
            job.holdsPlace = false;
            running--;
        }
    }

    @Override
    public void cancel(Task task) {
        lock.lock();
        try {
            Job job = jobs.remove(task.id());
            if (job == null) {
                return;
            }
            if (!waiting.remove(job)) {
                job.cancelled = true;
                job.thread.ifPresent(Thread::interrupt);
                if (ownedExecutor.isPresent()) {
                    releasePlace(job);
                }
            }
        } finally {
            lock.unlock();
        }
        startNext();
    }

    @Override
    public void close() {
        List<Job> left;
        lock.lock();
        try {
            if (closed) {
                return;
            }
            closed = true;
            waiting.clear();
            left = new ArrayList<>(jobs.values());
            jobs.clear();
            for (Job job : left) {
                job.cancelled = true;
                job.thread.ifPresent(Thread::interrupt);
            }
        } finally {
            lock.unlock();
        }
        ownedExecutor.ifPresent(ExecutorService::shutdownNow);
    }

    private final class Job implements Runnable {
        private final Task task;
        private final Client client;
        private final TaskListener listener;
        private volatile boolean cancelled;
        // Guarded by lock.
        private Optional<Thread> thread = Optional.empty();
        private boolean holdsPlace;
        private boolean hasLeft;

        Job(Task task, Client client, TaskListener listener) {
            this.task = task;
            this.client = client;
            this.listener = listener;
        }

        @Override
        public void run() {
            lock.lock();
            try {
                thread = Optional.of(Thread.currentThread());
            } finally {
                lock.unlock();
            }
            try {
                if (cancelled) {
                    leave(this);
                    return;
                }
                listener.started(task);
                ClientOutcome outcome = runner.run(
                        client, task, (done, total) -> listener.progress(task, done, total), () -> cancelled);
                // Before the outcome is told, because whoever hears it may send the client its next task at once.
                leave(this);
                clearInterrupt();
                listener.finished(task, outcome);
            } finally {
                // The place is kept until the outcome has been taken, so that clients are not faster than the
                // coordinator.
                leave(this);
                giveUpPlace(this);
                startNext();
            }
        }

        /** An interrupt meant for this task must not hit what the thread does next. */
        private void clearInterrupt() {
            if (ownedExecutor.isPresent() || cancelled) {
                Thread.interrupted();
            }
        }
    }

    /** Collects the settings of a runtime. Not thread-safe. */
    public static final class Builder {
        private final Map<String, Client> clients;
        private Optional<Executor> executor = Optional.empty();
        private ClientStateStore states = InMemoryClientStateStore.create();
        private int parallelism = java.lang.Runtime.getRuntime().availableProcessors();

        private Builder(Map<String, ? extends Client> clients) {
            this.clients = Map.copyOf(clients);
        }

        /** Where clients run; the caller closes it. Without one, the runtime makes threads of its own. */
        public Builder executor(Executor clientExecutor) {
            this.executor = Optional.of(clientExecutor);
            return this;
        }

        /** How many clients work at a time, at least 1; by default one per processor. */
        public Builder parallelism(int count) {
            if (count < 1) {
                throw new IllegalArgumentException("parallelism must be >= 1, was " + count);
            }
            this.parallelism = count;
            return this;
        }

        /** Where clients keep their state; the caller closes it. By default on the heap. */
        public Builder clientStates(ClientStateStore store) {
            this.states = store;
            return this;
        }

        /**
         * The runtime.
         *
         * @throws IllegalArgumentException if there is no client
         */
        public InProcessRuntime build() {
            if (clients.isEmpty()) {
                throw new IllegalArgumentException("a runtime needs at least one client");
            }
            return new InProcessRuntime(this);
        }
    }
}
