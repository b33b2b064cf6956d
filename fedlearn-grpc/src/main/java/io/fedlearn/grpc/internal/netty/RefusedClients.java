package io.fedlearn.grpc.internal.netty;

import io.fedlearn.core.runtime.Refusal;
import io.fedlearn.grpc.internal.wire.PeerText;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Who was not let in since somebody last asked, counted by client and kind of reason. Bounded, however often and under however many
 * names somebody knocks; those who prove who they are have room of their own, so that nobody can crowd them out. Thread-safe.
 */
public final class RefusedClients {
    /** So many clients and kinds of reason are told apart, of those who proved who they are. */
    static final int MAX_PROVEN = 100;

    /** So many of the others, who may be one that takes a new name each time: few, since each is a record. */
    static final int MAX_UNPROVEN = 10;

    private static final int MAX_ID_LENGTH = 256;
    private static final int MAX_REASON_LENGTH = 500;

    private record Kind(Optional<String> clientId, boolean isProven, String word) {}

    private static final class Tally {
        private final String reason;
        private long count;

        Tally(String reason) {
            this.reason = reason;
        }
    }

    // Guards what follows.
    private final ReentrantLock lock = new ReentrantLock();
    private final Map<Kind, Tally> tallies = new LinkedHashMap<>();
    private int proven;
    private long others;

    /** Nobody yet. */
    public RefusedClients() {}

    /**
     * Counts one more.
     *
     * @param clientId as it says, or proved
     * @param isProven whether it did
     * @param word for the kind of reason, from a small fixed set
     * @param reason in words
     */
    public void add(Optional<String> clientId, boolean isProven, String word, String reason) {
        Optional<String> id =
                clientId.map(told -> PeerText.plain(told, MAX_ID_LENGTH)).filter(told -> !told.isEmpty());
        Kind kind = new Kind(id, isProven && id.isPresent(), word);
        lock.lock();
        try {
            Tally tally = tallies.get(kind);
            if (tally == null) {
                boolean isFull = kind.isProven ? proven >= MAX_PROVEN : tallies.size() - proven >= MAX_UNPROVEN;
                if (isFull) {
                    others++;
                    return;
                }
                tally = new Tally(PeerText.plain(reason, MAX_REASON_LENGTH));
                tallies.put(kind, tally);
                proven += kind.isProven ? 1 : 0;
            }
            tally.count++;
        } finally {
            lock.unlock();
        }
    }

    /** All of them, in the order in which they came first; then they are forgotten. */
    public List<Refusal> take() {
        lock.lock();
        try {
            List<Refusal> taken = new ArrayList<>();
            tallies.forEach(
                    (kind, tally) -> taken.add(new Refusal(kind.clientId, kind.isProven, tally.reason, tally.count)));
            if (others > 0) {
                taken.add(new Refusal(Optional.empty(), false, "more clients than are told apart", others));
            }
            tallies.clear();
            proven = 0;
            others = 0;
            return taken;
        } finally {
            lock.unlock();
        }
    }
}
