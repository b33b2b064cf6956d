package io.fedlearn.grpc.internal.transfer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.grpc.proto.v1.Compression;
import io.fedlearn.grpc.proto.v1.DownloadRequest;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptor;
import io.grpc.ClientInterceptors;
import io.grpc.ForwardingClientCall;
import io.grpc.MethodDescriptor;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Models from the server, through broken connections. */
class DownloaderTest extends TransferTestBed {
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
}
