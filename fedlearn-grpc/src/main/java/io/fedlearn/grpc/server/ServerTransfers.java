package io.fedlearn.grpc.server;

import com.google.protobuf.ByteString;
import io.fedlearn.grpc.internal.netty.Peer;
import io.fedlearn.grpc.internal.transfer.Admission;
import io.fedlearn.grpc.internal.transfer.AnswerReceiver;
import io.fedlearn.grpc.internal.transfer.EncodedModel;
import io.fedlearn.grpc.internal.transfer.TransferDesk;
import io.fedlearn.grpc.internal.transfer.TransferObserver;
import io.fedlearn.grpc.internal.transfer.TransferPeer;
import io.fedlearn.grpc.metrics.TransportMetrics;
import io.fedlearn.grpc.metrics.TransportMetrics.Content;
import io.fedlearn.grpc.proto.v1.AnswerReceipt;
import io.fedlearn.grpc.proto.v1.TaskAnswer;
import io.fedlearn.grpc.proto.v1.Verdict;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import java.util.Optional;

/** The task desk as calls of Download and Upload see it. Thread-safe. */
final class ServerTransfers implements TransferDesk, TransferObserver {
    private final TaskDesk desk;
    private final TransportMetrics metrics;

    ServerTransfers(TaskDesk desk, TransportMetrics metrics) {
        this.desk = desk;
        this.metrics = metrics;
    }

    @Override
    public Optional<TransferPeer> peer(ByteString session, ServerCall<?, ?> call, Metadata headers) {
        Optional<String> proved = Peer.current().clientId();
        return desk.session(session)
                // A session's token alone, read off somewhere, gives nobody a model.
                .filter(live -> live.credential.clientId().equals(proved))
                .map(live -> new TransferPeer(live.member.id, live.compression));
    }

    @Override
    public Optional<EncodedModel> model(String clientId, ByteString digest) {
        return desk.model(clientId, digest);
    }

    @Override
    public Admission admit(String clientId, TaskAnswer announced) {
        return desk.admit(clientId, announced);
    }

    @Override
    public AnswerReceipt deliver(String clientId, AnswerReceiver complete) {
        return desk.deliver(clientId, complete);
    }

    @Override
    public AnswerReceipt reject(String clientId, AnswerReceiver receiver, Verdict verdict, String reason) {
        return desk.reject(clientId, receiver, verdict, reason);
    }

    @Override
    public void sent(long valueBytes, long dataBytes) {
        metrics.bytesSent(Content.MODEL, dataBytes);
    }

    @Override
    public void received(long valueBytes, long dataBytes) {
        metrics.bytesReceived(Content.ANSWER, dataBytes);
    }

    @Override
    public void judged(Verdict verdict) {
        if (verdict != Verdict.VERDICT_ACCEPTED) {
            metrics.answerRefused(Replies.word(verdict));
        }
    }
}
