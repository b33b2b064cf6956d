package io.fedlearn.grpc.internal.transfer;

import com.google.protobuf.ByteString;
import io.fedlearn.grpc.proto.v1.AnswerReceipt;
import io.fedlearn.grpc.proto.v1.TaskAnswer;
import io.fedlearn.grpc.proto.v1.Verdict;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import java.util.Optional;

/** What carries models asks whoever knows sessions and tasks. Thread-safe. */
public interface TransferDesk {
    /**
     * Whose live session this is, provided that the call comes from whom the session belongs to: its connection and its headers say
     * who that is.
     */
    Optional<TransferPeer> peer(ByteString session, ServerCall<?, ?> call, Metadata headers);

    /** The model of this digest, if a task that this client has open names it. */
    Optional<EncodedModel> model(String clientId, ByteString digest);

    /** Decides on an answer before any of its values travel. */
    Admission admit(String clientId, TaskAnswer announced);

    /**
     * Takes an answer that is complete, once for a receiver. May block while earlier answers are aggregated. The receiver's
     * {@linkplain AnswerReceiver#update() update} must be taken from it before this returns.
     */
    AnswerReceipt deliver(String clientId, AnswerReceiver complete);

    /**
     * Ends the task of an answer whose values are not what it announced.
     *
     * @param verdict {@link Verdict#VERDICT_MALFORMED} or {@link Verdict#VERDICT_TOO_LARGE}
     */
    AnswerReceipt reject(String clientId, AnswerReceiver receiver, Verdict verdict, String reason);
}
