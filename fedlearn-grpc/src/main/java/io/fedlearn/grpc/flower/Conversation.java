package io.fedlearn.grpc.flower;

import io.fedlearn.grpc.TransportException;
import io.fedlearn.grpc.client.Departure;
import io.fedlearn.grpc.metrics.TransportMetrics;
import io.fedlearn.grpc.proto.flower.ClientMessage;
import io.fedlearn.grpc.proto.flower.Reason;
import io.fedlearn.grpc.proto.flower.ServerMessage;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;

/**
 * What server and client say to each other, call after call: instructions, answers, and the server's goodbye. Confined to the thread of
 * {@link FlowerClient#run}.
 */
final class Conversation {
    /** How long the server may take to end the call after the client's last word; Flower's ends it when it stops. */
    private static final Duration FAREWELL = Duration.ofSeconds(5);

    /** Likewise, for a client that is to come back: until it has gone, Flower's server takes it for one that is there. */
    private static final Duration SHORT_FAREWELL = Duration.ofSeconds(1);

    private final FlowerDuties duties;
    private final Executor executor;
    private final TransportMetrics metrics;
    private final String where;

    private Optional<InstructionWork> lastWork = Optional.empty();
    private boolean joinedBefore;
    private boolean served;
    private long answers;
    private long reconnects;
    private long bytesReceived;
    private long bytesSent;

    /** A conversation with the server that is called {@code where}; the work that it asks for is done on the executor. */
    Conversation(FlowerDuties duties, Executor executor, TransportMetrics metrics, String where) {
        this.duties = duties;
        this.executor = executor;
        this.metrics = metrics;
        this.where = where;
    }

    /** What has been said, for a client that is at its end. */
    Departure departure(Departure.Cause cause, String reason) {
        return new Departure(cause, reason, answers, reconnects, bytesReceived, bytesSent);
    }

    /** Interrupts what is at work. */
    void cancelWork() {
        lastWork.ifPresent(InstructionWork::cancel);
    }

    /** Does what the server asks for, until the call ends. */
    CallEnding serve(FlowerJoin join) throws InterruptedException {
        served = false;
        while (true) {
            // Not in a local variable: nothing may keep the message while the client works.
            Optional<CallEnding> ending = handle(join, join.next());
            if (ending.isPresent()) {
                if (served) {
                    metrics.sessionEnded(word(ending.get()));
                }
                return ending.get();
            }
        }
    }

    /** Known only now: a server says nothing until it asks. */
    private void joined() {
        metrics.sessionJoined();
        if (joinedBefore) {
            reconnects++;
            metrics.reconnected();
        }
        joinedBefore = true;
    }

    private static String word(CallEnding ending) {
        return ending instanceof CallEnding.Lost lost && !lost.status().isOk() ? "lost" : "left";
    }

    /** Does what an event asks for; gives how the call ended if it has. */
    private Optional<CallEnding> handle(FlowerJoin join, FlowerJoin.Event event) throws InterruptedException {
        if (event instanceof FlowerJoin.Event.Closing) {
            return Optional.of(new CallEnding.Closed());
        }
        if (event instanceof FlowerJoin.Event.Ended ended) {
            return Optional.of(new CallEnding.Lost(ended.status(), served));
        }
        if (event instanceof FlowerJoin.Event.Done done) {
            send(join, done.answer());
            return Optional.empty();
        }
        ServerMessage instruction = ((FlowerJoin.Event.Asked) event).instruction();
        count(instruction);
        if (!served) {
            served = true;
            joined();
        }
        return switch (instruction.getMsgCase()) {
            case RECONNECT_INS ->
                Optional.of(leave(join, instruction.getReconnectIns().getSeconds()));
            case MSG_NOT_SET ->
                throw new TransportException(
                        TransportException.Reason.PROTOCOL,
                        where + " sent an instruction that this version does not know");
            default -> {
                begin(join, instruction);
                yield Optional.empty();
            }
        };
    }

    private void count(ServerMessage instruction) {
        int bytes = instruction.getSerializedSize();
        bytesReceived += bytes;
        boolean isModel = instruction.hasFitIns() || instruction.hasEvaluateIns();
        metrics.bytesReceived(isModel ? TransportMetrics.Content.MODEL : TransportMetrics.Content.CONTROL, bytes);
    }

    private void begin(FlowerJoin join, ServerMessage instruction) {
        InstructionWork work = new InstructionWork(duties, join, instruction, lastWork);
        lastWork = Optional.of(work);
        try {
            executor.execute(work);
        } catch (RejectedExecutionException e) {
            work.reject("the site's executor takes no more tasks");
        }
    }

    private void send(FlowerJoin join, FlowerDuties.Answer answer) {
        join.answer(answer.message());
        duties.sent(answer);
        answers++;
        lastWork.ifPresent(
                work -> metrics.taskFinished(answer.outcome(), Duration.ofNanos(System.nanoTime() - work.since())));
        int bytes = answer.message().getSerializedSize();
        bytesSent += bytes;
        boolean isModel = answer.message().hasFitRes() || answer.message().hasGetParametersRes();
        metrics.bytesSent(isModel ? TransportMetrics.Content.ANSWER : TransportMetrics.Content.CONTROL, bytes);
    }

    /** Says goodbye and waits a moment until the server has it: to end the call at once would take it back. */
    private CallEnding leave(FlowerJoin join, long seconds) throws InterruptedException {
        if (seconds < 0) {
            throw new TransportException(
                    TransportException.Reason.PROTOCOL,
                    where + " asked the client to come back after " + seconds + " seconds");
        }
        long since = System.nanoTime();
        join.answerLast(ClientMessage.newBuilder()
                .setDisconnectRes(ClientMessage.DisconnectRes.newBuilder().setReason(Reason.RECONNECT))
                .build());
        long most = (seconds == 0 ? FAREWELL : SHORT_FAREWELL).toNanos();
        for (long left = most; left > 0; left = most - (System.nanoTime() - since)) {
            Optional<FlowerJoin.Event> event = join.next(Duration.ofNanos(left));
            if (event.isPresent() && event.get() instanceof FlowerJoin.Event.Closing) {
                return new CallEnding.Closed();
            }
            if (event.isPresent() && event.get() instanceof FlowerJoin.Event.Ended) {
                break;
            }
        }
        return new CallEnding.Dismissed(seconds, since);
    }
}
