package io.fedlearn.grpc.client;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import io.fedlearn.core.task.Task;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.grpc.internal.netty.GrpcServer;
import io.fedlearn.grpc.internal.transfer.EncodedModel;
import io.fedlearn.grpc.internal.wire.JoinMethod;
import io.fedlearn.grpc.internal.wire.WireAnswers;
import io.fedlearn.grpc.internal.wire.WireTasks;
import io.fedlearn.grpc.proto.v1.AnswerReceipt;
import io.fedlearn.grpc.proto.v1.Chunk;
import io.fedlearn.grpc.proto.v1.ClientMessage;
import io.fedlearn.grpc.proto.v1.ClientMessage.MessageCase;
import io.fedlearn.grpc.proto.v1.DownloadRequest;
import io.fedlearn.grpc.proto.v1.Goodbye;
import io.fedlearn.grpc.proto.v1.Hello;
import io.fedlearn.grpc.proto.v1.Payload;
import io.fedlearn.grpc.proto.v1.ServerMessage;
import io.fedlearn.grpc.proto.v1.TaskAnswer;
import io.fedlearn.grpc.proto.v1.TaskCancel;
import io.fedlearn.grpc.proto.v1.TaskOffer;
import io.fedlearn.grpc.proto.v1.UploadMessage;
import io.fedlearn.grpc.proto.v1.UploadReply;
import io.fedlearn.grpc.proto.v1.UploadResume;
import io.fedlearn.grpc.proto.v1.Verdict;
import io.fedlearn.grpc.proto.v1.Welcome;
import io.fedlearn.grpc.security.ServerSecurity;
import io.grpc.MethodDescriptor;
import io.grpc.ServerServiceDefinition;
import io.grpc.Status;
import io.grpc.protobuf.ProtoUtils;
import io.grpc.stub.ServerCalls;
import io.grpc.stub.StreamObserver;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.zip.CRC32C;

/** A server of which the test is the brain: it says what it is told to, and keeps what it hears. */
final class FakeServer implements AutoCloseable {
    static final int INLINE_BYTES = 256;
    static final int CHUNK_BYTES = 1024;

    private static final long PATIENCE_SECONDS = 60;

    private static final MethodDescriptor<DownloadRequest, Chunk> DOWNLOAD = MethodDescriptor.newBuilder(
                    ProtoUtils.marshaller(DownloadRequest.getDefaultInstance()),
                    ProtoUtils.marshaller(Chunk.getDefaultInstance()))
            .setType(MethodDescriptor.MethodType.SERVER_STREAMING)
            .setFullMethodName("fedlearn.v1.Federation/Download")
            .build();

    private static final MethodDescriptor<UploadMessage, UploadReply> UPLOAD = MethodDescriptor.newBuilder(
                    ProtoUtils.marshaller(UploadMessage.getDefaultInstance()),
                    ProtoUtils.marshaller(UploadReply.getDefaultInstance()))
            .setType(MethodDescriptor.MethodType.BIDI_STREAMING)
            .setFullMethodName("fedlearn.v1.Federation/Upload")
            .build();

    private final GrpcServer server;
    private final int port;
    private final BlockingQueue<Connection> connections = new LinkedBlockingQueue<>();
    private final BlockingQueue<Uploaded> uploads = new LinkedBlockingQueue<>();
    private final Map<ByteString, ByteString> models = new ConcurrentHashMap<>();
    private final Map<String, ByteString> received = new ConcurrentHashMap<>();
    private final AtomicInteger sessions = new AtomicInteger();

    /** What downloads were asked for. */
    final BlockingQueue<DownloadRequest> downloads = new LinkedBlockingQueue<>();

    /** After so many chunks a download or upload breaks, once. */
    private final AtomicInteger chunksBeforeBreak = new AtomicInteger(Integer.MAX_VALUE);

    /** Downloads stand still until it is counted down. */
    volatile CountDownLatch downloadGate = new CountDownLatch(0);

    /** Whether it says that it is there when its clients do. */
    volatile boolean echoesHeartbeats;

    /** What the receipt of an upload says. */
    volatile Verdict uploadVerdict = Verdict.VERDICT_ACCEPTED;

    /** How uploads end as they begin; OK lets them go on. */
    volatile Status uploadEnd = Status.OK;

    /** An answer that came beside the messages. */
    record Uploaded(TaskAnswer answer, ByteString values) {}

