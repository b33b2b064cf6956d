package io.fedlearn.grpc.client;

import io.fedlearn.grpc.client.TaskBoard.Key;
import io.fedlearn.grpc.internal.transfer.TransferConnection;
import io.fedlearn.grpc.proto.v1.AnswerReceipt;
import io.fedlearn.grpc.proto.v1.ServerMessage;
import io.grpc.Status;

/** What happens to a client, from whatever thread; the thread of {@code run()} takes one after the other. */
sealed interface Event {
    /** The server has sent this. */
    record Received(ServerLink link, ServerMessage message) implements Event {}

    /** The connection has ended. */
    record Broken(ServerLink link, Status status) implements Event {}

    /** Work has come to an answer. */
    record Worked(long job, Answer answer) implements Event {}

    /** Work has come to nothing. */
    record Lost(long job, String reason) implements Event {}

    /** Work has gone on; the latest is kept elsewhere. */
    record Progressed() implements Event {}

    /** An answer that went beside the messages has its receipt. */
    record Uploaded(Key key, AnswerReceipt receipt) implements Event {}

    /** It has not arrived, over this session. */
    record NotUploaded(Key key, TransferConnection session, String reason) implements Event {}

    /** The client is to leave. */
    record Closing() implements Event {}
}
