package io.fedlearn.grpc.flower;

import io.fedlearn.core.runtime.TaskListener;
import io.fedlearn.core.strategy.ClientInfo;
import io.fedlearn.core.task.Task;
import io.grpc.Status;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Who is at the server and what each is asked: state alone, which says what is to be done and leaves the doing to its callers.
 * Thread-safe.
 */
final class Roster {
    private final int maxClients;

    // Guards what follows and the fields of members and jobs. Never held while a call or a listener is used.
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private final Map<String, Member> members = new TreeMap<>();
    private final Set<Member> calls = new HashSet<>();
    private final Map<String, Job> jobs = new HashMap<>();
    private boolean closed;

    /** A task that was taken; the first of its client is to be sent. */
    record Taken(Job job, boolean isFirst) {}

    /** A task that has ended, and the client's next, which is to be sent. */
    record Ended(Optional<Job> next) {}

    /** What the cancelling of a task brings: a client whose call is to end, or a client's next task. */
    record Cancelled(Optional<Member> aborted, Optional<Job> next) {}

    /** A client that was let in: the earlier one of its id, which is to leave, and how many there are. */
    record Admission(Optional<Member> earlier, int count) {}

    /** A client that is gone: what it leaves unfinished, and how many there are. */
    record Removal(List<Job> unfinished, boolean wasMember, boolean isClosing, int count) {}

    /** How it stands with a client that is heard of: what it was asked, if anything. */
    record Standing(Optional<Job> asked, boolean isMember, boolean isGone, boolean isClosing) {}

    Roster(int maxClients) {
        this.maxClients = maxClients;
    }

    /** The clients, in order of ids. */
    List<ClientInfo> clients() {
        lock.lock();
        try {
            return members.values().stream().map(member -> member.info).toList();
        } finally {
            lock.unlock();
        }
    }

    /** Waits until there are so many clients; whether there are. */
    boolean awaitClients(int count, Duration timeout) throws InterruptedException {
        long left = timeout.toNanos();
        lock.lock();
        try {
            while (members.size() < count && !closed) {
                if (left <= 0) {
                    return false;
                }
                left = changed.awaitNanos(left);
            }
            return members.size() >= count;
        } finally {
            lock.unlock();
        }
    }

    // ---- tasks

    /** Takes a task, unless there is no such client. */
    Optional<Taken> take(Task task, TaskListener listener) {
        lock.lock();
        try {
            if (closed) {
                throw new IllegalStateException("the server is closed");
            }
            if (jobs.containsKey(task.id())) {
                throw new IllegalStateException("task " + task.id() + " is under way already");
            }
            Member member = members.get(task.clientId());
            if (member == null) {
                return Optional.empty();
            }
            Job job = new Job(task, listener, member);
            jobs.put(task.id(), job);
            boolean isFirst = member.current.isEmpty();
            if (isFirst) {
                member.current = Optional.of(job);
            } else {
                member.waiting.add(job);
            }
            return Optional.of(new Taken(job, isFirst));
        } finally {
            lock.unlock();
        }
    }

    /** From now on the client has been asked, if the task is still wanted; whether it is. */
    boolean markSent(Job job) {
        lock.lock();
        try {
            job.isSent = isCurrent(job);
            return job.isSent;
        } finally {
            lock.unlock();
        }
    }

    /** Ends the current task of a client, unless it has ended otherwise, and gives the client its next. */
    Optional<Ended> end(Job job) {
        lock.lock();
        try {
            if (!isCurrent(job)) {
                return Optional.empty();
            }
            jobs.remove(job.task.id());
            job.member.current = Optional.ofNullable(job.member.waiting.poll());
            return Optional.of(new Ended(job.member.current));
        } finally {
            lock.unlock();
        }
    }

    /** Ends the current task of a client that gets no other; whether it had not ended otherwise. */
    boolean endLast(Job job) {
        lock.lock();
        try {
            if (!isCurrent(job)) {
                return false;
            }
            jobs.remove(job.task.id());
            job.member.current = Optional.empty();
            return true;
        } finally {
            lock.unlock();
        }
    }