    private FakeServer(int wantedPort) {
        ServerServiceDefinition service = ServerServiceDefinition.builder(JoinMethod.SERVICE)
                .addMethod(JoinMethod.JOIN, ServerCalls.asyncBidiStreamingCall(this::join))
                .addMethod(DOWNLOAD, ServerCalls.asyncServerStreamingCall(this::download))
                .addMethod(UPLOAD, ServerCalls.asyncBidiStreamingCall(this::upload))
                .build();
        this.server = GrpcServer.builder(ServerSecurity.insecure())
                .port(wantedPort)
                .service(service)
                .start();
        this.port = server.address().getPort();
    }

    static FakeServer start() {
        return new FakeServer(0);
    }

    static FakeServer start(int port) {
        return new FakeServer(port);
    }

    int port() {
        return port;
    }

    /** A task's offer whose models come by download if they are large. */
    TaskOffer offer(Task task) {
        return WireTasks.write(task, this::payload, 1 << 30);
    }

    private Payload payload(Model model) {
        EncodedModel encoded = EncodedModel.of(model);
        models.put(
                encoded.description().getDigest(),
                encoded.payload(Integer.MAX_VALUE).getValues());
        return encoded.payload(INLINE_BYTES);
    }

    void breakAfterChunks(int count) {
        chunksBeforeBreak.set(count);
    }

    /** The next client that says hello. */
    Connection accept() throws InterruptedException {
        Connection connection = connections.poll(PATIENCE_SECONDS, TimeUnit.SECONDS);
        return Objects.requireNonNull(connection, "no client joins");
    }

    /** The next client that says hello, made welcome. */
    Connection welcome() throws InterruptedException {
        return welcome(welcome -> {});
    }

    Connection welcome(Consumer<Welcome.Builder> terms) throws InterruptedException {
        Connection connection = accept();
        Welcome.Builder welcome = Welcome.newBuilder()
                .setVersion(1)
                .setSession(ByteString.copyFromUtf8("session " + sessions.incrementAndGet()))
                .setHeartbeatMillis(60_000)
                .setChunkBytes(CHUNK_BYTES)
                .setInlineBytes(INLINE_BYTES)
                .setSoftware("fake");
        terms.accept(welcome);
        connection.say(ServerMessage.newBuilder().setWelcome(welcome));
        return connection;
    }

    Uploaded takeUpload() throws InterruptedException {
        Uploaded uploaded = uploads.poll(PATIENCE_SECONDS, TimeUnit.SECONDS);
        return Objects.requireNonNull(uploaded, "no upload comes");
    }

    private StreamObserver<ClientMessage> join(StreamObserver<ServerMessage> out) {
        return new Connection(out);
    }

    private void download(DownloadRequest request, StreamObserver<Chunk> out) {
        downloads.add(request);
        ByteString values = models.get(request.getDigest());
        if (values == null) {
            out.onError(Status.NOT_FOUND.withDescription("no such model").asRuntimeException());
            return;
        }
        try {
            downloadGate.await();
        } catch (InterruptedException e) {
            out.onError(Status.UNAVAILABLE.asRuntimeException());
            return;
        }
        for (int offset = (int) request.getOffset(); offset < values.size(); offset += CHUNK_BYTES) {
            if (isToBreak()) {
                out.onError(
                        Status.UNAVAILABLE.withDescription("broken by the test").asRuntimeException());
                return;
            }
            ByteString data = values.substring(offset, Math.min(values.size(), offset + CHUNK_BYTES));
            CRC32C crc = new CRC32C();
            crc.update(data.asReadOnlyByteBuffer());
            out.onNext(Chunk.newBuilder()
                    .setOffset(offset)
                    .setData(data)
                    .setCrc32C((int) crc.getValue())
                    .build());
        }
        out.onCompleted();
    }

    private boolean isToBreak() {
        if (chunksBeforeBreak.getAndDecrement() == 0) {
            chunksBeforeBreak.set(Integer.MAX_VALUE);
            return true;
        }
        return false;
    }

