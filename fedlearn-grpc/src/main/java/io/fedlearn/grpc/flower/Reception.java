package io.fedlearn.grpc.flower;

import io.fedlearn.core.strategy.ClientInfo;
import io.fedlearn.core.task.ClientOutcome;
import io.fedlearn.core.task.Config;
import io.fedlearn.core.task.Task;
import io.fedlearn.core.task.TaskKind;
import io.fedlearn.grpc.internal.netty.Peer;
import io.fedlearn.grpc.internal.netty.RefusedClients;
import io.fedlearn.grpc.metrics.TransportMetrics;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.Status;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;

/** Where clients join, say who they are, answer and leave. Thread-safe. */
final class Reception {
    private static final Logger LOG = System.getLogger(FlowerServer.class.getName());

    private final Roster roster;
    private final Dispatch dispatch;
    private final FlowerTasks tasks;
    private final Optional<String> idProperty;
    private final Duration joinTimeout;
    private final AnswerRoom room;
    private final Timer timer;
    private final TransportMetrics metrics;
    private final RefusedClients refused;
    private final AtomicInteger joined = new AtomicInteger();

    Reception(
            Roster roster,
            Dispatch dispatch,
            FlowerTasks tasks,
            Optional<String> idProperty,
            Duration joinTimeout,
            AnswerRoom room,
            Timer timer,
            TransportMetrics metrics,
            RefusedClients refused) {
        this.roster = roster;
        this.dispatch = dispatch;
        this.tasks = tasks;
        this.idProperty = idProperty;
        this.joinTimeout = joinTimeout;
        this.room = room;
        this.timer = timer;
        this.metrics = metrics;
        this.refused = refused;
    }

    // ---- clients

    /** Takes up a call. */
    ServerCall.Listener<InputStream> join(ServerCall<InputStream, Instruction> call, Metadata headers) {
        Member member = new Member(call, Peer.current(), joined.incrementAndGet(), this, timer);
        Optional<Status> refusal = roster.enter(member);
        if (refusal.isPresent()) {
            Status status = refusal.get();
            LOG.log(Level.INFO, () -> "refused " + member.peer + ": " + status.getDescription());
            boolean isClosing = status.getCode() == Status.Code.UNAVAILABLE;
            metrics.sessionRefused(isClosing ? "closing" : "full");
            if (!isClosing) {
                refused.add(member.peer.clientId(), true, "full", String.valueOf(status.getDescription()));
            }
            call.close(status, new Metadata());
            return new ServerCall.Listener<>() {};
        }
        call.sendHeaders(new Metadata());
        if (member.peer.clientId().isPresent()) {
            admit(member, new ClientInfo(member.peer.clientId().get(), Config.empty()));
        } else if (idProperty.isPresent()) {
            member.joining.set(joinTimeout, () -> expireJoin(member));
            member.inOrder(() -> member.send(FlowerTasks.properties(Config.empty())));
        } else {
            admit(member, member.info);
        }
        return member;
    }

    private void expireJoin(Member member) {
        Roster.Standing standing = roster.standing(member);
        if (!standing.isMember() && !standing.isGone()) {
            refuse(member, "it has not said its id within " + joinTimeout.toMillis() + " ms");
        }
    }

    private void refuse(Member member, String reason) {
        metrics.sessionRefused("identity");
        refused.add(member.peer.clientId(), true, "identity", reason);
        leave(member, Status.FAILED_PRECONDITION.withDescription(reason), "refused", reason);
    }

    /** Makes a call a client's. Of two with one id the later counts: the earlier may be a connection that broke unnoticed. */
    private void admit(Member member, ClientInfo info) {
        Optional<Roster.Admission> admission = roster.admit(member, info);
        if (admission.isEmpty()) {
            return;
        }
        member.joining.turnOff();
        int count = admission.get().count();
        LOG.log(Level.INFO, () -> "client " + member + " has joined");
        metrics.sessionJoined();
        metrics.clients(count, count);
        admission
                .get()
                .earlier()
                .ifPresent(other -> leave(
                        other,
                        Status.ABORTED.withDescription("another client has joined as '" + info.id() + "'"),
                        "superseded",
                        "another client has joined under its id"));
    }

