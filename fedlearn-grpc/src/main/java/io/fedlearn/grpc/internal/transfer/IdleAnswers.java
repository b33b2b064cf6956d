package io.fedlearn.grpc.internal.transfer;

import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** Answers whose call has broken: they keep their room on the heap for a while only. Thread-safe. */
final class IdleAnswers {
    private final long patienceNanos;
    private final Map<AnswerReceiver, Left> left = new ConcurrentHashMap<>();

    private record Left(long claim, long since) {}

    IdleAnswers(Duration patience) {
        this.patienceNanos = patience.toNanos();
    }

    /** This call no longer brings the answer. */
    void add(AnswerReceiver answer, long claim) {
        left.put(answer, new Left(claim, System.nanoTime()));
    }

    /** Gives the room of those back that no other call has taken over for long. */
    void check() {
        long now = System.nanoTime();
        left.forEach((answer, since) -> {
            if (now - since.since >= patienceNanos && left.remove(answer, since)) {
                answer.leaveHeap(since.claim);
            }
        });
    }
}
