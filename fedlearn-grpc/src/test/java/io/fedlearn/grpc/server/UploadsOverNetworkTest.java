package io.fedlearn.grpc.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import io.fedlearn.core.runtime.TaskListener;
import io.fedlearn.core.task.ClientOutcome;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.task.Task;
import io.fedlearn.core.task.TaskKind;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.update.UpdateSpool;
import io.fedlearn.grpc.ForwardingListener;
import io.fedlearn.grpc.internal.transfer.EncodedModel;
import io.fedlearn.grpc.internal.wire.WireAnswers;
import io.fedlearn.grpc.internal.wire.WireModels;
import io.fedlearn.grpc.proto.v1.Chunk;
import io.fedlearn.grpc.proto.v1.ClientMessage;
import io.fedlearn.grpc.proto.v1.Heartbeat;
import io.fedlearn.grpc.proto.v1.TaskAnswer;
import io.fedlearn.grpc.proto.v1.TaskOffer;
import io.fedlearn.grpc.proto.v1.UploadBegin;
import io.fedlearn.grpc.proto.v1.UploadMessage;
import io.fedlearn.grpc.proto.v1.UploadReply;
import io.fedlearn.grpc.proto.v1.Verdict;
import io.fedlearn.testkit.runtime.RecordingListener;
import io.grpc.CallOptions;
import io.grpc.ClientCall;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.protobuf.ProtoUtils;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Uploads that a peer makes by hand, over a real port. */
class UploadsOverNetworkTest {
    private static final long PATIENCE_SECONDS = 20;
    private static final Duration HEARTBEAT = Duration.ofMillis(400);
    private static final int CHUNK_BYTES = 256 << 10;
    /** More than an HTTP/2 connection takes before its server reads. */
    private static final Model LARGE =
            Model.builder().trainable("w", Tensor.copyOf(new float[1 << 20])).build();

    private static final MethodDescriptor<UploadMessage, UploadReply> UPLOAD = MethodDescriptor.newBuilder(
                    ProtoUtils.marshaller(UploadMessage.getDefaultInstance()),
                    ProtoUtils.marshaller(UploadReply.getDefaultInstance()))
            .setType(MethodDescriptor.MethodType.BIDI_STREAMING)
            .setFullMethodName("fedlearn.v1.Federation/Upload")
            .build();

    private static final List<UploadMessage> CHUNKS = chunks();

    private static final Metadata.Key<byte[]> SESSION =
            Metadata.Key.of("fedlearn-session-bin", Metadata.BINARY_BYTE_MARSHALLER);

    private final FederatedServer server =
            Sites.newServer().heartbeat(HEARTBEAT).chunkBytes(CHUNK_BYTES).start();
    private final RawPeer peer = new RawPeer(server);
    private final RecordingListener heard = RecordingListener.create();
    private final CountDownLatch mayReceive = new CountDownLatch(1);
    private final Task task =
            Task.builder(TaskKind.FIT, "a").round(1).model(LARGE).build();

    private static List<UploadMessage> chunks() {
        ByteString values = EncodedModel.of(LARGE).payload(Integer.MAX_VALUE).getValues();
        List<UploadMessage> chunks = new ArrayList<>();
        for (int offset = 0; offset < values.size(); offset += CHUNK_BYTES) {
            ByteString data = values.substring(offset, offset + CHUNK_BYTES);
            CRC32C crc = new CRC32C();
            crc.update(data.asReadOnlyByteBuffer());
            chunks.add(UploadMessage.newBuilder()
                    .setChunk(Chunk.newBuilder()
                            .setOffset(offset)
                            .setCrc32C((int) crc.getValue())
                            .setData(data))
                    .build());
        }
        return chunks;
    }

    @AfterEach
    void close() {
        mayReceive.countDown();
        peer.close();
        server.close();
    }

    /** What hears of the task; an upload that begins waits here until it may be received. */
    private TaskListener listener() {
        return new ForwardingListener(heard) {
            @Override
            public Optional<UpdateSpool> spool() {
                try {
                    mayReceive.await();
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
                return Optional.empty();
            }
        };
    }

    private ByteString join() throws InterruptedException {
        peer.send(ClientMessage.newBuilder().setHello(RawPeer.hello("a")).build());
        return peer.next().getWelcome().getSession();
    }

    private TaskAnswer answer(TaskOffer offer, int exampleCount) {
        return WireAnswers.write(
                task.id(),
                offer.getFingerprint(),
                new ClientOutcome.Completed(ClientUpdate.ofModel(LARGE, exampleCount)),
                WireModels::describe);
    }

    private final class Upload extends ClientCall.Listener<UploadReply> {
        private final BlockingQueue<UploadReply> replies = new LinkedBlockingQueue<>();
        private final CompletableFuture<Status> end = new CompletableFuture<>();
        private final ClientCall<UploadMessage, UploadReply> call;

        Upload(ByteString session, TaskAnswer answer) {
            call = peer.channel().newCall(UPLOAD, CallOptions.DEFAULT);
            Metadata headers = new Metadata();
            headers.put(SESSION, session.toByteArray());
            call.start(this, headers);
            call.request(10);
            call.sendMessage(UploadMessage.newBuilder()
                    .setBegin(UploadBegin.newBuilder().setAnswer(answer))
                    .build());
        }

        @Override
        public void onMessage(UploadReply reply) {
            replies.add(reply);
        }

        @Override
        public void onClose(Status status, Metadata trailers) {
            end.complete(status);
        }

        UploadReply next() throws InterruptedException {
            return Optional.ofNullable(replies.poll(PATIENCE_SECONDS, TimeUnit.SECONDS))
                    .orElseThrow();
        }

        void send(int count) {
            CHUNKS.subList(0, count).forEach(call::sendMessage);
        }
    }

    @Test
    void keepsAClientWhoseUploadWaitsForLongerThanItMayBeSilent() throws Exception {
        ByteString session = join();
        server.submit(task, listener());
        Upload upload = new Upload(session, answer(peer.next().getTask(), 1));
        upload.send(CHUNKS.size());

        for (int beat = 0; beat < 2 * DeskSettings.MISSED_HEARTBEATS; beat++) {
            assertThat(peer.nextOfAnyKind().hasHeartbeat())
                    .as("the server goes on after heartbeat %s", beat)
                    .isTrue();
            peer.send(ClientMessage.newBuilder()
                    .setHeartbeat(Heartbeat.newBuilder().setNumber(beat))
                    .build());
        }
        assertThat(upload.replies).as("the upload waits").isEmpty();
        mayReceive.countDown();

        assertThat(upload.next().hasResume()).isTrue();
        assertThat(upload.next().getReceipt().getVerdict()).isEqualTo(Verdict.VERDICT_ACCEPTED);
        assertThat(heard.outcomes(task)).hasSize(1);
    }

    @Test
    void letsGoOfAnAnswerInWhosePlaceAnotherCame() throws Exception {
        mayReceive.countDown();
        ByteString session = join();
        server.submit(task, listener());
        TaskOffer offer = peer.next().getTask();
        Upload first = new Upload(session, answer(offer, 1));
        assertThat(first.next().hasResume()).isTrue();
        first.send(1);

        Upload second = new Upload(session, answer(offer, 2));

        assertThat(second.next().getResume().getOffset()).isZero();
        assertThat(first.end.get(PATIENCE_SECONDS, TimeUnit.SECONDS).getCode()).isEqualTo(Status.Code.ABORTED);
    }
}
