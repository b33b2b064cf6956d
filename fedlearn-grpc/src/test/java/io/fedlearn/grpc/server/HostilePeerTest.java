package io.fedlearn.grpc.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import io.fedlearn.core.runtime.TaskListener;
import io.fedlearn.core.strategy.ClientInfo;
import io.fedlearn.core.task.ClientOutcome;
import io.fedlearn.core.task.Task;
import io.fedlearn.core.task.TaskKind;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.grpc.TransportException;
import io.fedlearn.grpc.proto.v1.Chunk;
import io.fedlearn.grpc.proto.v1.ClientMessage;
import io.fedlearn.grpc.proto.v1.DownloadRequest;
import io.fedlearn.grpc.proto.v1.GoodbyeCode;
import io.fedlearn.grpc.proto.v1.Heartbeat;
import io.fedlearn.grpc.proto.v1.Leave;
import io.fedlearn.grpc.proto.v1.TaskAnswer;
import io.fedlearn.grpc.proto.v1.TaskStarted;
import io.fedlearn.grpc.proto.v1.Verdict;
import io.fedlearn.testkit.client.DriftClient;
import io.fedlearn.testkit.runtime.RecordingListener;
import io.grpc.CallOptions;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.ProtoUtils;
import io.grpc.reflection.v1.ServerReflectionGrpc;
import io.grpc.reflection.v1.ServerReflectionRequest;
import io.grpc.reflection.v1.ServerReflectionResponse;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.StreamObserver;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A peer that breaks the protocol costs itself only: beside it, an honest client works on. */
class HostilePeerTest {
    private static final int MAX_MESSAGE_BYTES = 1 << 16;
    private static final Duration PATIENCE = Duration.ofSeconds(20);
    private static final Model LARGE =
            Model.builder().trainable("w", Tensor.copyOf(new float[5_000])).build();

    private static final MethodDescriptor<DownloadRequest, Chunk> DOWNLOAD = MethodDescriptor.newBuilder(
                    ProtoUtils.marshaller(DownloadRequest.getDefaultInstance()),
                    ProtoUtils.marshaller(Chunk.getDefaultInstance()))
            .setType(MethodDescriptor.MethodType.SERVER_STREAMING)
            .setFullMethodName("fedlearn.v1.Federation/Download")
            .build();

    private final Sites sites = new Sites();
    private final AtomicInteger round = new AtomicInteger();
    private FederatedServer server = newServer().start();

    private static FederatedServer.Builder newServer() {
        return Sites.newServer()
                .limits(ServerLimits.builder()
                        .maxMessageBytes(MAX_MESSAGE_BYTES)
                        .messageRate(100, 100)
                        .helloTimeout(Duration.ofSeconds(1))
                        .build());
    }

    @BeforeEach
    void joinHonestClient() throws Exception {
        sites.start(server, Sites.newClient(server, "honest", DriftClient.withExamples(1)));
        Sites.awaitAll(server, 1);
    }

    @AfterEach
    void closeAll() throws Exception {
        RecordingListener listener = RecordingListener.create();
        Task task =
                Task.builder(TaskKind.FIT, "honest").round(1_000).model(LARGE).build();
        server.submit(task, listener);
        assertThat(listener.awaitFinished(task, PATIENCE))
                .as("the honest client's outcome")
                .isInstanceOf(ClientOutcome.Completed.class);
        sites.close();
        server.close();
    }

    private Task submit(String client, TaskListener listener) {
        Task task = Task.builder(TaskKind.FIT, client)
                .round(round.incrementAndGet())
                .model(LARGE)
                .build();
        server.submit(task, listener);
        return task;
    }

    @Test
    void sendsAwayWhoDoesNotSayHelloFirst() throws Exception {
        try (RawPeer peer = new RawPeer(server)) {
            peer.send(ClientMessage.newBuilder()
                    .setHeartbeat(Heartbeat.newBuilder())
                    .build());

            assertThat(peer.goodbye()).isEqualTo(GoodbyeCode.GOODBYE_CODE_MALFORMED);
            assertThat(peer.end()).isEqualTo(Status.Code.OK);
        }
    }