    /** Ends a client's call, and with it what it was asked. */
    void leave(Member member, Status status, String word, String why) {
        Optional<Roster.Removal> removed = roster.remove(member);
        if (removed.isEmpty()) {
            return;
        }
        Roster.Removal removal = removed.get();
        member.joining.turnOff();
        member.end(status);
        dispatch.release(member);
        // After the goodbye, however a client goes is well.
        LOG.log(
                removal.isClosing() || word.equals("left") ? Level.INFO : Level.WARNING,
                () -> "client " + member + " is gone: " + why);
        if (removal.wasMember()) {
            metrics.sessionEnded(word);
            metrics.clients(removal.count(), removal.count());
        }
        for (Job job : removal.unfinished()) {
            dispatch.finish(job, new ClientOutcome.Failed("the client is gone: " + why));
        }
    }

    // ---- answers

    /** The network takes more. */
    void ready(Member member) {
        dispatch.release(member);
    }

    /** A client says something. */
    void receive(Member member, InputStream message) {
        Roster.Standing standing = roster.standing(member);
        if (standing.isGone()) {
            return;
        }
        metrics.bytesReceived(TransportMetrics.Content.ANSWER, available(message));
        try (AnswerRoom.Place place = place(standing.asked())) {
            // It may have been given up while there was no place for its answer.
            if (!roster.standing(member).isGone()) {
                receive(member, standing, message, place);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            String reason = "the server stopped while it took an answer";
            leave(member, Status.UNAVAILABLE.withDescription(reason), "lost", reason);
        }
    }

    private AnswerRoom.Place place(Optional<Job> asked) throws InterruptedException {
        return asked.isPresent() ? room.enter(asked.get().task, asked.get().listener) : room.nowhere();
    }

    private void receive(Member member, Roster.Standing standing, InputStream message, AnswerRoom.Place place) {
        Optional<Job> asked = standing.asked();
        ClientAnswer answer;
        try {
            answer = ClientAnswer.read(
                    message,
                    asked.map(job -> tasks.maxTensors(job.task)).orElse(0),
                    asked.flatMap(job -> tasks.spec(job.task)),
                    place::lay);
            place.filled();
        } catch (FlowerException e) {
            place.filled();
            String reason = String.valueOf(e.getMessage());
            asked.ifPresent(job -> dispatch.endLast(job, new ClientOutcome.Rejected(reason)));
            leave(member, Status.INVALID_ARGUMENT.withDescription(reason), "protocol", reason);
            return;
        }
        if (answer.message().hasDisconnectRes()) {
            String reason = answer.message().getDisconnectRes().getReason().name();
            leave(member, Status.OK, "left", "it has left (" + reason + ")");
        } else if (asked.isPresent()) {
            answered(asked.get(), answer, place);
        } else if (!standing.isMember() && idProperty.isPresent() && !standing.isClosing()) {
            identify(member, answer);
        } else if (!standing.isClosing()) {
            // Kept, it would be taken for the answer to the next instruction.
            String reason = "it has answered without having been asked";
            leave(member, Status.FAILED_PRECONDITION.withDescription(reason), "protocol", reason);
        }
    }

    private void answered(Job job, ClientAnswer answer, AnswerRoom.Place place) {
        answer.untaken().ifPresent(why -> LOG.log(Level.WARNING, () -> "an answer cannot be taken: " + why));
        ClientOutcome outcome = tasks.outcome(job.task, answer);
        if (outcome instanceof ClientOutcome.Completed) {
            dispatch.end(job, outcome, place.keep());
            return;
        }
        if (FlowerTasks.answers(job.task, answer.message())) {
            dispatch.end(job, outcome);
            return;
        }
        // Nobody knows what its next message answers.
        dispatch.endLast(job, outcome);
        String reason = "its answers are not in step with what it is asked";
        leave(job.member, Status.FAILED_PRECONDITION.withDescription(reason), "protocol", reason);
    }

    private void identify(Member member, ClientAnswer answer) {
        Task question = Task.builder(TaskKind.PROPERTIES, member.info.id()).build();
        ClientOutcome outcome = tasks.outcome(question, answer);
        if (!(outcome instanceof ClientOutcome.Completed completed)) {
            refuse(member, "it must say its id as a property: " + outcome.reason());
            return;
        }
        Config properties = completed.update().values();
        try {
            admit(member, new ClientInfo(FlowerTasks.id(idProperty.orElseThrow(), properties), properties));
        } catch (FlowerException | IllegalArgumentException e) {
            refuse(member, String.valueOf(e.getMessage()));
        }
    }

    private static int available(InputStream message) {
        try {
            return message.available();
        } catch (IOException e) {
            throw new UncheckedIOException("reading from the transport's memory cannot fail", e);
        }
    }
}
