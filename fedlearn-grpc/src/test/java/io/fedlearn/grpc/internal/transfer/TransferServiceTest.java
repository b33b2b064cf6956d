package io.fedlearn.grpc.internal.transfer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fedlearn.grpc.proto.v1.AnswerReceipt;
import io.fedlearn.grpc.proto.v1.Compression;
import io.fedlearn.grpc.proto.v1.DownloadRequest;
import io.fedlearn.grpc.proto.v1.TaskAnswer;
import io.fedlearn.grpc.proto.v1.UploadReply;
import io.fedlearn.grpc.proto.v1.Verdict;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.stub.ClientCalls;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

/** What a server does with calls that a test makes by hand. */
class TransferServiceTest extends TransferTestBed {
    /** An upload by hand. */
    private final class RawUpload extends ClientCall.Listener<UploadReply> {
        private final BlockingQueue<UploadReply> replies = new LinkedBlockingQueue<>();
        private final CompletableFuture<Status> end = new CompletableFuture<>();
        private final ClientCall<TransferFrame, UploadReply> call;

        RawUpload(Channel channel) {
            call = new TransferConnection(channel, SESSION, CHUNK, compression)
                    .call(TransferMethods.UPLOAD, CallOptions.DEFAULT);
            call.start(this, new Metadata());
            call.request(10);
        }

        @Override
        public void onMessage(UploadReply reply) {
            replies.add(reply);
        }

        @Override
        public void onClose(Status status, Metadata trailers) {
            end.complete(status);
        }

        UploadReply send(TransferFrame frame) throws InterruptedException {
            call.sendMessage(frame);
            return Optional.ofNullable(replies.poll(60, TimeUnit.SECONDS)).orElseThrow();
        }
    }

    @Test
    void anOlderCallOfAnAnswerIsShutOutByANewerOne() throws Exception {
        EncodedModel model = EncodedModel.of(RandomModels.ofFloats(5_000, 1));
        TransferFrame.Begin begin = new TransferFrame.Begin(RandomModels.answer(List.of(model)));
        Channel channel = start(PATIENT, true);
        RawUpload older = new RawUpload(channel);
        RawUpload newer = new RawUpload(channel);
        assertThat(older.send(begin).getResume().getOffset()).isZero();
        assertThat(newer.send(begin).getResume().getOffset()).isZero();

        older.call.sendMessage(model.chunk(0, 0, CHUNK, compression));

        assertThat(older.end.get().getCode()).isEqualTo(Status.Code.ABORTED);
        assertThat(server.received).hasValue(0);
        newer.call.cancel("done", null);
    }

    @Test
    void aCallThatIsRepeatedFromItsBeginEndsAndCostsTheAnswerNothing() throws Exception {
        EncodedModel model = EncodedModel.of(RandomModels.ofFloats(1_500, 1));
        TransferFrame.Begin begin = new TransferFrame.Begin(RandomModels.answer(List.of(model)));
        OutgoingChunk first = model.chunk(0, 0, CHUNK, compression);
        OutgoingChunk rest = model.chunk(0, CHUNK, CHUNK, compression);
        Channel channel = start(PATIENT, true);
        RawUpload genuine = new RawUpload(channel);
        genuine.send(begin);
        genuine.call.sendMessage(first);
        awaitReceived(CHUNK);

        RawUpload repeated = new RawUpload(channel);
        assertThat(repeated.send(begin).getResume().getOffset()).isEqualTo(CHUNK);
        repeated.call.sendMessage(first);
        assertThat(repeated.end.get().getCode()).isEqualTo(Status.Code.OUT_OF_RANGE);
        genuine.call.sendMessage(rest);
        assertThat(genuine.end.get().getCode()).isEqualTo(Status.Code.ABORTED);
        RawUpload resumed = new RawUpload(channel);
        assertThat(resumed.send(begin).getResume().getOffset()).isEqualTo(CHUNK);
        AnswerReceipt receipt = resumed.send(rest).getReceipt();

        assertThat(receipt.getVerdict()).isEqualTo(Verdict.VERDICT_ACCEPTED);
        assertThat(desk.delivered)
                .singleElement()
                .satisfies(update -> assertThat(update.model()).contains(model.model()));
        assertThat(server.received).hasValue(model.byteCount());
        assertThat(server.verdicts).containsExactly(Verdict.VERDICT_ACCEPTED);
    }

