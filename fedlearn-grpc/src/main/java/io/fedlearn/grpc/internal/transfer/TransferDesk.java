package io.fedlearn.grpc.internal.transfer;

import com.google.protobuf.ByteString;
import io.fedlearn.grpc.proto.v1.AnswerReceipt;
import io.fedlearn.grpc.proto.v1.TaskAnswer;
import java.util.Optional;

/** What carries models asks whoever knows sessions and tasks. Thread-safe. */
public interface TransferDesk {
    /** The client whose live session this is. */
    Optional<String> clientOf(ByteString session);

    /** The model of this digest, if a task that this client has open names it. */
    Optional<EncodedModel> model(String clientId, ByteString digest);

    /** Decides on an answer before any of its values travel. */
    Admission admit(String clientId, TaskAnswer announced);

    /** Takes an answer that is complete. May block while earlier answers are aggregated. */
    AnswerReceipt deliver(String clientId, AnswerReceiver complete);
}
