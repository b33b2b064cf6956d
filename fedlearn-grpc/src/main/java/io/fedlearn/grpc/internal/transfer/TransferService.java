package io.fedlearn.grpc.internal.transfer;

import com.google.protobuf.ByteString;
import io.fedlearn.grpc.proto.v1.AnswerReceipt;
import io.fedlearn.grpc.proto.v1.Compression;
import io.fedlearn.grpc.proto.v1.DownloadRequest;
import io.fedlearn.grpc.proto.v1.TaskAnswer;
import io.fedlearn.grpc.proto.v1.UploadReply;
import io.fedlearn.grpc.proto.v1.UploadResume;
import io.fedlearn.grpc.proto.v1.Verdict;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerServiceDefinition;
import io.grpc.Status;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ScheduledExecutorService;

/**
 * The server's side of Download and Upload. Blocks the threads of the calls for moments: while an answer waits for room, and while
 * the desk takes one. Thread-safe.
 */
public final class TransferService {
    private static final System.Logger LOG = System.getLogger(TransferService.class.getName());

    private static final Status NO_UPLOAD =
            Status.INVALID_ARGUMENT.withDescription("an upload is one begin, then chunks");

    private final TransferDesk desk;
    private final TransferSettings settings;
    private final ScheduledExecutorService timer;
    private final TransferObserver observer;

    private TransferService(
            TransferDesk desk, TransferSettings settings, ScheduledExecutorService timer, TransferObserver observer) {
        this.desk = desk;
        this.settings = settings;
        this.timer = timer;
        this.observer = observer;
    }

    /**
     * A service for this desk.
     *
     * @param timer notices calls that stand still; nothing blocks in it
     */
    public static TransferService of(
            TransferDesk desk, TransferSettings settings, ScheduledExecutorService timer, TransferObserver observer) {
        return new TransferService(desk, settings, timer, observer);
    }

    /** Adds Download and Upload to a definition of service {@value TransferMethods#SERVICE}. */
    public void addMethods(ServerServiceDefinition.Builder service) {
        service.addMethod(TransferMethods.DOWNLOAD, this::download);
        service.addMethod(TransferMethods.UPLOAD, this::upload);
    }

    private Optional<TransferPeer> peer(ServerCall<?, ?> call, Metadata headers) {
        byte[] session = headers.get(TransferMethods.SESSION);
        return session == null ? Optional.empty() : desk.peer(ByteString.copyFrom(session), call, headers);
    }

    private static <Q, R> ServerCall.Listener<Q> refuse(ServerCall<Q, R> call) {
        call.close(Status.UNAUTHENTICATED.withDescription("no live session of this client"), new Metadata());
        return new ServerCall.Listener<>() {};
    }

    private ServerCall.Listener<DownloadRequest> download(
            ServerCall<DownloadRequest, TransferFrame> call, Metadata headers) {
        Optional<TransferPeer> peer = peer(call, headers);
        return peer.isPresent() ? new Download(call, peer.get()) : refuse(call);
    }

    private ServerCall.Listener<TransferFrame> upload(ServerCall<TransferFrame, UploadReply> call, Metadata headers) {
        Optional<TransferPeer> peer = peer(call, headers);
        return peer.isPresent() ? new Upload(call, peer.get()) : refuse(call);
    }

    private final class Download extends ServerCall.Listener<DownloadRequest> {
        private final ServerCall<DownloadRequest, TransferFrame> call;
        private final TransferPeer peer;
        private final InTurn turns = new InTurn(this::fail);
        private final IdleWatch watch;
        private Optional<EncodedModel> model = Optional.empty();
        private long offset;
        private boolean isClosed;

        Download(ServerCall<DownloadRequest, TransferFrame> call, TransferPeer peer) {
            this.call = call;
            this.peer = peer;
            this.watch = IdleWatch.start(
                    timer,
                    settings.idleTimeout(),
                    () -> turns.run(() -> close(Status.UNAVAILABLE.withDescription("the download stood still"))));
            call.request(1);
        }

        private void fail(Throwable failure) {
            LOG.log(System.Logger.Level.ERROR, "download of client " + peer.clientId() + " has failed", failure);
            close(Status.INTERNAL.withDescription("the server has failed"));
        }

        private void close(Status status) {
            if (!isClosed) {
                release();
                call.close(status, new Metadata());
            }
        }

        private void release() {
            isClosed = true;
            watch.stop();
            model = Optional.empty();
        }

        @Override
        public void onMessage(DownloadRequest request) {
            turns.run(() -> begin(request));
        }

        private void begin(DownloadRequest request) {
            if (isClosed) {
                return;
            }
            Optional<EncodedModel> found = desk.model(peer.clientId(), request.getDigest());
            if (found.isEmpty()) {
                close(Status.NOT_FOUND.withDescription("no open task of this client names the model"));
            } else if (request.getOffset() < 0
                    || request.getOffset() > found.get().byteCount()) {
                close(Status.OUT_OF_RANGE.withDescription("the model has "
                        + found.get().byteCount() + " bytes, asked for was offset "
                        + Long.toUnsignedString(request.getOffset())));
            } else {
                model = found;
                offset = request.getOffset();
                call.sendHeaders(new Metadata());
                send();
            }
        }

        @Override
        public void onReady() {
            turns.run(this::send);
        }

        private void send() {
            while (model.isPresent() && call.isReady()) {
                EncodedModel values = model.get();
                if (offset == values.byteCount()) {
                    close(Status.OK);
                } else {
                    OutgoingChunk chunk = values.chunk(0, offset, settings.chunkBytes(), peer.compression());
                    call.sendMessage(chunk);
                    observer.sent(chunk.count(), chunk.dataCount());
                    offset += chunk.count();
                    watch.moved();
                }
            }
        }

