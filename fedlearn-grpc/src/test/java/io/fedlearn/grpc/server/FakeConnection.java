package io.fedlearn.grpc.server;

import io.fedlearn.grpc.proto.v1.Goodbye;
import io.fedlearn.grpc.proto.v1.GoodbyeCode;
import io.fedlearn.grpc.proto.v1.ServerMessage;
import io.fedlearn.grpc.proto.v1.TaskOffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** A connection whose client can be asked what it was sent. Confined to one thread. */
final class FakeConnection implements Connection {
    private final List<ServerMessage> queued = new ArrayList<>();
    final List<ServerMessage> sent = new ArrayList<>();
    boolean isEnding;
    boolean isEnded;
    boolean isAborted;
    boolean isStuck;

    @Override
    public void enqueue(ServerMessage message) {
        if (!isEnding) {
            queued.add(message);
        }
    }

    @Override
    public void end(Optional<Goodbye> farewell) {
        farewell.ifPresent(goodbye ->
                enqueue(ServerMessage.newBuilder().setGoodbye(goodbye).build()));
        isEnding = true;
    }

    @Override
    public void flush() {
        if (!isStuck) {
            sent.addAll(queued);
            queued.clear();
            isEnded = isEnding;
        }
    }

    @Override
    public boolean hasBacklog() {
        return !queued.isEmpty();
    }

    @Override
    public void abort() {
        isAborted = true;
    }

    @Override
    public String address() {
        return "a test";
    }

    Optional<GoodbyeCode> goodbye() {
        return sent.stream()
                .filter(ServerMessage::hasGoodbye)
                .map(message -> message.getGoodbye().getCode())
                .findFirst();
    }

    List<TaskOffer> offers() {
        return sent.stream()
                .filter(ServerMessage::hasTask)
                .map(ServerMessage::getTask)
                .toList();
    }

    List<String> offeredIds() {
        return offers().stream().map(TaskOffer::getTaskId).toList();
    }

    List<String> cancelledIds() {
        return sent.stream()
                .filter(ServerMessage::hasCancel)
                .map(message -> message.getCancel().getTaskId())
                .toList();
    }

    /** The verdicts on this client's answers, without their prefix. */
    List<String> verdicts() {
        return sent.stream()
                .filter(ServerMessage::hasReceipt)
                .map(message -> message.getReceipt().getVerdict().name().substring("VERDICT_".length()))
                .toList();
    }

    long heartbeats() {
        return sent.stream().filter(ServerMessage::hasHeartbeat).count();
    }
}