    private void awaitReceived(long bytes) {
        long deadline = System.nanoTime() + PATIENT.toNanos();
        while (server.received.get() < bytes) {
            assertThat(System.nanoTime()).as("%s are received", server.received).isLessThan(deadline);
            Thread.onSpinWait();
        }
    }

    @Test
    void whoAsksAgainWhileAnAnswerIsTakenGetsTheSameReceipt() throws Exception {
        EncodedModel model = EncodedModel.of(RandomModels.ofFloats(1_000, 1));
        TransferFrame.Begin begin = new TransferFrame.Begin(RandomModels.answer(List.of(model)));
        desk.mayDeliver = new CountDownLatch(1);
        Channel channel = start(PATIENT, true);
        RawUpload first = new RawUpload(channel);
        first.send(begin);
        first.call.sendMessage(model.chunk(0, 0, CHUNK, compression));
        desk.delivering.await();
        RawUpload second = new RawUpload(channel);

        assertThat(second.send(begin).getResume().getOffset()).isEqualTo(model.byteCount());
        desk.mayDeliver.countDown();

        assertThat(first.end.get().isOk()).isTrue();
        assertThat(second.end.get().isOk()).isTrue();
        assertThat(second.replies.remove().getReceipt().getVerdict()).isEqualTo(Verdict.VERDICT_ACCEPTED);
        assertThat(desk.delivered).hasSize(1);
    }

    @Test
    void refusesChunksThatClaimOrBecomeMoreThanWasAgreedOn() throws Exception {
        compression = Compression.COMPRESSION_ZSTD;
        EncodedModel model = EncodedModel.of(RandomModels.ofFloats(100_000, 1));
        TaskAnswer answer = RandomModels.answer(List.of(model));
        Channel channel = start(PATIENT, true);
        Optional<ByteBuffer> bomb = ZstdChunks.compress(new byte[1 << 22], 1 << 22);
        OutgoingChunk honest = new OutgoingChunk(0, 0, model, 0, 1 << 22, bomb);
        OutgoingChunk lying = new OutgoingChunk(0, 0, model, 0, CHUNK, bomb);
        OutgoingChunk oversized = model.chunk(0, 0, 2 * CHUNK, Compression.COMPRESSION_NONE);

        for (OutgoingChunk chunk : List.of(honest, lying, oversized)) {
            RawUpload upload = new RawUpload(channel);
            upload.send(new TransferFrame.Begin(answer));
            AnswerReceipt receipt = upload.send(chunk).getReceipt();

            assertThat(receipt.getVerdict())
                    .isEqualTo(chunk == lying ? Verdict.VERDICT_CORRUPT : Verdict.VERDICT_MALFORMED);
        }
        assertThat(server.verdicts)
                .containsExactly(Verdict.VERDICT_MALFORMED, Verdict.VERDICT_CORRUPT, Verdict.VERDICT_MALFORMED);
        assertThat(desk.receivers.values()).allMatch(receiver -> receiver.offset() == 0);
    }

    @Test
    void refusesAnUploadThatIsNotABeginAndThenChunks() throws Exception {
        EncodedModel model = EncodedModel.of(RandomModels.ofFloats(5_000, 1));
        TransferFrame.Begin begin = new TransferFrame.Begin(RandomModels.answer(List.of(model)));
        Channel channel = start(PATIENT, true);
        RawUpload twice = new RawUpload(channel);
        twice.send(begin);
        twice.call.sendMessage(begin);
        RawUpload never = new RawUpload(channel);
        never.call.sendMessage(model.chunk(0, 0, CHUNK, compression));
        RawUpload nothing = new RawUpload(channel);
        nothing.call.halfClose();

        assertThat(twice.end.get().getCode()).isEqualTo(Status.Code.INVALID_ARGUMENT);
        assertThat(never.end.get().getCode()).isEqualTo(Status.Code.INVALID_ARGUMENT);
        assertThat(nothing.end.get().getCode()).isEqualTo(Status.Code.INVALID_ARGUMENT);
    }

