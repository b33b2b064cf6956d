package io.fedlearn.grpc.server;

import io.fedlearn.grpc.internal.netty.Peer;
import io.fedlearn.grpc.metrics.TransportMetrics;
import io.fedlearn.grpc.proto.v1.ClientMessage;
import io.fedlearn.grpc.proto.v1.GoodbyeCode;
import io.fedlearn.grpc.proto.v1.ServerMessage;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.LongSupplier;

/** Serves Join, and sends those away that do not say who they are. Thread-safe. */
final class JoinService implements ServerCallHandler<ClientMessage, ServerMessage> {
    private final TaskDesk desk;
    private final TransportMetrics metrics;
    private final Duration helloTimeout;
    private final LongSupplier nanoTime;
    private final Set<JoinCall> nameless = ConcurrentHashMap.newKeySet();

    JoinService(TaskDesk desk, TransportMetrics metrics, Duration helloTimeout, LongSupplier nanoTime) {
        this.desk = desk;
        this.metrics = metrics;
        this.helloTimeout = helloTimeout;
        this.nanoTime = nanoTime;
    }

    @Override
    public ServerCall.Listener<ClientMessage> startCall(
            ServerCall<ClientMessage, ServerMessage> call, Metadata headers) {
        Peer peer = Peer.current();
        return startCall(call, Credential.of(peer), peer.address());
    }

    JoinCall startCall(ServerCall<ClientMessage, ServerMessage> call, Credential credential, String address) {
        // Whoever removes a call from the nameless decides: it is let in, or sent away for its silence.
        JoinCall join = new JoinCall(
                call, credential, address, desk, metrics, nanoTime.getAsLong(), nameless::remove, nameless::remove);
        nameless.add(join);
        return join;
    }

    /** Looks at the clock: sends away whoever has not said its name in time. */
    void tick() {
        long now = nanoTime.getAsLong();
        for (JoinCall call : nameless) {
            if (now - call.startedAt() >= helloTimeout.toNanos() && nameless.remove(call)) {
                call.sendAway(Replies.goodbye(
                        GoodbyeCode.GOODBYE_CODE_SILENT, "no Hello came within " + helloTimeout.toMillis() + " ms"));
            }
        }
    }
}
