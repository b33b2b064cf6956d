package io.fedlearn.grpc.internal.transfer;

import com.google.protobuf.ByteString;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.ModelSpec;
import io.fedlearn.core.tensor.TensorSpec;
import io.fedlearn.grpc.internal.wire.WireException;
import io.fedlearn.grpc.internal.wire.WireModels;
import io.fedlearn.grpc.proto.v1.Compression;
import io.fedlearn.grpc.proto.v1.DownloadRequest;
import io.fedlearn.grpc.proto.v1.Payload;
import io.grpc.CallOptions;
import io.grpc.ClientCall;
import io.grpc.Status;
import java.time.Duration;
import java.util.Optional;

/** Brings models from the server, through broken connections. Thread-safe. */
public final class Downloader {
    /** How often a model may be damaged without a byte of progress between. */
    private static final int MAX_DAMAGES = 4;

    private final TransferConnection.Source connections;
    private final Duration idleTimeout;
    private final TransferObserver observer;

    private Downloader(TransferConnection.Source connections, Duration idleTimeout, TransferObserver observer) {
        this.connections = connections;
        this.idleTimeout = idleTimeout;
        this.observer = observer;
    }

    /**
     * Brings models over these connections.
     *
     * @param idleTimeout how long a call may stand still before another is begun
     */
    public static Downloader of(
            TransferConnection.Source connections, Duration idleTimeout, TransferObserver observer) {
        return new Downloader(connections, idleTimeout, observer);
    }

    /**
     * The model of a payload: from its values if they are in it, else from the server. Blocks until it is here, however often the
     * connection breaks; a caller who does not want it any more interrupts the thread.
     *
     * @throws TransferException if it cannot be had
     * @throws InterruptedException if the thread is interrupted
     */
    public Model fetch(Payload payload) throws InterruptedException {
        ModelSpec spec;
        try {
            spec = WireModels.readSpec("model", payload);
        } catch (WireException e) {
            throw new TransferException(TransferException.Reason.PROTOCOL, e.getMessage(), e);
        }
        Optional<TensorSpec> tooLarge = ModelReceiver.tooLargeForHeap(spec);
        if (tooLarge.isPresent()) {
            throw new TransferException(
                    TransferException.Reason.TOO_LARGE,
                    "model: tensor " + tooLarge.get() + " has more values than an array of this JVM");
        }
        if (payload.hasValues() || spec.byteCount() == 0) {
            try {
                return EncodedModel.decode("model", payload);
            } catch (WireException e) {
                throw new TransferException(TransferException.Reason.PROTOCOL, e.getMessage(), e);
            }
        }
        String digest = WireModels.hex(payload.getDigest());
        try {
            return download(spec, digest, payload.getDigest());
        } catch (ChunkException first) {
            // Whole chunks and another model: once more from the start, then it is not the way that is at fault.
            try {
                return download(spec, digest, payload.getDigest());
            } catch (ChunkException second) {
                throw new TransferException(TransferException.Reason.CORRUPT, "model: " + second.getMessage(), second);
            }
        }
    }

    private Model download(ModelSpec spec, String digest, ByteString name) throws InterruptedException, ChunkException {
        ModelReceiver receiver = ModelReceiver.onHeap(spec, digest);
        Retries retries = new Retries();
        int damages = 0;
        while (receiver.missing() > 0) {
            long before = receiver.offset();
            TransferConnection connection = connections.await();
            CallerThread thread = new CallerThread();
            ClientCall<DownloadRequest, TransferFrame> call =
                    connection.call(TransferMethods.DOWNLOAD, CallOptions.DEFAULT.withExecutor(thread));
            Download download = new Download(call, thread, receiver, name, connection);
            Status status = download.run(idleTimeout);
            if (receiver.missing() == 0) {
                break;
            }
            if (receiver.offset() > before) {
                retries.reset();
                damages = 0;
            }
            if (download.damage.isPresent()) {
                if (++damages > MAX_DAMAGES) {
                    throw new TransferException(
                            TransferException.Reason.CORRUPT,
                            "model: " + download.damage.get().getMessage());
                }
            } else if (status.getCode() == Status.Code.NOT_FOUND) {
                throw new TransferException(
                        TransferException.Reason.GONE, "model: the server says " + status.getDescription());
            } else if (!status.isOk() && !retries.mayGoBetter(status)) {
                throw new TransferException(TransferException.Reason.PROTOCOL, "model: the server says " + status);
            }
            retries.pause();
        }
        return receiver.finish();
    }

    private final class Download extends ClientTransfer<DownloadRequest, TransferFrame> {
        private final ModelReceiver receiver;
        private final ByteString digest;
        private final TransferConnection connection;
        private Optional<ChunkException> damage = Optional.empty();

        Download(
                ClientCall<DownloadRequest, TransferFrame> call,
                CallerThread thread,
                ModelReceiver receiver,
                ByteString digest,
                TransferConnection connection) {
            super(call, thread);
            this.receiver = receiver;
            this.digest = digest;
            this.connection = connection;
        }

        @Override
        void begin() {
            call().sendMessage(DownloadRequest.newBuilder()
                    .setDigest(digest)
                    .setOffset(receiver.offset())
                    .build());
            call().halfClose();
            call().request(2);
        }

        @Override
        void take(TransferFrame message) {
            moved();
            try {
                if (message instanceof IncomingChunk incoming) {
                    accept(incoming);
                } else {
                    throw new ChunkException(ChunkException.Kind.MALFORMED, "a message is no chunk");
                }
            } catch (ChunkException e) {
                damage = Optional.of(e);
                call().cancel(e.getMessage(), e);
            }
        }

        private void accept(IncomingChunk incoming) throws ChunkException {
            try (incoming) {
                if (damage.isPresent() || hasFailed()) {
                    return;
                }
                ReceivedChunk chunk = incoming.values(
                        connection.chunkBytes(), connection.compression() == Compression.COMPRESSION_ZSTD);
                int count = chunk.count();
                if (chunk.offset() != receiver.offset() || count == 0 || count > receiver.missing()) {
                    throw new ChunkException(
                            ChunkException.Kind.MALFORMED,
                            "a chunk has bytes " + chunk.offset() + " to " + (chunk.offset() + count)
                                    + ", the next one is " + receiver.offset() + " and " + receiver.missing()
                                    + " are missing");
                }
                chunk.verify();
                chunk.values().forEach(receiver::accept);
                observer.received(count, incoming.dataCount());
                call().request(1);
            }
        }
    }
}
