package io.fedlearn.grpc.internal.transfer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.grpc.internal.wire.WireException;
import io.fedlearn.grpc.proto.v1.AnswerReceipt;
import io.fedlearn.grpc.proto.v1.Compression;
import io.fedlearn.grpc.proto.v1.DownloadRequest;
import io.fedlearn.grpc.proto.v1.TaskAnswer;
import io.fedlearn.grpc.proto.v1.UploadReply;
import io.fedlearn.grpc.proto.v1.Verdict;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptor;
import io.grpc.ClientInterceptors;
import io.grpc.Context;
import io.grpc.Contexts;
import io.grpc.ForwardingClientCall;
import io.grpc.ForwardingServerCall;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Server;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.ServerInterceptors;
import io.grpc.ServerServiceDefinition;
import io.grpc.Status;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.ClientCalls;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Both sides over a real connection, with faults between them. */
@Timeout(120)
class TransferTest {
    private static final ByteString SESSION = ByteString.copyFromUtf8("a session of thirty-two bytes...");
    private static final Context.Key<String> CALLER = Context.key("caller");
    private static final Duration PATIENT = Duration.ofMinutes(1);
    private static final int CHUNK = 4096;

    private final ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor();
    private final Desk desk = new Desk();
    private final Counts server = new Counts();
    private final Counts client = new Counts();
    /** What becomes of the calls to come, one each; after them all are well. */
    private final Queue<Fault> faults = new ConcurrentLinkedQueue<>();

    private final BlockingQueue<Status.Code> ends = new LinkedBlockingQueue<>();
    private final List<Long> offsetsAskedFor = new CopyOnWriteArrayList<>();
    private Optional<Server> listening = Optional.empty();
    private Optional<ManagedChannel> connected = Optional.empty();
    private Compression compression = Compression.COMPRESSION_NONE;

    /** After so many messages a call is cut, or the next chunk's checksum is damaged, or nothing comes. */
    private record Fault(int messages, Kind kind) {
        enum Kind {
            CUT,
            DAMAGE,
            SILENCE
        }
    }

    private static final class Counts implements TransferObserver {
        private final AtomicLong sent = new AtomicLong();
        private final AtomicLong sentData = new AtomicLong();
        private final AtomicLong received = new AtomicLong();
        private final List<Verdict> verdicts = new CopyOnWriteArrayList<>();

        @Override
        public void sent(long valueBytes, long dataBytes) {
            sent.addAndGet(valueBytes);
            sentData.addAndGet(dataBytes);
        }

        @Override
        public void received(long valueBytes, long dataBytes) {
            received.addAndGet(valueBytes);
        }

        @Override
        public void judged(Verdict verdict) {
            verdicts.add(verdict);
        }
    }

    private final class Desk implements TransferDesk {
        private final List<EncodedModel> models = new CopyOnWriteArrayList<>();
        private final Map<String, AnswerReceiver> receivers = new ConcurrentHashMap<>();
        private final List<ClientUpdate> delivered = new CopyOnWriteArrayList<>();
        private final CountDownLatch delivering = new CountDownLatch(1);
        private volatile CountDownLatch mayDeliver = new CountDownLatch(0);
        private final HeapBudget budget = HeapBudget.of(1 << 24);
        private volatile boolean isSessionLive = true;

        @Override
        public Optional<TransferPeer> peer(ByteString session, ServerCall<?, ?> call, Metadata headers) {
            // As a server does, it knows who calls from the context of the call.
            return isSessionLive && session.equals(SESSION) && CALLER.get() != null
                    ? Optional.of(new TransferPeer("a", compression))
                    : Optional.empty();
        }

        @Override
        public Optional<EncodedModel> model(String clientId, ByteString digest) {
            return models.stream()
                    .filter(model -> model.description().getDigest().equals(digest))
                    .findAny();
        }