    @Test
    void anUploadThatStandsStillIsEnded() throws Exception {
        EncodedModel model = EncodedModel.of(RandomModels.ofFloats(5_000, 1));
        RawUpload upload = new RawUpload(start(Duration.ofMillis(100), true));
        upload.call.sendMessage(new TransferFrame.Begin(RandomModels.answer(List.of(model))));

        assertThat(upload.end.get().getCode()).isEqualTo(Status.Code.UNAVAILABLE);
        assertThat(upload.end.get().getDescription()).contains("stood still");
    }

    @Test
    void aReaderThatIsSlowKeepsLittleOfAModelInFlight() throws Exception {
        EncodedModel model = serve(RandomModels.ofFloats(4_000_000, 1));
        ClientCall<DownloadRequest, TransferFrame> call = new TransferConnection(
                        start(PATIENT, true), SESSION, CHUNK, compression)
                .call(TransferMethods.DOWNLOAD, CallOptions.DEFAULT);
        AtomicLong received = new AtomicLong();
        AtomicLong mostInFlight = new AtomicLong();
        CompletableFuture<Status> end = new CompletableFuture<>();
        call.start(
                new ClientCall.Listener<>() {
                    @Override
                    public void onMessage(TransferFrame message) {
                        IncomingChunk chunk = (IncomingChunk) message;
                        long here = received.addAndGet(chunk.dataCount());
                        mostInFlight.accumulateAndGet(server.sent.get() - here, Math::max);
                        chunk.close();
                        call.request(1);
                    }

                    @Override
                    public void onClose(Status status, Metadata trailers) {
                        end.complete(status);
                    }
                },
                new Metadata());
        call.sendMessage(DownloadRequest.newBuilder()
                .setDigest(model.description().getDigest())
                .build());
        call.halfClose();
        call.request(1);

        assertThat(end.get().isOk()).isTrue();
        assertThat(received).hasValue(model.byteCount());
        // The connection's window and a few chunks before it.
        assertThat(mostInFlight.get()).isLessThan(3 << 20);
    }

    /** A download by hand that takes a single chunk of its model. */
    private ClientCall<DownloadRequest, TransferFrame> startSlowDownload(Channel channel, EncodedModel model)
            throws InterruptedException {
        ClientCall<DownloadRequest, TransferFrame> call = new TransferConnection(channel, SESSION, CHUNK, compression)
                .call(TransferMethods.DOWNLOAD, CallOptions.DEFAULT);
        CountDownLatch hasBegun = new CountDownLatch(1);
        call.start(
                new ClientCall.Listener<>() {
                    @Override
                    public void onMessage(TransferFrame message) {
                        ((IncomingChunk) message).close();
                        hasBegun.countDown();
                    }
                },
                new Metadata());
        call.sendMessage(DownloadRequest.newBuilder()
                .setDigest(model.description().getDigest())
                .build());
        call.halfClose();
        call.request(1);
        assertThat(hasBegun.await(60, TimeUnit.SECONDS)).isTrue();
        return call;
    }

    private Optional<Status.Code> nextEnd() throws InterruptedException {
        return Optional.ofNullable(ends.poll(30, TimeUnit.SECONDS));
    }

    @Test
    void endsTheDownloadOfAModelThatNoTaskNamesAnyMore() throws Exception {
        EncodedModel model = serve(RandomModels.ofFloats(4_000_000, 1));
        ClientCall<?, ?> call = startSlowDownload(start(PATIENT, true), model);
        assertThat(ends).isEmpty();

        desk.models.clear();

        assertThat(nextEnd()).contains(Status.Code.NOT_FOUND);
        call.cancel("done", null);
    }

