package io.fedlearn.core.runtime;

import io.fedlearn.core.strategy.Capability;
import io.fedlearn.core.strategy.ClientInfo;
import io.fedlearn.core.task.ClientOutcome;
import io.fedlearn.core.task.Task;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.Collectors;

/**
 * Several runtimes as one: the clients of all, with what all of them can do. So clients that reach the server in different ways, or
 * some at other sites and some in this process, take part in one run.
 *
 * <p>An id belongs to the runtime that had it first, for good, if it is a stable one; where two have it at once, to the one that is named first. A client
 * that comes by another way under the same id is left out, with a warning in the log that names it: two clients that share an id
 * would share their tasks and their state. Thread-safe.
 */
public final class CompositeRuntime implements Runtime {
    private static final System.Logger LOG = System.getLogger(CompositeRuntime.class.getName());

    /** How often runtimes are asked for new clients by who waits for them: most cannot tell of them. */
    private static final Duration POLL = Duration.ofMillis(20);

    private final List<Runtime> runtimes;

    // Guards what follows. Never held while a runtime is called.
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition closing = lock.newCondition();
    private final Map<String, Runtime> owners = new HashMap<>();
    private final Set<String> refused = new HashSet<>();
    private boolean closed;

    private CompositeRuntime(List<Runtime> runtimes) {
        this.runtimes = runtimes;
    }

    /**
     * These runtimes as one, which closes them.
     *
     * @throws IllegalArgumentException if there is none, or one is there twice
     */
    public static CompositeRuntime of(List<? extends Runtime> runtimes) {
        if (runtimes.isEmpty()) {
            throw new IllegalArgumentException("runtimes must not be empty");
        }
        Set<Runtime> distinct = Collections.newSetFromMap(new IdentityHashMap<>());
        distinct.addAll(runtimes);
        if (distinct.size() < runtimes.size()) {
            throw new IllegalArgumentException("runtimes must not hold one twice");
        }
        return new CompositeRuntime(List.copyOf(runtimes));
    }

    @Override
    public List<ClientInfo> clients() {
        TreeMap<String, ClientInfo> union = new TreeMap<>();
        for (Runtime runtime : runtimes) {
            List<ClientInfo> members = runtime.clients();
            if (!runtime.capabilities().contains(Capability.STABLE_IDENTITY)) {
                forgetAllBut(members, runtime);
            }
            for (ClientInfo client : members) {
                if (owns(runtime, client.id())) {
                    union.put(client.id(), client);
                }
            }
        }
        return List.copyOf(union.values());
    }

    /** Ids that change with every connection would pile up, and mean nothing once their client has gone. */
    private void forgetAllBut(List<ClientInfo> members, Runtime runtime) {
        Set<String> present = members.stream().map(ClientInfo::id).collect(Collectors.toSet());
        lock.lock();
        try {
            owners.entrySet().removeIf(owner -> owner.getValue() == runtime && !present.contains(owner.getKey()));
        } finally {
            lock.unlock();
        }
    }

    /** Whether the id is this runtime's, which it becomes if it is nobody's yet. */
    private boolean owns(Runtime runtime, String clientId) {
        boolean isNews;
        lock.lock();
        try {
            Runtime owner = owners.computeIfAbsent(clientId, id -> runtime);
            if (owner == runtime) {
                return true;
            }
            isNews = refused.add(clientId);
        } finally {
            lock.unlock();
        }
        if (isNews) {
            LOG.log(
                    System.Logger.Level.WARNING,
                    () -> "a second client '" + clientId
                            + "' has come by another way and is left out: ids must differ");
        }
        return false;
    }

    private Optional<Runtime> owner(String clientId) {
        lock.lock();
        try {
            return Optional.ofNullable(owners.get(clientId));
        } finally {
            lock.unlock();
        }
    }

    @Override
    public Set<Capability> capabilities() {
        EnumSet<Capability> common = EnumSet.allOf(Capability.class);
        runtimes.forEach(runtime -> common.retainAll(runtime.capabilities()));
        return Collections.unmodifiableSet(common);
    }

    @Override
    public boolean awaitClients(int count, Duration timeout) throws InterruptedException {
        long start = System.nanoTime();
        while (clients().size() < count) {
            Duration left = timeout.minusNanos(System.nanoTime() - start);
            if (left.isNegative() || left.isZero() || !pause(left.compareTo(POLL) < 0 ? left : POLL)) {
                return false;
            }
        }
        return true;
    }

    /** Waits, and says whether this runtime is still open. */
    private boolean pause(Duration time) throws InterruptedException {
        lock.lockInterruptibly();
        try {
            if (!closed) {
                closing.awaitNanos(time.toNanos());
            }
            return !closed;
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void submit(Task task, TaskListener listener) {
        Optional<Runtime> owner = owner(task.clientId());
        if (owner.isEmpty()) {
            // It may have come since clients were last asked for.
            clients();
            owner = owner(task.clientId());
        }
        if (owner.isPresent()) {
            owner.get().submit(task, listener);
        } else {
            listener.finished(task, new ClientOutcome.Failed("there is no client '" + task.clientId() + "'"));
        }
    }

    @Override
    public void cancel(Task task) {
        owner(task.clientId()).ifPresent(runtime -> runtime.cancel(task));
    }

    @Override
    public List<Refusal> takeRefusals() {
        return runtimes.stream()
                .flatMap(runtime -> runtime.takeRefusals().stream())
                .toList();
    }

    /** Closes all, even if one throws; what it threw is thrown in the end. */
    @Override
    public void close() {
        lock.lock();
        try {
            if (closed) {
                return;
            }
            closed = true;
            closing.signalAll();
        } finally {
            lock.unlock();
        }
        List<RuntimeException> failures = new ArrayList<>();
        for (Runtime runtime : runtimes) {
            try {
                runtime.close();
            } catch (RuntimeException e) {
                failures.add(e);
            }
        }
        if (!failures.isEmpty()) {
            RuntimeException first = failures.get(0);
            failures.subList(1, failures.size()).forEach(first::addSuppressed);
            throw first;
        }
    }
}