        @Override
        public Admission admit(String clientId, TaskAnswer announced) {
            if (announced.getTaskId().equals("late")) {
                return new Admission.Refused(receipt("late", Verdict.VERDICT_LATE, "given up"));
            }
            return new Admission.Admitted(receivers.computeIfAbsent(announced.getTaskId(), id -> {
                try {
                    return AnswerReceiver.of(announced, 1 << 26, budget, Optional.empty());
                } catch (WireException e) {
                    throw new AssertionError(e);
                }
            }));
        }

        @Override
        public AnswerReceipt deliver(String clientId, AnswerReceiver complete) {
            try {
                delivering.countDown();
                mayDeliver.await();
                delivered.add(complete.update());
            } catch (WireException | InterruptedException e) {
                throw new AssertionError(e);
            }
            return receipt(complete.taskId(), Verdict.VERDICT_ACCEPTED, "");
        }

        @Override
        public AnswerReceipt reject(String clientId, AnswerReceiver receiver, Verdict verdict, String reason) {
            return receipt(receiver.taskId(), verdict, reason);
        }

        private AnswerReceipt receipt(String taskId, Verdict verdict, String reason) {
            return AnswerReceipt.newBuilder()
                    .setTaskId(taskId)
                    .setVerdict(verdict)
                    .setReason(reason)
                    .build();
        }
    }

    /** Notes how the server ends calls, whether or not the client reads it. */
    private final class NotedCall<Q, R> extends ForwardingServerCall.SimpleForwardingServerCall<Q, R> {
        NotedCall(ServerCall<Q, R> call) {
            super(call);
        }

        @Override
        public void close(Status status, Metadata trailers) {
            super.close(status, trailers);
            ends.add(status.getCode());
        }
    }

    /** Damages the chunks that the server sends. */
    private final class FaultyCall<Q, R> extends ForwardingServerCall.SimpleForwardingServerCall<Q, R> {
        private final Fault fault;
        private int sent;

        FaultyCall(ServerCall<Q, R> call, Fault fault) {
            super(call);
            this.fault = fault;
        }

        @Override
        @SuppressWarnings("unchecked")
        public void sendMessage(R message) {
            if (sent++ != fault.messages()) {
                super.sendMessage(message);
            } else if (fault.kind() == Fault.Kind.DAMAGE) {
                super.sendMessage((R) damaged(message));
            } else {
                super.close(Status.UNAVAILABLE.withDescription("cut"), new Metadata());
            }
        }

        @Override
        public boolean isReady() {
            // What is cut takes nothing more.
            return (fault.kind() == Fault.Kind.DAMAGE || sent <= fault.messages()) && super.isReady();
        }
    }

    private static Object damaged(Object message) {
        OutgoingChunk chunk = (OutgoingChunk) message;
        return new OutgoingChunk(
                chunk.offset(), chunk.crc32c() ^ 1, chunk.model(), chunk.from(), chunk.count(), chunk.compressed());
    }

    /** Damages the chunks that the client sends. */
    private final class FaultyChannel implements ClientInterceptor {
        @Override
        public <Q, R> ClientCall<Q, R> interceptCall(MethodDescriptor<Q, R> method, CallOptions options, Channel next) {
            Optional<Fault> fault = Optional.ofNullable(faults.poll());
            return new ForwardingClientCall.SimpleForwardingClientCall<>(next.newCall(method, options)) {
                private int sent;

                @Override
                @SuppressWarnings("unchecked")
                public void sendMessage(Q message) {
                    if (message instanceof DownloadRequest request) {
                        offsetsAskedFor.add(request.getOffset());
                    }
                    if (fault.isEmpty() || sent++ != fault.get().messages()) {
                        super.sendMessage(message);
                    } else if (fault.get().kind() == Fault.Kind.DAMAGE) {
                        super.sendMessage((Q) damaged(message));
                    } else if (fault.get().kind() == Fault.Kind.CUT) {
                        super.cancel("cut", null);
                    }
                }
            };
        }
    }

