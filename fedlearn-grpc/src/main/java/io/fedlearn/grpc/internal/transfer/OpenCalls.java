package io.fedlearn.grpc.internal.transfer;

import com.google.protobuf.ByteString;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;

/** The calls under way: a few of each session, each of which is looked after from time to time. Thread-safe. */
final class OpenCalls {
    /** How many calls a session may have at a time: a client needs one, and those that broke take a moment to end. */
    static final int MAX_PER_SESSION = 4;

    // Guards what follows.
    private final ReentrantLock lock = new ReentrantLock();
    private final Map<ByteString, Integer> perSession = new HashMap<>();
    private final Set<OpenCall> calls = new HashSet<>();

    /** A call as what looks after it sees it. */
    interface OpenCall {
        /** The session that it names. */
        ByteString session();

        /** Ends the call if it has become nobody's. Must not block. */
        void check();
    }

    /** Whether the session may have this call too. */
    boolean add(OpenCall call) {
        lock.lock();
        try {
            int open = perSession.getOrDefault(call.session(), 0);
            if (open == MAX_PER_SESSION) {
                return false;
            }
            if (calls.add(call)) {
                perSession.put(call.session(), open + 1);
            }
            return true;
        } finally {
            lock.unlock();
        }
    }

    /** The call has ended; to say so again does nothing. */
    void remove(OpenCall call) {
        lock.lock();
        try {
            if (calls.remove(call)) {
                perSession.computeIfPresent(call.session(), (session, open) -> open == 1 ? null : open - 1);
            }
        } finally {
            lock.unlock();
        }
    }

    /** Has each call look whether it is still somebody's. */
    void check() {
        List<OpenCall> open;
        lock.lock();
        try {
            open = List.copyOf(calls);
        } finally {
            lock.unlock();
        }
        open.forEach(OpenCall::check);
    }
}