    @Test
    void endsDownloadsAndUploadsWhoseSessionIsOver() throws Exception {
        EncodedModel model = serve(RandomModels.ofFloats(4_000_000, 1));
        Channel channel = start(PATIENT, true);
        ClientCall<?, ?> download = startSlowDownload(channel, model);
        RawUpload upload = new RawUpload(channel);
        upload.send(new TransferFrame.Begin(RandomModels.answer(List.of(model))));
        assertThat(ends).isEmpty();

        desk.isSessionLive = false;

        assertThat(nextEnd()).contains(Status.Code.UNAUTHENTICATED);
        assertThat(nextEnd()).contains(Status.Code.UNAUTHENTICATED);
        assertThat(upload.end.get().getCode()).isEqualTo(Status.Code.UNAUTHENTICATED);
        download.cancel("done", null);
    }

    @Test
    void endsTheUploadOfAnAnswerThatIsNotWantedAnyMore() throws Exception {
        EncodedModel model = EncodedModel.of(RandomModels.ofFloats(5_000, 1));
        TaskAnswer answer = RandomModels.answer(List.of(model));
        RawUpload upload = new RawUpload(start(PATIENT, true));
        upload.send(new TransferFrame.Begin(answer));

        desk.receivers.values().forEach(AnswerReceiver::discard);

        assertThat(upload.end.get(30, TimeUnit.SECONDS).getCode()).isEqualTo(Status.Code.ABORTED);
    }

    @Test
    void anAnswerThatNobodyBringsGivesItsRoomOnTheHeapBack() throws Exception {
        EncodedModel model = EncodedModel.of(RandomModels.ofFloats(5_000, 1));
        CompletableFuture<Long> released = new CompletableFuture<>();
        RawUpload upload = new RawUpload(start(Duration.ofSeconds(1), true));
        upload.send(new TransferFrame.Begin(RandomModels.answer(List.of(model))));
        upload.call.sendMessage(model.chunk(0, 0, CHUNK, compression));
        assertThat(upload.end.get().getCode()).isEqualTo(Status.Code.UNAVAILABLE);
        assertThat(server.received).hasValue(CHUNK);

        timer.scheduleWithFixedDelay(
                () -> {
                    if (desk.budget.reserved() == 0) {
                        released.complete(0L);
                    }
                },
                1,
                1,
                TimeUnit.MILLISECONDS);

        assertThat(released.get(30, TimeUnit.SECONDS)).isZero();
    }

    @Test
    void aSessionHasAFewCallsAtATime() throws Exception {
        EncodedModel model = EncodedModel.of(RandomModels.ofFloats(5_000, 1));
        TaskAnswer answer = RandomModels.answer(List.of(model));
        Channel channel = start(PATIENT, true);
        List<RawUpload> few = new ArrayList<>();
        for (int i = 0; i < OpenCalls.MAX_PER_SESSION; i++) {
            RawUpload upload = new RawUpload(channel);
            upload.send(new TransferFrame.Begin(
                    answer.toBuilder().setTaskId("task " + i).build()));
            few.add(upload);
        }
        RawUpload tooMany = new RawUpload(channel);

        assertThat(tooMany.end.get().getCode()).isEqualTo(Status.Code.RESOURCE_EXHAUSTED);
        few.get(0).call.halfClose();
        assertThat(few.get(0).end.get().getCode()).isEqualTo(Status.Code.ABORTED);
        RawUpload next = new RawUpload(channel);
        assertThat(next.send(new TransferFrame.Begin(answer)).hasResume()).isTrue();
    }

    @Test
    void refusesAnOffsetBeyondTheModel() {
        EncodedModel model = serve(RandomModels.ofFloats(10, 1));
        for (long offset : new long[] {model.byteCount() + 1, -1}) {
            Channel channel = connected.<Channel>map(c -> c).orElseGet(() -> start(PATIENT, true));
            assertThatThrownBy(() -> ClientCalls.blockingServerStreamingCall(
                                    new TransferConnection(channel, SESSION, CHUNK, compression)
                                            .call(TransferMethods.DOWNLOAD, CallOptions.DEFAULT),
                                    DownloadRequest.newBuilder()
                                            .setDigest(model.description().getDigest())
                                            .setOffset(offset)
                                            .build())
                            .hasNext())
                    .hasMessageContaining("OUT_OF_RANGE");
        }
    }
}