    private Channel start(Duration idleTimeout, boolean serverIsFaulty) {
        try {
            ServerServiceDefinition.Builder service = ServerServiceDefinition.builder(TransferMethods.SERVICE);
            TransferService.of(desk, new TransferSettings(CHUNK, idleTimeout), timer, server)
                    .addMethods(service);
            Server started = NettyServerBuilder.forAddress(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
                    .addService(ServerInterceptors.intercept(service.build(), new ServerInterceptor() {
                        @Override
                        public <Q, R> ServerCall.Listener<Q> interceptCall(
                                ServerCall<Q, R> call, Metadata headers, ServerCallHandler<Q, R> next) {
                            Fault fault = serverIsFaulty ? faults.poll() : null;
                            if (fault != null && fault.kind() == Fault.Kind.SILENCE) {
                                return new ServerCall.Listener<>() {};
                            }
                            return Contexts.interceptCall(
                                    Context.current().withValue(CALLER, "a"),
                                    fault == null ? new NotedCall<>(call) : new FaultyCall<>(call, fault),
                                    headers,
                                    next);
                        }
                    }))
                    .build()
                    .start();
            ManagedChannel channel = NettyChannelBuilder.forAddress("localhost", started.getPort())
                    .usePlaintext()
                    .build();
            listening = Optional.of(started);
            connected = Optional.of(channel);
            return serverIsFaulty ? channel : ClientInterceptors.intercept(channel, new FaultyChannel());
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    @AfterEach
    void stop() {
        connected.ifPresent(ManagedChannel::shutdownNow);
        listening.ifPresent(Server::shutdownNow);
        timer.shutdownNow();
    }

    private TransferConnection.Source connections(Channel channel) {
        TransferConnection connection = new TransferConnection(channel, SESSION, CHUNK, compression);
        return () -> connection;
    }

    private Downloader downloader(Channel channel) {
        return Downloader.of(connections(channel), PATIENT, client);
    }

    private Uploader uploader(Channel channel) {
        return Uploader.of(connections(channel), PATIENT, client);
    }

    private EncodedModel serve(Model model) {
        EncodedModel encoded = EncodedModel.of(model);
        desk.models.add(encoded);
        return encoded;
    }

    @ParameterizedTest
    @EnumSource(names = {"COMPRESSION_NONE", "COMPRESSION_ZSTD"})
    void downloadsAModel(Compression agreed) throws InterruptedException {
        compression = agreed;
        EncodedModel noise = serve(RandomModels.ofFloats(300_001, 1));
        EncodedModel types = serve(RandomModels.ofAllTypes(2));
        Downloader downloader = downloader(start(PATIENT, true));

        assertThat(downloader.fetch(noise.description())).isEqualTo(noise.model());
        assertThat(downloader.fetch(types.description())).isEqualTo(types.model());
        assertThat(client.received).hasValue(noise.byteCount() + types.byteCount());
    }

    @ParameterizedTest
    @EnumSource(names = {"COMPRESSION_NONE", "COMPRESSION_ZSTD"})
    void uploadsAnAnswer(Compression agreed) throws InterruptedException {
        compression = agreed;
        List<EncodedModel> models = List.of(
                EncodedModel.of(RandomModels.ofFloats(300_001, 1)), EncodedModel.of(RandomModels.ofAllTypes(2)));

        AnswerReceipt receipt = uploader(start(PATIENT, true)).send(RandomModels.answer(models), models);

        assertThat(receipt.getVerdict()).isEqualTo(Verdict.VERDICT_ACCEPTED);
        assertThat(desk.delivered).hasSize(1);
        assertThat(desk.delivered.get(0).model()).contains(models.get(0).model());
        assertThat(desk.delivered.get(0).tensors())
                .containsEntry("group1", models.get(1).model());
        assertThat(desk.budget.reserved()).isZero();
    }

    @Test
    void compressedChunksCarryFewerBytes() throws InterruptedException {
        compression = Compression.COMPRESSION_ZSTD;
        EncodedModel zeros = serve(Model.zeros(RandomModels.ofFloats(100_000, 1).spec()));

        assertThat(downloader(start(PATIENT, true)).fetch(zeros.description())).isEqualTo(zeros.model());

        assertThat(server.sentData.get()).isLessThan(zeros.byteCount() / 20);
    }

    @Test
    void aBrokenDownloadGoesOnWhereItStood() throws InterruptedException {
        EncodedModel model = serve(RandomModels.ofFloats(30_000, 1));
        faults.add(new Fault(3, Fault.Kind.CUT));
        faults.add(new Fault(0, Fault.Kind.CUT));
        faults.add(new Fault(20, Fault.Kind.CUT));

        assertThat(downloader(start(PATIENT, true)).fetch(model.description())).isEqualTo(model.model());

        // Not a byte was needed twice.
        assertThat(client.received).hasValue(model.byteCount());
        assertThat(faults).isEmpty();
    }

    @Test
    void aDamagedChunkIsAskedForAgain() throws InterruptedException {
        EncodedModel model = serve(RandomModels.ofFloats(30_000, 1));
        faults.add(new Fault(3, Fault.Kind.DAMAGE));

        assertThat(downloader(start(PATIENT, true)).fetch(model.description())).isEqualTo(model.model());

        assertThat(client.received).hasValue(model.byteCount());
        assertThat(server.sent.get()).isGreaterThan(model.byteCount());
    }

    @Test
    void aModelThatIsDamagedTimeAndAgainIsGivenUp() {
        EncodedModel model = serve(RandomModels.ofFloats(30_000, 1));
        for (int i = 0; i < 5; i++) {
            faults.add(new Fault(0, Fault.Kind.DAMAGE));
        }
        Downloader downloader = downloader(start(PATIENT, true));

        assertThatThrownBy(() -> downloader.fetch(model.description()))
                .isInstanceOfSatisfying(
                        TransferException.class,
                        e -> assertThat(e.reason()).isEqualTo(TransferException.Reason.CORRUPT));
    }

    @Test
    void aModelThatIsNotTheOneNamedIsFetchedOnceMoreAndThenGivenUp() {
        EncodedModel model = EncodedModel.of(RandomModels.ofFloats(5_000, 1));
        EncodedModel other = EncodedModel.of(RandomModels.ofFloats(5_000, 2));
        Channel channel = start(PATIENT, false);
        // The server names another model's values by this digest.
        desk.models.add(other);
        Downloader downloader = downloader(ClientInterceptors.intercept(channel, new ClientInterceptor() {
            @Override
            public <Q, R> ClientCall<Q, R> interceptCall(
                    MethodDescriptor<Q, R> method, CallOptions options, Channel next) {
                return new ForwardingClientCall.SimpleForwardingClientCall<>(next.newCall(method, options)) {
                    @Override
                    @SuppressWarnings("unchecked")
                    public void sendMessage(Q message) {
                        super.sendMessage((Q) ((DownloadRequest) message)
                                .toBuilder()
                                        .setDigest(other.description().getDigest())
                                        .build());
                    }
                };
            }
        }));

        assertThatThrownBy(() -> downloader.fetch(model.description()))
                .isInstanceOf(TransferException.class)
                .hasMessageContaining("announced was " + model.model().digest());
        assertThat(offsetsAskedFor).containsExactly(0L, 0L);
    }

    @Test
    void aModelThatNoTaskNamesIsGone() {
        EncodedModel model = EncodedModel.of(RandomModels.ofFloats(5_000, 1));
        Downloader downloader = downloader(start(PATIENT, true));

        assertThatThrownBy(() -> downloader.fetch(model.description()))
                .isInstanceOfSatisfying(
                        TransferException.class, e -> assertThat(e.reason()).isEqualTo(TransferException.Reason.GONE));
    }

    @Test
    void inlineModelsNeedNoConnection() throws InterruptedException {
        EncodedModel model = EncodedModel.of(RandomModels.ofFloats(50, 1));
        Downloader downloader = Downloader.of(
                () -> {
                    throw new AssertionError("no connection is needed");
                },
                PATIENT,
                client);

        assertThat(downloader.fetch(model.payload(1 << 20))).isEqualTo(model.model());
    }

    @Test
    void aSessionThatEndedIsFollowedByTheNext() throws InterruptedException {
        EncodedModel model = serve(RandomModels.ofFloats(5_000, 1));
        Channel channel = start(PATIENT, true);
        Queue<TransferConnection> sessions = new ArrayDeque<>(List.of(
                new TransferConnection(channel, ByteString.copyFromUtf8("old"), CHUNK, compression),
                new TransferConnection(channel, SESSION, CHUNK, compression)));

        assertThat(Downloader.of(sessions::remove, PATIENT, client).fetch(model.description()))
                .isEqualTo(model.model());
    }

    @Test
    void aCallThatStandsStillIsFollowedByTheNext() throws InterruptedException {
        EncodedModel model = serve(RandomModels.ofFloats(5_000, 1));
        faults.add(new Fault(0, Fault.Kind.SILENCE));
        Channel channel = start(PATIENT, true);

        assertThat(Downloader.of(connections(channel), Duration.ofSeconds(2), client)
                        .fetch(model.description()))
                .isEqualTo(model.model());
        assertThat(faults).isEmpty();
    }

    @Test
    void aDownloadEndsWhenItsThreadIsInterrupted() throws Exception {
        EncodedModel model = serve(RandomModels.ofFloats(5_000, 1));
        faults.add(new Fault(0, Fault.Kind.SILENCE));
        Downloader downloader = downloader(start(PATIENT, true));
        CompletableFuture<Throwable> ended = new CompletableFuture<>();
        Thread thread = new Thread(() -> {
            try {
                downloader.fetch(model.description());
                ended.complete(new AssertionError("fetched"));
            } catch (InterruptedException | RuntimeException e) {
                ended.complete(e);
            }
        });
        thread.start();

        thread.interrupt();

        assertThat(ended.get()).isInstanceOf(InterruptedException.class);
    }

    @Test
    void aBrokenUploadGoesOnWhereItStood() throws InterruptedException {
        List<EncodedModel> models = List.of(
                EncodedModel.of(RandomModels.ofFloats(30_000, 1)), EncodedModel.of(RandomModels.ofFloats(3_000, 2)));
        faults.add(new Fault(6, Fault.Kind.CUT));
        faults.add(new Fault(1, Fault.Kind.CUT));
        faults.add(new Fault(0, Fault.Kind.CUT));
        faults.add(new Fault(29, Fault.Kind.CUT));

        AnswerReceipt receipt = uploader(start(PATIENT, false)).send(RandomModels.answer(models), models);

        assertThat(receipt.getVerdict()).isEqualTo(Verdict.VERDICT_ACCEPTED);
        assertThat(desk.delivered).hasSize(1);
        assertThat(server.received)
                .hasValue(models.get(0).byteCount() + models.get(1).byteCount());
        assertThat(faults).isEmpty();
    }

    @Test
    void aDamagedChunkOfAnUploadIsSentAgain() throws InterruptedException {
        List<EncodedModel> models = List.of(EncodedModel.of(RandomModels.ofFloats(30_000, 1)));
        faults.add(new Fault(3, Fault.Kind.DAMAGE));

        AnswerReceipt receipt = uploader(start(PATIENT, false)).send(RandomModels.answer(models), models);

        assertThat(receipt.getVerdict()).isEqualTo(Verdict.VERDICT_ACCEPTED);
        assertThat(server.received).hasValue(models.get(0).byteCount());
    }

    @Test
    void anAnswerThatIsNotWantedIsNotSent() throws InterruptedException {
        List<EncodedModel> models = List.of(EncodedModel.of(RandomModels.ofFloats(30_000, 1)));
        TaskAnswer late =
                RandomModels.answer(models).toBuilder().setTaskId("late").build();

        AnswerReceipt receipt = uploader(start(PATIENT, true)).send(late, models);

        assertThat(receipt.getVerdict()).isEqualTo(Verdict.VERDICT_LATE);
        assertThat(client.sent).hasValue(0);
    }

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
        RawUpload upload = new RawUpload(start(Duration.ofMillis(300), true));
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
