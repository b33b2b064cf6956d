package io.fedlearn.grpc.server;

import io.fedlearn.grpc.internal.netty.RefusedClients;
import io.fedlearn.grpc.metrics.TransportMetrics;
import io.fedlearn.grpc.proto.v1.ClientMessage;
import io.fedlearn.grpc.proto.v1.Goodbye;
import io.fedlearn.grpc.proto.v1.GoodbyeCode;
import io.fedlearn.grpc.proto.v1.Heartbeat;
import io.fedlearn.grpc.proto.v1.ServerMessage;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.LongSupplier;

/**
 * How sessions and memberships end: by a broken connection, silence, haste, a farewell of either side, or credentials that hold no
 * longer. Methods that take effects are called under the desk's lock, the others without it. Thread-safe.
 */
final class Sessions {
    private static final System.Logger LOG = System.getLogger(FederatedServer.class.getName());

    private static final Duration RETRY_TOO_FAST = Duration.ofSeconds(5);

    private final DeskSettings settings;
    private final LongSupplier nanoTime;
    private final TransportMetrics metrics;
    private final RefusedClients refused;
    private final DeskLock lock;

    // Guarded by lock.
    private final Members members;
    private final TaskTable tasks;
    private final List<Ending> ending = new ArrayList<>();
    private Optional<Goodbye> draining = Optional.empty();
    private Goodbye farewell = Replies.goodbye(GoodbyeCode.GOODBYE_CODE_RUN_OVER, "the run is over");
    private long tickedAt;

    /** A connection that has been told to end, and when it is cut if it has not. */
    private record Ending(Connection connection, long cutAt) {}

    Sessions(
            DeskSettings settings,
            LongSupplier nanoTime,
            TransportMetrics metrics,
            RefusedClients refused,
            DeskLock lock,
            Members members,
            TaskTable tasks) {
        this.settings = settings;
        this.nanoTime = nanoTime;
        this.metrics = metrics;
        this.refused = refused;
        this.lock = lock;
        this.members = members;
        this.tasks = tasks;
        this.tickedAt = nanoTime.getAsLong();
    }

    // ---- What clients do ----

    /** Something came from the client. Returns whether it may be looked at: not if the session is over, or messages come too fast. */
    boolean hear(Session session, ClientMessage.MessageCase kind) {
        return lock.choose(effects -> {
            long now = nanoTime.getAsLong();
            session.heardAt = now;
            if (!session.isLive()) {
                return false;
            }
            if (session.mayTake(kind, settings.limits(), now)) {
                return true;
            }
            dismiss(
                    session,
                    GoodbyeCode.GOODBYE_CODE_TOO_FAST,
                    "more than " + settings.limits().messagesPerSecond() + " messages per second",
                    effects);
            return false;
        });
    }

    /** The connection broke. The client stays a member for its grace time. */
    void lost(Session session, String how) {
        lock.decide(effects -> {
            if (session.isLive()) {
                detach(session, Optional.empty(), "lost", effects);
                effects.add(() -> LOG.log(
                        System.Logger.Level.INFO,
                        "client '" + session.member.id + "' lost its connection (" + Replies.plain(how)
                                + "); it is waited for, for " + Replies.seconds(settings.reconnectGrace())));
            }
        });
    }

    /** The client says that it goes. */
    void leave(Session session, String reason) {
        lock.decide(effects -> {
            if (session.isLive()) {
                remove(session.member, "left", Optional.empty(), "the client left: " + Replies.plain(reason), effects);
            }
        });
    }

    // ---- What the server does ----

    /** Ends a connection because of what came, or did not come, over it. The client stays a member for its grace time. */
    void dismiss(Session session, GoodbyeCode code, String reason) {
        lock.decide(effects -> {
            if (session.isLive()) {
                dismiss(session, code, reason, effects);
            }
        });
    }

    private void dismiss(Session session, GoodbyeCode code, String reason, Effects effects) {
        Goodbye goodbye = Replies.goodbye(code, reason).toBuilder()
                .setRetryAfterMillis(code == GoodbyeCode.GOODBYE_CODE_TOO_FAST ? RETRY_TOO_FAST.toMillis() : 0)
                .build();
        detach(session, Optional.of(goodbye), Replies.word(code), effects);
        effects.add(() -> LOG.log(
                System.Logger.Level.INFO,
                "connection of client '" + session.member.id + "' at " + session.connection.address() + " is ended: "
                        + goodbye.getReason()));
    }

    /** Throws those out whose certificates or tokens hold no longer. Reads files. */
    void checkCredentials() {
        for (Session session : lock.read(members::sessions)) {
            session.credential.refusal().ifPresent(reason -> revoke(session, reason));
        }
    }

    private void revoke(Session session, String reason) {
        lock.decide(effects -> {
            if (session.isLive()) {
                remove(
                        session.member,
                        "revoked",
                        Optional.of(Replies.goodbye(GoodbyeCode.GOODBYE_CODE_REVOKED, reason)),
                        "the client was revoked: " + reason,
                        effects);
                boolean isProven = session.credential.clientId().isPresent();
                effects.add(() -> refused.add(Optional.of(session.member.id), isProven, "revoked", reason));
            }
        });
    }

