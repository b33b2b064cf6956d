package io.fedlearn.grpc.internal.transfer;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import io.fedlearn.core.metric.Metrics;
import io.fedlearn.core.task.ClientOutcome;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.task.UpdateForm;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.grpc.internal.wire.WireAnswers;
import io.fedlearn.grpc.internal.wire.WireException;
import io.fedlearn.grpc.proto.v1.AnswerReceipt;
import io.fedlearn.grpc.proto.v1.Compression;
import io.fedlearn.grpc.proto.v1.TaskAnswer;
import io.fedlearn.grpc.proto.v1.Verdict;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.Server;
import io.grpc.ServerCall;
import io.grpc.ServerServiceDefinition;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ThreadLocalRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class TransferTest {
    private static final ByteString SESSION = ByteString.copyFromUtf8("a session of thirty-two bytes...");

    private final ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor();
    private final List<EncodedModel> models = new ArrayList<>();
    private final List<ClientUpdate> delivered = new CopyOnWriteArrayList<>();
    private Server server;
    private ManagedChannel channel;

    private final class Desk implements TransferDesk {
        @Override
        public Optional<TransferPeer> peer(ByteString session, ServerCall<?, ?> call, Metadata headers) {
            return session.equals(SESSION)
                    ? Optional.of(new TransferPeer("a", Compression.COMPRESSION_NONE))
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
            try {
                return new Admission.Admitted(
                        AnswerReceiver.of(announced, 1 << 24, HeapBudget.of(1 << 24), Optional.empty()));
            } catch (WireException e) {
                throw new AssertionError(e);
            }
        }

        @Override
        public AnswerReceipt deliver(String clientId, AnswerReceiver complete) {
            try {
                delivered.add(complete.update());
            } catch (WireException e) {
                throw new AssertionError(e);
            }
            return AnswerReceipt.newBuilder()
                    .setTaskId(complete.taskId())
                    .setVerdict(Verdict.VERDICT_ACCEPTED)
                    .build();
        }

        @Override
        public AnswerReceipt reject(String clientId, AnswerReceiver receiver, Verdict verdict, String reason) {
            return AnswerReceipt.newBuilder()
                    .setTaskId(receiver.taskId())
                    .setVerdict(verdict)
                    .setReason(reason)
                    .build();
        }
    }

    @BeforeEach
    void start() throws IOException {
        ServerServiceDefinition.Builder service = ServerServiceDefinition.builder(TransferMethods.SERVICE);
        TransferService.of(new Desk(), TransferSettings.defaults(), timer, TransferObserver.NONE)
                .addMethods(service);
        server = NettyServerBuilder.forAddress(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
                .addService(service.build())
                .build()
                .start();
        channel = NettyChannelBuilder.forAddress("localhost", server.getPort())
                .usePlaintext()
                .build();
    }

    @AfterEach
    void stop() {
        channel.shutdownNow();
        server.shutdownNow();
        timer.shutdownNow();
    }

    private TransferConnection connection() {
        return new TransferConnection(
                channel, SESSION, TransferSettings.DEFAULT_CHUNK_BYTES, Compression.COMPRESSION_NONE);
    }

    private static Model model(int count) {
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = ThreadLocalRandom.current().nextFloat();
        }
        return Model.builder()
                .trainable("w", Tensor.wrap(values))
                .counter("n", Tensor.scalar(5L))
                .build();
    }

    @Test
    void downloadsAModel() throws InterruptedException {
        Model model = model(1_000_001);
        models.add(EncodedModel.of(model));

        Model fetched = Downloader.of(this::connection, Duration.ofSeconds(10), TransferObserver.NONE)
                .fetch(EncodedModel.of(model).description());

        assertThat(fetched).isEqualTo(model);
    }

    @Test
    void uploadsAnAnswer() throws InterruptedException {
        EncodedModel model = EncodedModel.of(model(1_000_001));
        ClientUpdate update = ClientUpdate.ofMetrics(Metrics.none(), 3).withModel(UpdateForm.MODEL, model.model());
        TaskAnswer answer = WireAnswers.write(
                "task", ByteString.EMPTY, new ClientOutcome.Completed(update), ignored -> model.description());

        AnswerReceipt receipt = Uploader.of(this::connection, Duration.ofSeconds(10), TransferObserver.NONE)
                .send(answer, List.of(model));

        assertThat(receipt.getVerdict()).isEqualTo(Verdict.VERDICT_ACCEPTED);
        assertThat(delivered.get(0).model()).contains(model.model());
    }
}