    @Test
    void sendsAwayWhoSaysNothing() throws Exception {
        try (RawPeer peer = new RawPeer(server)) {
            assertThat(peer.goodbye()).isEqualTo(GoodbyeCode.GOODBYE_CODE_SILENT);
            assertThat(peer.end()).isEqualTo(Status.Code.OK);
        }
    }

    @Test
    void endsAConnectionThatSaysHelloTwice() throws Exception {
        try (RawPeer peer = new RawPeer(server).join("odd")) {
            peer.send(
                    ClientMessage.newBuilder().setHello(RawPeer.hello("honest")).build());

            assertThat(peer.goodbye()).isEqualTo(GoodbyeCode.GOODBYE_CODE_MALFORMED);
        }
    }

    @Test
    void endsAConnectionThatSendsTooMuch() throws Exception {
        try (RawPeer peer = new RawPeer(server).join("loud")) {
            for (int i = 0; i < 1_000; i++) {
                peer.send(ClientMessage.newBuilder()
                        .setHeartbeat(Heartbeat.newBuilder().setNumber(i))
                        .build());
            }

            assertThat(peer.goodbye()).isEqualTo(GoodbyeCode.GOODBYE_CODE_TOO_FAST);
        }
    }

    @Test
    void endsAConnectionWhoseMessageIsTooLarge() throws Exception {
        try (RawPeer peer = new RawPeer(server).join("large")) {
            peer.send(ClientMessage.newBuilder()
                    .setAnswer(TaskAnswer.newBuilder()
                            .setFingerprint(ByteString.copyFrom(new byte[2 * MAX_MESSAGE_BYTES])))
                    .build());

            assertThat(peer.end()).isIn(Status.Code.RESOURCE_EXHAUSTED, Status.Code.CANCELLED);
        }
    }

    @Test
    void passesOverMessagesOfLaterVersions() throws Exception {
        try (RawPeer peer = new RawPeer(server).join("modern")) {
            peer.send(ClientMessage.getDefaultInstance());
            peer.send(ClientMessage.newBuilder()
                    .setAnswer(TaskAnswer.newBuilder().setTaskId("none"))
                    .build());

            assertThat(peer.next().getReceipt().getVerdict()).isEqualTo(Verdict.VERDICT_UNKNOWN_TASK);
        }
    }

    @Test
    void takesNobodysAnswerForAnother() throws Exception {
        RecordingListener listener = RecordingListener.create();
        try (RawPeer peer = new RawPeer(server).join("liar")) {
            Task task = submit("honest", listener);
            peer.send(ClientMessage.newBuilder()
                    .setStarted(TaskStarted.newBuilder().setTaskId(task.id()))
                    .build());
            assertThat(peer.next().getCancel().getTaskId()).isEqualTo(task.id());
            peer.send(ClientMessage.newBuilder()
                    .setAnswer(TaskAnswer.newBuilder().setTaskId(task.id()))
                    .build());

            assertThat(peer.next().getReceipt().getVerdict()).isIn(Verdict.VERDICT_FOREIGN);
            assertThat(listener.awaitFinished(task, PATIENCE)).isInstanceOf(ClientOutcome.Completed.class);
        }
    }

    @Test
    void givesModelsToNobodyWithoutASession() throws Exception {
        try (RawPeer peer = new RawPeer(server).join("curious")) {
            DownloadRequest request = DownloadRequest.newBuilder()
                    .setDigest(ByteString.fromHex(LARGE.digest()))
                    .build();

            assertThatThrownBy(() -> ClientCalls.blockingServerStreamingCall(
                                    peer.channel(), DOWNLOAD, CallOptions.DEFAULT, request)
                            .next())
                    .isInstanceOfSatisfying(
                            StatusRuntimeException.class,
                            error -> assertThat(error.getStatus().getCode()).isEqualTo(Status.Code.UNAUTHENTICATED));
        }
    }