    /** Ends with a farewell the connections of all clients, which are to come back later. */
    void drain(String reason, Duration retryAfter) {
        Goodbye goodbye = Replies.goodbye(GoodbyeCode.GOODBYE_CODE_DRAINING, reason).toBuilder()
                .setRetryAfterMillis(retryAfter.toMillis())
                .build();
        lock.decide(effects -> {
            draining = Optional.of(goodbye);
            for (Session session : members.sessions()) {
                detach(session, Optional.of(goodbye), "draining", effects);
            }
        });
        LOG.log(System.Logger.Level.INFO, "draining: " + Replies.plain(reason));
    }

    /** What clients are told that come while others are sent away to come back later. To be called under the lock. */
    Optional<Goodbye> draining() {
        return draining;
    }

    /** What clients are told that come when the server is closed. To be called under the lock. */
    Goodbye farewell() {
        return farewell;
    }

    /** Clients are told when the server is closed that the run has failed, for this reason. */
    void fail(String reason) {
        lock.decide(effects -> {
            if (!members.isClosed()) {
                farewell = Replies.goodbye(GoodbyeCode.GOODBYE_CODE_RUN_FAILED, reason);
            }
        });
    }

    /** Gives up all tasks and tells all clients that the run is over, or has failed. */
    void close() {
        lock.decide(effects -> {
            if (members.isClosed()) {
                return;
            }
            members.close();
            tasks.clear(effects);
            String word = farewell.getCode() == GoodbyeCode.GOODBYE_CODE_RUN_FAILED ? "failed" : "over";
            for (Session session : members.sessions()) {
                detach(session, Optional.of(farewell), word, effects);
            }
            members.clear();
            lock.signalChange();
        });
    }

    // ---- Parting ----

    /** Separates a member from its connection. */
    void detach(Session session, Optional<Goodbye> goodbye, String word, Effects effects) {
        members.detach(session, nanoTime.getAsLong());
        end(session.connection, goodbye, effects);
        effects.add(() -> metrics.sessionEnded(word));
        tellCounts(effects);
    }

    /** Ends a connection, soon even if the client does not let go of it. */
    void end(Connection connection, Optional<Goodbye> goodbye, Effects effects) {
        connection.end(goodbye);
        ending.add(new Ending(connection, nanoTime.getAsLong() + settings.heartbeatNanos()));
        effects.flush(connection);
    }

    /** The member is none any more, and its tasks have failed. */
    private void remove(Member member, String word, Optional<Goodbye> goodbye, String why, Effects effects) {
        member.live.ifPresent(session -> detach(session, goodbye, word, effects));
        members.remove(member);
        tasks.failAll(member, why, effects);
        tellCounts(effects);
        effects.add(
                () -> LOG.log(System.Logger.Level.INFO, "client '" + member.id + "' is no member any more: " + why));
    }

    /** Tells how many clients there are now. */
    void tellCounts(Effects effects) {
        int all = members.count();
        int connected = members.connectedCount();
        effects.add(() -> metrics.clients(all, connected));
    }

    // ---- Time ----

    /** Looks at the clock: sends heartbeats, ends what is silent, and gives up whom nobody waits for any longer. */
    void tick() {
        lock.decide(effects -> {
            long now = nanoTime.getAsLong();
            // After this process stood still, what clients sent meanwhile lies unread, and they could not come back.
            // That time does not count.
            if (now - tickedAt > settings.heartbeatNanos()) {
                long stoodStill = now - tickedAt;
                for (Member member : members.all()) {
                    member.lostAt = Math.min(now, member.lostAt + stoodStill);
                    member.live.ifPresent(session -> {
                        session.heardAt = Math.min(now, session.heardAt + stoodStill);
                        session.backlogSince = Math.min(now, session.backlogSince + stoodStill);
                    });
                }
            }
            tickedAt = now;
            for (Session session : members.sessions()) {
                tick(session, now, effects);
            }
            for (Member member : members.all()) {
                if (member.live.isEmpty()
                        && now - member.lostAt >= settings.reconnectGrace().toNanos()) {
                    remove(
                            member,
                            "lost",
                            Optional.empty(),
                            "the client lost its connection and did not come back within "
                                    + Replies.seconds(settings.reconnectGrace()),
                            effects);
                }
            }
            ending.removeIf(end -> {
                if (now - end.cutAt() < 0) {
                    return false;
                }
                effects.add(end.connection()::abort);
                return true;
            });
        });
    }

    private void tick(Session session, long now, Effects effects) {
        if (now - session.heardAt >= settings.silenceNanos()) {
            dismiss(
                    session,
                    GoodbyeCode.GOODBYE_CODE_SILENT,
                    "nothing was heard for " + Replies.seconds(Duration.ofNanos(settings.silenceNanos())),
                    effects);
            return;
        }
        if (!session.connection.hasBacklog()) {
            session.hasBacklog = false;
        } else if (!session.hasBacklog) {
            session.hasBacklog = true;
            session.backlogSince = now;
        } else if (now - session.backlogSince >= settings.silenceNanos()) {
            dismiss(session, GoodbyeCode.GOODBYE_CODE_SILENT, "the client does not read what it is sent", effects);
            return;
        }
        if (now - session.beatAt >= settings.heartbeatNanos() && !session.hasBacklog) {
            session.beatAt = now;
            session.connection.enqueue(ServerMessage.newBuilder()
                    .setHeartbeat(Heartbeat.newBuilder().setNumber(++session.beats))
                    .build());
            effects.flush(session.connection);
        }
    }
}
