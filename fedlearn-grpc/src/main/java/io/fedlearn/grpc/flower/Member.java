package io.fedlearn.grpc.flower;

import io.fedlearn.core.strategy.ClientInfo;
import io.fedlearn.core.task.Config;
import io.fedlearn.grpc.internal.netty.Peer;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.Status;
import io.grpc.SynchronizationContext;
import java.io.InputStream;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Optional;
import java.util.UUID;

/** One call of a client. Mutable fields are guarded by the lock of the {@link Roster}. */
final class Member extends ServerCall.Listener<InputStream> {
    private static final Logger LOG = System.getLogger(FlowerServer.class.getName());

    final Peer peer;
    /** Goes off if it has not said its id in time. */
    final Timer.Alarm joining;

    final Deque<Job> waiting = new ArrayDeque<>();
    Optional<Job> current = Optional.empty();
    ClientInfo info;
    boolean isMember;
    boolean isGone;

    private final ServerCall<InputStream, Instruction> call;
    private final Reception reception;
    private final Timer.Alarm reading;
    // Touched in order only.
    private boolean wasAsked;
    // A call is not thread-safe.
    private final SynchronizationContext order = new SynchronizationContext(
            (thread, problem) -> LOG.log(Level.ERROR, "a call of a Flower client failed", problem));

    Member(ServerCall<InputStream, Instruction> call, Peer peer, int number, Reception reception, Timer timer) {
        this.call = call;
        this.peer = peer;
        this.reception = reception;
        this.joining = timer.alarm();
        this.reading = timer.alarm();
        // Until it says another.
        this.info = new ClientInfo(
                "flower-" + number + "-" + UUID.randomUUID().toString().substring(0, 8), Config.empty());
    }

    void inOrder(Runnable work) {
        order.execute(work);
    }

    /** To be called in order. Only with the first instruction a message is let in: nobody may push one unasked. */
    void send(Instruction instruction) {
        if (!call.isCancelled()) {
            call.sendMessage(instruction);
            if (!wasAsked) {
                wasAsked = true;
                call.request(1);
            }
        }
    }

    /**
     * From now on the network has so long to take what is sent, or the client leaves; what is sent before that is read gives it no
     * longer.
     */
    void expectReading(Duration timeout) {
        reading.set(timeout, () -> {
            String reason = "it has not read its instruction within " + timeout.toMillis() + " ms";
            reception.leave(this, Status.DEADLINE_EXCEEDED.withDescription(reason), "lost", reason);
        });
    }

    /** What was sent is on the line. */
    void hasRead() {
        reading.turnOff();
    }

    /** Whether the network takes more at once. */
    boolean isReady() {
        return call.isReady();
    }

    void end(Status status) {
        inOrder(() -> {
            if (!call.isCancelled()) {
                call.close(status, new Metadata());
            }
        });
    }

    @Override
    public void onMessage(InputStream message) {
        reception.receive(this, message);
        inOrder(() -> call.request(1));
    }

    @Override
    public void onReady() {
        reception.ready(this);
    }

    @Override
    public void onHalfClose() {
        reception.leave(this, Status.OK, "left", "it has left");
    }

    @Override
    public void onCancel() {
        reception.leave(this, Status.CANCELLED, "lost", "its connection has ended");
    }

    @Override
    public String toString() {
        return info.id() + " at " + peer.address();
    }
}