    private StreamObserver<UploadMessage> upload(StreamObserver<UploadReply> out) {
        return new StreamObserver<>() {
            private TaskAnswer answer = TaskAnswer.getDefaultInstance();
            private long size;
            private boolean isOver;

            @Override
            public void onNext(UploadMessage message) {
                if (isOver) {
                    return;
                }
                if (!uploadEnd.isOk()) {
                    isOver = true;
                    out.onError(uploadEnd.asRuntimeException());
                    return;
                }
                if (message.hasBegin()) {
                    answer = message.getBegin().getAnswer();
                    size = WireAnswers.payloads(answer.getUpdate()).stream()
                            .mapToLong(Payload::getByteCount)
                            .sum();
                    out.onNext(UploadReply.newBuilder()
                            .setResume(UploadResume.newBuilder().setOffset(here().size()))
                            .build());
                } else if (isToBreak()) {
                    isOver = true;
                    out.onError(Status.UNAVAILABLE
                            .withDescription("broken by the test")
                            .asRuntimeException());
                    return;
                } else {
                    assertThat(message.getChunk().getOffset()).isEqualTo(here().size());
                    received.put(
                            answer.getTaskId(), here().concat(message.getChunk().getData()));
                }
                if (here().size() == size) {
                    isOver = true;
                    uploads.add(new Uploaded(answer, here()));
                    received.remove(answer.getTaskId());
                    out.onNext(UploadReply.newBuilder()
                            .setReceipt(AnswerReceipt.newBuilder()
                                    .setTaskId(answer.getTaskId())
                                    .setVerdict(uploadVerdict))
                            .build());
                    out.onCompleted();
                }
            }

            private ByteString here() {
                return Optional.ofNullable(received.get(answer.getTaskId())).orElse(ByteString.EMPTY);
            }

            @Override
            public void onError(Throwable error) {}

            @Override
            public void onCompleted() {}
        };
    }

    @Override
    public void close() {
        downloadGate.countDown();
        server.close();
    }

    /** One client's Join call. */
    final class Connection implements StreamObserver<ClientMessage> {
        private final StreamObserver<ServerMessage> out;
        private final BlockingQueue<ClientMessage> inbox = new LinkedBlockingQueue<>();
        private final CountDownLatch ended = new CountDownLatch(1);
        private volatile Hello hello = Hello.getDefaultInstance();

        private Connection(StreamObserver<ServerMessage> out) {
            this.out = out;
        }

        Hello hello() {
            return hello;
        }

        @Override
        public void onNext(ClientMessage message) {
            if (message.hasHello()) {
                hello = message.getHello();
                connections.add(this);
            } else {
                if (message.hasHeartbeat() && echoesHeartbeats) {
                    say(ServerMessage.newBuilder().setHeartbeat(message.getHeartbeat()));
                }
                inbox.add(message);
            }
        }

        @Override
        public void onError(Throwable error) {
            ended.countDown();
        }

        @Override
        public void onCompleted() {
            ended.countDown();
            out.onCompleted();
        }

        void say(ServerMessage.Builder message) {
            synchronized (out) {
                out.onNext(message.build());
            }
        }

        void offer(TaskOffer offer) {
            say(ServerMessage.newBuilder().setTask(offer));
        }

        void cancel(Task task) {
            say(ServerMessage.newBuilder()
                    .setCancel(TaskCancel.newBuilder().setTaskId(task.id()).setReason("enough others")));
        }

        void goodbye(Goodbye.Builder goodbye) {
            say(ServerMessage.newBuilder().setGoodbye(goodbye));
        }

        void receipt(String taskId, Verdict verdict) {
            say(ServerMessage.newBuilder()
                    .setReceipt(AnswerReceipt.newBuilder().setTaskId(taskId).setVerdict(verdict)));
        }

        /** Breaks the call off. */
        void cut() {
            synchronized (out) {
                out.onError(
                        Status.UNAVAILABLE.withDescription("broken by the test").asRuntimeException());
            }
        }

        void awaitEnd() throws InterruptedException {
            assertThat(ended.await(PATIENCE_SECONDS, TimeUnit.SECONDS))
                    .as("the client ends the call")
                    .isTrue();
        }

        /** The next message, which must be of this kind. */
        ClientMessage take(MessageCase expected) throws InterruptedException {
            ClientMessage message = takeAny();
            assertThat(message.getMessageCase()).as(message.toString()).isEqualTo(expected);
            return message;
        }

        /** The next message. */
        ClientMessage takeAny() throws InterruptedException {
            ClientMessage message = inbox.poll(PATIENCE_SECONDS, TimeUnit.SECONDS);
            return Objects.requireNonNull(message, "no message comes");
        }

        void takeStarted(Task task) throws InterruptedException {
            assertThat(take(MessageCase.STARTED).getStarted().getTaskId()).isEqualTo(task.id());
        }

        TaskAnswer takeAnswer(Task task) throws InterruptedException {
            TaskAnswer answer = take(MessageCase.ANSWER).getAnswer();
            assertThat(answer.getTaskId()).isEqualTo(task.id());
            return answer;
        }

        /** Takes the answer of a task that was begun, and accepts it. */
        TaskAnswer finish(Task task) throws InterruptedException {
            takeStarted(task);
            TaskAnswer answer = takeAnswer(task);
            receipt(task.id(), Verdict.VERDICT_ACCEPTED);
            return answer;
        }
    }
}
