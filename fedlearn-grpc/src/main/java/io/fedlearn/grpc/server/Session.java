package io.fedlearn.grpc.server;

import com.google.protobuf.ByteString;
import io.fedlearn.grpc.proto.v1.ClientMessage;
import io.fedlearn.grpc.proto.v1.Compression;

/** One connection of a member. What may change is guarded by the task desk's lock. */
final class Session {
    final ByteString token;
    final Member member;
    final Connection connection;
    final Credential credential;
    final Compression compression;

    long heardAt;
    long beatAt;
    long beats;
    private double messages;
    private long filledAt;
    private boolean isStartDue;
    private boolean isAnswerDue;
    boolean hasBacklog;
    long backlogSince;

    Session(
            ByteString token,
            Member member,
            Connection connection,
            Credential credential,
            Compression compression,
            ServerLimits limits,
            long now) {
        this.token = token;
        this.member = member;
        this.connection = connection;
        this.credential = credential;
        this.compression = compression;
        this.heardAt = now;
        this.beatAt = now;
        this.messages = limits.burst();
        this.filledAt = now;
    }

    /** Whether the member's connection is this one still. */
    boolean isLive() {
        return member.live.isPresent() && member.live.get() == this;
    }

    /** A task is offered: one start and one answer are asked for, and may come as fast as the client is. */
    void offered() {
        isStartDue = true;
        isAnswerDue = true;
    }

    /** Counts a message, unless it was asked for. Returns whether it may be looked at. */
    boolean mayTake(ClientMessage.MessageCase kind, ServerLimits limits, long now) {
        if (kind == ClientMessage.MessageCase.STARTED && isStartDue) {
            isStartDue = false;
            return true;
        }
        if (kind == ClientMessage.MessageCase.ANSWER && isAnswerDue) {
            isAnswerDue = false;
            return true;
        }
        messages = Math.min(limits.burst(), messages + (now - filledAt) / 1e9 * limits.messagesPerSecond());
        filledAt = now;
        if (messages < 1) {
            return false;
        }
        messages--;
        return true;
    }
}
