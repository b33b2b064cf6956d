package io.fedlearn.grpc.internal.transfer;

import io.fedlearn.grpc.proto.v1.AnswerReceipt;

/** What the server says to an answer that a client wants to upload. */
public sealed interface Admission {
    /** It is not wanted; the receipt says why. */
    record Refused(AnswerReceipt receipt) implements Admission {}

    /** It is received from where the receiver stands: earlier calls may have brought a part of it. */
    record Admitted(AnswerReceiver receiver) implements Admission {}
}