    /** Forgets a task. */
    Cancelled cancel(Task task) {
        Optional<Member> aborted = Optional.empty();
        Optional<Job> next = Optional.empty();
        lock.lock();
        try {
            Job job = jobs.remove(task.id());
            if (job == null) {
                return new Cancelled(aborted, next);
            }
            if (isCurrent(job) && job.isSent) {
                // Else the member's end would finish it.
                job.member.current = Optional.empty();
                aborted = Optional.of(job.member);
            } else if (isCurrent(job)) {
                next = Optional.ofNullable(job.member.waiting.poll());
                job.member.current = next;
            } else {
                job.member.waiting.remove(job);
            }
            return new Cancelled(aborted, next);
        } finally {
            lock.unlock();
        }
    }

    private static boolean isCurrent(Job job) {
        return job.member.current.isPresent() && job.member.current.get() == job;
    }

    // ---- clients

    /** Counts a call, or says why it is refused. */
    Optional<Status> enter(Member member) {
        lock.lock();
        try {
            if (closed) {
                return Optional.of(Status.UNAVAILABLE.withDescription("the server is closing"));
            }
            if (calls.size() >= maxClients) {
                return Optional.of(Status.RESOURCE_EXHAUSTED.withDescription(
                        "the server takes at most " + maxClients + " clients"));
            }
            calls.add(member);
            return Optional.empty();
        } finally {
            lock.unlock();
        }
    }

    /** Makes a call a client's, unless it or the server has ended. */
    Optional<Admission> admit(Member member, ClientInfo info) {
        lock.lock();
        try {
            if (member.isGone || closed) {
                return Optional.empty();
            }
            Optional<Member> earlier = Optional.ofNullable(members.get(info.id()));
            member.info = info;
            member.isMember = true;
            members.put(info.id(), member);
            changed.signalAll();
            return Optional.of(new Admission(earlier, members.size()));
        } finally {
            lock.unlock();
        }
    }

    /** Forgets a call and what its client was asked, unless it is gone already. */
    Optional<Removal> remove(Member member) {
        List<Job> unfinished = new ArrayList<>();
        lock.lock();
        try {
            if (member.isGone) {
                return Optional.empty();
            }
            member.isGone = true;
            members.remove(member.info.id(), member);
            calls.remove(member);
            member.current.ifPresent(unfinished::add);
            unfinished.addAll(member.waiting);
            member.current = Optional.empty();
            member.waiting.clear();
            unfinished.forEach(job -> jobs.remove(job.task.id()));
            changed.signalAll();
            return Optional.of(new Removal(unfinished, member.isMember, closed, members.size()));
        } finally {
            lock.unlock();
        }
    }

    /** How it stands with this client. */
    Standing standing(Member member) {
        lock.lock();
        try {
            return new Standing(member.current.filter(job -> job.isSent), member.isMember, member.isGone, closed);
        } finally {
            lock.unlock();
        }
    }

    // ---- the end

    /** Takes nobody any more and forgets all tasks; the calls there are, or nothing if it was closed before. */
    Optional<List<Member>> close() {
        lock.lock();
        try {
            if (closed) {
                return Optional.empty();
            }
            closed = true;
            jobs.clear();
            for (Member member : calls) {
                member.current = Optional.empty();
                member.waiting.clear();
            }
            changed.signalAll();
            return Optional.of(List.copyOf(calls));
        } finally {
            lock.unlock();
        }
    }

    /** Waits until all calls have ended; gives what is left of the time. */
    long awaitGone(long nanos) throws InterruptedException {
        long left = nanos;
        lock.lock();
        try {
            while (!calls.isEmpty() && left > 0) {
                left = changed.awaitNanos(left);
            }
            return left;
        } finally {
            lock.unlock();
        }
    }

    /** Forgets everybody. */
    void clear() {
        lock.lock();
        try {
            members.clear();
            calls.clear();
        } finally {
            lock.unlock();
        }
    }
}