    @Test
    void forgetsAClientThatLeaves() throws Exception {
        try (RawPeer peer = new RawPeer(server).join("guest")) {
            assertThat(server.clients()).extracting(ClientInfo::id).containsExactly("guest", "honest");
            peer.send(ClientMessage.newBuilder()
                    .setLeave(Leave.newBuilder().setReason("enough"))
                    .build());

            assertThat(peer.end()).isEqualTo(Status.Code.OK);
            assertThat(server.clients()).extracting(ClientInfo::id).containsExactly("honest");
        }
    }

    @Test
    void survivesBytesThatAreNoProtocolAtAll() throws Exception {
        InetSocketAddress address = server.address();
        for (String garbage : new String[] {"GET / HTTP/1.1\r\n\r\n", "\u0016\u0003\u0001", "x".repeat(100_000)}) {
            try (Socket socket = new Socket(address.getAddress(), address.getPort())) {
                socket.setSoTimeout((int) PATIENCE.toMillis());
                try {
                    socket.getOutputStream().write(garbage.getBytes(StandardCharsets.ISO_8859_1));
                    InputStream in = socket.getInputStream();
                    while (in.read() >= 0) {
                        // Whatever it says, it hangs up at last.
                    }
                } catch (java.net.SocketException e) {
                    // It hung up already.
                }
            }
        }
    }

    @Test
    void drainingClientsComeBackToTheNextServer() throws Exception {
        try (RawPeer peer = new RawPeer(server).join("guest")) {
            int port = server.address().getPort();
            server.drain("restart", Duration.ofMillis(100));
            assertThat(peer.goodbye()).isEqualTo(GoodbyeCode.GOODBYE_CODE_DRAINING);
            server.close();

            server = newServer().listen("localhost", port).start();

            Sites.awaitAll(server, 1);
        }
    }

    @Test
    void describesItselfToWhoeverMayAsk() throws Exception {
        try (FederatedServer open = newServer().reflection(true).start();
                RawPeer peer = new RawPeer(open)) {
            ServerReflectionResponse[] answer = new ServerReflectionResponse[1];
            CountDownLatch done = new CountDownLatch(1);
            StreamObserver<ServerReflectionRequest> asking = ServerReflectionGrpc.newStub(peer.channel())
                    .serverReflectionInfo(new StreamObserver<>() {
                        @Override
                        public void onNext(ServerReflectionResponse response) {
                            answer[0] = response;
                        }

                        @Override
                        public void onError(Throwable error) {
                            done.countDown();
                        }

                        @Override
                        public void onCompleted() {
                            done.countDown();
                        }
                    });
            asking.onNext(ServerReflectionRequest.newBuilder()
                    .setFileContainingSymbol("fedlearn.v1.Federation")
                    .build());
            asking.onCompleted();

            assertThat(done.await(PATIENCE.toMillis(), TimeUnit.MILLISECONDS)).isTrue();
            assertThat(answer[0].getFileDescriptorResponse().getFileDescriptorProtoCount())
                    .isPositive();
        }
    }

    @Test
    void hearsAHangUpWhileItSaysGoodbye() throws Exception {
        try (RawPeer peer = new RawPeer(server).join("brief")) {
            peer.send(ClientMessage.newBuilder()
                    .setLeave(Leave.newBuilder().setReason("enough"))
                    .build());
            peer.hangUp();

            assertThat(peer.end()).isEqualTo(Status.Code.OK);
        }
    }

    @Test
    void saysWhereItCannotListen() {
        int port = server.address().getPort();

        assertThatThrownBy(() -> newServer().listen("localhost", port).start())
                .isInstanceOfSatisfying(
                        TransportException.class,
                        error -> assertThat(error.reason()).isEqualTo(TransportException.Reason.ADDRESS))
                .hasMessageContaining(String.valueOf(port));
    }

    @Test
    void wantsToBeToldThatItIsInsecure() {
        assertThatThrownBy(() -> FederatedServer.builder().start())
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("insecure");
    }

    @Test
    void closesTwice() {
        FederatedServer other = newServer().start();
        other.close();
        other.close();

        assertThatThrownBy(
                        () -> other.submit(Task.builder(TaskKind.FIT, "honest").build(), RecordingListener.create()))
                .isInstanceOf(IllegalStateException.class);
    }
}
