package io.fedlearn.grpc.server;

import io.fedlearn.grpc.metrics.TransportMetrics;
import io.fedlearn.grpc.metrics.TransportMetrics.Content;
import io.fedlearn.grpc.proto.v1.ClientMessage;
import io.fedlearn.grpc.proto.v1.Goodbye;
import io.fedlearn.grpc.proto.v1.GoodbyeCode;
import io.fedlearn.grpc.proto.v1.ServerMessage;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.Status;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.Predicate;

/**
 * A client's call of Join: what comes is taken one message at a time and given to the desk; what goes is queued, and sent by one
 * thread at a time as the client takes it.
 */
final class JoinCall extends ServerCall.Listener<ClientMessage> implements Connection {
    /** How many messages may wait for a client that does not read; a client with more is cut off. */
    static final int MAX_WAITING = 1_000;

    private final ServerCall<ClientMessage, ServerMessage> call;
    private final TaskDesk desk;
    private final TransportMetrics metrics;
    private final Credential credential;
    private final String address;
    private final long startedAt;
    private final Predicate<JoinCall> onHello;
    private final Consumer<JoinCall> onEnd;

    // Confined to the call's callbacks, which come one after another.
    private Optional<Session> session = Optional.empty();

    // Whoever counts it up from 0 writes.
    private final AtomicInteger writers = new AtomicInteger();
    private volatile boolean isClosed;

    // Guards what follows. Never held while the call is used.
    private final ReentrantLock lock = new ReentrantLock();
    private final Deque<ServerMessage> waiting = new ArrayDeque<>();
    private boolean isEnding;
    private boolean isOverflown;

    /**
     * @param onHello hears when the client has said who it is; false if that comes too late, and it is being sent away
     * @param onEnd hears once that the call is over
     */
    JoinCall(
            ServerCall<ClientMessage, ServerMessage> call,
            Credential credential,
            String address,
            TaskDesk desk,
            TransportMetrics metrics,
            long startedAt,
            Predicate<JoinCall> onHello,
            Consumer<JoinCall> onEnd) {
        this.call = call;
        this.desk = desk;
        this.metrics = metrics;
        this.credential = credential;
        this.address = address;
        this.startedAt = startedAt;
        this.onHello = onHello;
        this.onEnd = onEnd;
        call.sendHeaders(new Metadata());
        call.request(1);
    }

    long startedAt() {
        return startedAt;
    }

    // ---- What comes ----

    @Override
    public void onMessage(ClientMessage message) {
        metrics.bytesReceived(Content.CONTROL, message.getSerializedSize());
        if (session.isPresent()) {
            take(session.get(), message);
        } else if (message.hasHello()) {
            if (onHello.test(this)) {
                session = desk.join(message.getHello(), credential, this);
            }
        } else {
            sendAway(Replies.goodbye(GoodbyeCode.GOODBYE_CODE_MALFORMED, "the first message must be Hello"));
        }
        if (!isClosed) {
            call.request(1);
        }
    }

    private void take(Session from, ClientMessage message) {
        if (!desk.hear(from, message.getMessageCase())) {
            return;
        }
        switch (message.getMessageCase()) {
            case HELLO -> desk.dismiss(from, GoodbyeCode.GOODBYE_CODE_MALFORMED, "Hello comes once, and first");
            case STARTED -> desk.started(from, message.getStarted());
            case PROGRESS -> desk.progress(from, message.getProgress());
            case ANSWER -> desk.answer(from, message.getAnswer());
            case LEAVE -> desk.leave(from, message.getLeave().getReason());
            // A message that only later versions know is passed over, as a field would be.
            case HEARTBEAT, MESSAGE_NOT_SET -> {}
        }
    }

    @Override
    public void onHalfClose() {
        session.ifPresent(lost -> desk.lost(lost, "it hung up"));
        // By whoever writes, because the call must not be closed under a message.
        end(Optional.empty());
        flush();
    }

    @Override
    public void onCancel() {
        isClosed = true;
        session.ifPresent(lost -> desk.lost(lost, "the connection broke"));
        onEnd.accept(this);
    }

    @Override
    public void onComplete() {
        isClosed = true;
        session.ifPresent(lost -> desk.lost(lost, "the call was ended"));
        onEnd.accept(this);
    }

    @Override
    public void onReady() {
        flush();
    }

    // ---- What goes ----

    /** Ends the call of a client that has not joined. */
    void sendAway(Goodbye goodbye) {
        metrics.sessionRefused(Replies.word(goodbye.getCode()));
        end(Optional.of(goodbye));
        flush();
    }

    @Override
    public void enqueue(ServerMessage message) {
        lock.lock();
        try {
            if (isEnding) {
                return;
            }
            if (waiting.size() >= MAX_WAITING) {
                isOverflown = true;
                isEnding = true;
                waiting.clear();
                return;
            }
            waiting.add(message);
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void end(Optional<Goodbye> farewell) {
        lock.lock();
        try {
            if (isEnding) {
                return;
            }
            isEnding = true;
            farewell.ifPresent(goodbye ->
                    waiting.add(ServerMessage.newBuilder().setGoodbye(goodbye).build()));
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void flush() {
        if (writers.getAndIncrement() != 0) {
            return;
        }
        int seen = 1;
        do {
            write();
            seen = writers.addAndGet(-seen);
        } while (seen != 0);
    }

    private void write() {
        while (!isClosed) {
            boolean isReady = call.isReady();
            Optional<ServerMessage> next;
            boolean isLast;
            boolean isCut;
            lock.lock();
            try {
                isCut = isOverflown;
                next = isReady ? Optional.ofNullable(waiting.poll()) : Optional.empty();
                isLast = isEnding && waiting.isEmpty() && next.isEmpty();
            } finally {
                lock.unlock();
            }
            if (isCut) {
                close(Status.RESOURCE_EXHAUSTED.withDescription("the client does not read what it is sent"));
            } else if (next.isPresent()) {
                metrics.bytesSent(Content.CONTROL, next.get().getSerializedSize());
                call.sendMessage(next.get());
            } else if (isLast) {
                close(Status.OK);
            } else {
                return;
            }
        }
    }

    private void close(Status status) {
        isClosed = true;
        call.close(status, new Metadata());
    }

    @Override
    public boolean hasBacklog() {
        lock.lock();
        try {
            return !waiting.isEmpty();
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void abort() {
        lock.lock();
        try {
            waiting.clear();
            isEnding = true;
            isOverflown = true;
        } finally {
            lock.unlock();
        }
        flush();
    }

    @Override
    public String address() {
        return address;
    }
}
