package io.fedlearn.grpc.server;

import io.fedlearn.grpc.internal.wire.PeerText;
import io.fedlearn.grpc.proto.v1.AnswerReceipt;
import io.fedlearn.grpc.proto.v1.Goodbye;
import io.fedlearn.grpc.proto.v1.GoodbyeCode;
import io.fedlearn.grpc.proto.v1.ServerMessage;
import io.fedlearn.grpc.proto.v1.TaskCancel;
import io.fedlearn.grpc.proto.v1.Verdict;
import java.time.Duration;
import java.util.Locale;

/** What a server says to its clients, and how it quotes them. */
final class Replies {
    private static final int MAX_REASON_LENGTH = 500;

    private Replies() {}

    static Goodbye goodbye(GoodbyeCode code, String reason) {
        return Goodbye.newBuilder().setCode(code).setReason(plain(reason)).build();
    }

    static ServerMessage cancel(String taskId, String reason) {
        return ServerMessage.newBuilder()
                .setCancel(TaskCancel.newBuilder().setTaskId(taskId).setReason(reason))
                .build();
    }

    static AnswerReceipt receipt(String taskId, Verdict verdict, String reason) {
        return AnswerReceipt.newBuilder()
                .setTaskId(taskId)
                .setVerdict(verdict)
                .setReason(plain(reason))
                .build();
    }

    /** A word for metrics: {@code GOODBYE_CODE_TOO_FAST} is {@code too-fast}. */
    static String word(GoodbyeCode code) {
        return word("GOODBYE_CODE_", code);
    }

    /** A word for metrics: {@code VERDICT_TOO_LARGE} is {@code too-large}. */
    static String word(Verdict verdict) {
        return word("VERDICT_", verdict);
    }

    private static String word(String prefix, Enum<?> code) {
        return code.name().substring(prefix.length()).toLowerCase(Locale.ROOT).replace('_', '-');
    }

    /** What a client said, or what quotes it: on one line, and not too long. */
    static String plain(String text) {
        return PeerText.plain(text, MAX_REASON_LENGTH);
    }

    static String seconds(Duration duration) {
        return duration.toMillis() / 1000.0 + " s";
    }
}