        @Override
        public void onCancel() {
            turns.run(this::release);
        }

        @Override
        public void onComplete() {
            turns.run(this::release);
        }
    }

    private final class Upload extends ServerCall.Listener<TransferFrame> {
        private final ServerCall<TransferFrame, UploadReply> call;
        private final TransferPeer peer;
        private final InTurn turns = new InTurn(this::fail);
        private final IdleWatch watch;
        private Optional<AnswerReceiver> receiver = Optional.empty();
        private long claim;
        private boolean isClosed;

        Upload(ServerCall<TransferFrame, UploadReply> call, TransferPeer peer) {
            this.call = call;
            this.peer = peer;
            this.watch = IdleWatch.start(
                    timer,
                    settings.idleTimeout(),
                    () -> turns.run(() -> close(Status.UNAVAILABLE.withDescription("the upload stood still"))));
            call.request(1);
        }

        private void fail(Throwable failure) {
            LOG.log(System.Logger.Level.ERROR, "upload of client " + peer.clientId() + " has failed", failure);
            close(Status.INTERNAL.withDescription("the server has failed"));
        }

        private void close(Status status) {
            if (!isClosed) {
                release();
                call.close(status, new Metadata());
            }
        }

        private void close(AnswerReceipt receipt) {
            if (!isClosed) {
                observer.judged(receipt.getVerdict());
                call.sendMessage(UploadReply.newBuilder().setReceipt(receipt).build());
                close(Status.OK);
            }
        }

        private void release() {
            isClosed = true;
            watch.stop();
            receiver = Optional.empty();
        }

        @Override
        public void onMessage(TransferFrame message) {
            turns.run(() -> take(message));
        }

        private void take(TransferFrame message) {
            watch.moved();
            try {
                if (message instanceof IncomingChunk chunk) {
                    accept(chunk);
                } else if (message instanceof TransferFrame.Begin begin && receiver.isEmpty()) {
                    begin(begin.answer());
                } else if (message instanceof TransferFrame.Malformed malformed) {
                    close(Status.INVALID_ARGUMENT.withDescription(malformed.reason()));
                } else {
                    close(NO_UPLOAD);
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                close(Status.UNAVAILABLE.withDescription("the server is closing"));
            }
        }

        private void begin(TaskAnswer announced) throws InterruptedException {
            if (isClosed) {
                return;
            }
            call.sendHeaders(new Metadata());
            Admission admission = desk.admit(peer.clientId(), announced);
            if (admission instanceof Admission.Refused refused) {
                close(refused.receipt());
                return;
            }
            AnswerReceiver answer = ((Admission.Admitted) admission).receiver();
            claim = answer.claim();
            receiver = Optional.of(answer);
            call.sendMessage(UploadReply.newBuilder()
                    .setResume(UploadResume.newBuilder().setOffset(answer.offset()))
                    .build());
            deliverIfComplete(answer);
            call.request(1);
        }

        private void accept(IncomingChunk incoming) throws InterruptedException {
            AnswerReceiver answer;
            try (incoming) {
                if (isClosed) {
                    return;
                }
                if (receiver.isEmpty()) {
                    close(NO_UPLOAD);
                    return;
                }
                answer = receiver.get();
                ReceivedChunk chunk =
                        incoming.values(settings.chunkBytes(), peer.compression() == Compression.COMPRESSION_ZSTD);
                int count = chunk.count();
                answer.accept(claim, chunk);
                observer.received(count, incoming.dataCount());
            } catch (ChunkException e) {
                refuse(e);
                return;
            }
            // After the transport has its memory back: this may take a while.
            deliverIfComplete(answer);
            call.request(1);
        }

        private void refuse(ChunkException e) {
            AnswerReceiver answer = receiver.orElseThrow();
            switch (e.kind()) {
                case CORRUPT ->
                    close(AnswerReceipt.newBuilder()
                            .setTaskId(answer.taskId())
                            .setVerdict(Verdict.VERDICT_CORRUPT)
                            .setReason(e.getMessage())
                            .build());
                case MALFORMED -> {
                    answer.discard();
                    close(desk.reject(peer.clientId(), answer, Verdict.VERDICT_MALFORMED, e.getMessage()));
                }
                case SUPERSEDED -> close(Status.ABORTED.withDescription(e.getMessage()));
            }
        }

        private void deliverIfComplete(AnswerReceiver answer) {
            if (!answer.isComplete()) {
                return;
            }
            // From here on it is the server that takes its time.
            watch.stop();
            CompletableFuture<AnswerReceipt> outcome = answer.receipt();
            if (answer.takeForDelivery()) {
                try {
                    answer.delivered(desk.deliver(peer.clientId(), answer));
                } catch (RuntimeException e) {
                    LOG.log(System.Logger.Level.ERROR, "answer to " + answer.taskId() + " could not be taken", e);
                    answer.notDelivered(e);
                }
            }
            outcome.whenComplete((receipt, failure) -> turns.run(() -> {
                if (failure != null) {
                    close(Status.INTERNAL.withDescription("the answer could not be taken"));
                } else {
                    close(receipt);
                }
            }));
        }

        @Override
        public void onHalfClose() {
            turns.run(() -> {
                if (!isClosed && receiver.isEmpty()) {
                    close(NO_UPLOAD);
                } else if (!isClosed && !receiver.get().isComplete()) {
                    close(Status.ABORTED.withDescription("the upload ends early"));
                }
            });
        }

        @Override
        public void onCancel() {
            turns.run(this::release);
        }

        @Override
        public void onComplete() {
            turns.run(this::release);
        }
    }
}
