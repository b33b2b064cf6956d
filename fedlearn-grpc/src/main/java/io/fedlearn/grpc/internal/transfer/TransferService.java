package io.fedlearn.grpc.internal.transfer;

import com.google.protobuf.ByteString;
import io.fedlearn.grpc.proto.v1.AnswerReceipt;
import io.fedlearn.grpc.proto.v1.Compression;
import io.fedlearn.grpc.proto.v1.DownloadRequest;
import io.fedlearn.grpc.proto.v1.TaskAnswer;
import io.fedlearn.grpc.proto.v1.UploadReply;
import io.fedlearn.grpc.proto.v1.UploadResume;
import io.fedlearn.grpc.proto.v1.Verdict;
import io.grpc.Context;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerServiceDefinition;
import io.grpc.Status;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * The server's side of Download and Upload. Blocks the threads of the calls for moments: while an answer waits for room, and while
 * the desk takes one. Thread-safe.
 */
public final class TransferService {
    private static final System.Logger LOG = System.getLogger(TransferService.class.getName());

    /** How often a call is asked whose it is, whether or not anything moves. */
    private static final Duration CHECK_INTERVAL = Duration.ofMillis(500);

    private static final Status NO_SESSION = Status.UNAUTHENTICATED.withDescription("no live session of this client");
    private static final Status NO_TASK =
            Status.NOT_FOUND.withDescription("no open task of this client names the model");
    private static final Status NO_UPLOAD =
            Status.INVALID_ARGUMENT.withDescription("an upload is one begin, then chunks");

    private final TransferDesk desk;
    private final TransferSettings settings;
    private final ScheduledExecutorService timer;
    private final TransferObserver observer;
    private final OpenCalls open = new OpenCalls();
    private final IdleAnswers idleAnswers;

    private TransferService(
            TransferDesk desk, TransferSettings settings, ScheduledExecutorService timer, TransferObserver observer) {
        this.desk = desk;
        this.settings = settings;
        this.timer = timer;
        this.observer = observer;
        this.idleAnswers = new IdleAnswers(settings.idleTimeout());
    }

    /**
     * A service for this desk.
     *
     * @param timer notices calls that stand still, and those whose session or task has ended; nothing blocks in it
     */
    public static TransferService of(
            TransferDesk desk, TransferSettings settings, ScheduledExecutorService timer, TransferObserver observer) {
        TransferService service = new TransferService(desk, settings, timer, observer);
        timer.scheduleWithFixedDelay(
                service::check, CHECK_INTERVAL.toMillis(), CHECK_INTERVAL.toMillis(), TimeUnit.MILLISECONDS);
        return service;
    }

    private void check() {
        open.check();
        idleAnswers.check();
    }

    /** Adds Download and Upload to a definition of service {@value TransferMethods#SERVICE}. */
    public void addMethods(ServerServiceDefinition.Builder service) {
        service.addMethod(TransferMethods.DOWNLOAD, this::download);
        service.addMethod(TransferMethods.UPLOAD, this::upload);
    }

    /** Asks whose a call is, at its begin and time and again: what it was may have ended. */
    private final class Claim {
        private final ServerCall<?, ?> call;
        private final Metadata headers;
        private final ByteString session;
        // Who makes the call is known in the call's context only, and asked on other threads too.
        private final Context context = Context.current();

        Claim(ServerCall<?, ?> call, Metadata headers) {
            byte[] token = headers.get(TransferMethods.SESSION);
            this.call = call;
            this.headers = headers;
            this.session = token == null ? ByteString.EMPTY : ByteString.copyFrom(token);
        }

        Optional<TransferPeer> peer() {
            if (session.isEmpty()) {
                return Optional.empty();
            }
            Context previous = context.attach();
            try {
                return desk.peer(session, call, headers);
            } finally {
                context.detach(previous);
            }
        }
    }

    private static <Q, R> ServerCall.Listener<Q> refuse(ServerCall<Q, R> call, Status status) {
        call.close(status, new Metadata());
        return new ServerCall.Listener<>() {};
    }

    private static Status tooMany() {
        return Status.RESOURCE_EXHAUSTED.withDescription(
                "a session has at most " + OpenCalls.MAX_PER_SESSION + " downloads and uploads at a time");
    }

    private ServerCall.Listener<DownloadRequest> download(
            ServerCall<DownloadRequest, TransferFrame> call, Metadata headers) {
        Claim claim = new Claim(call, headers);
        Optional<TransferPeer> peer = claim.peer();
        if (peer.isEmpty()) {
            return refuse(call, NO_SESSION);
        }
        Download download = new Download(call, claim, peer.get());
        return open.add(download) ? download.start() : refuse(call, tooMany());
    }

    private ServerCall.Listener<TransferFrame> upload(ServerCall<TransferFrame, UploadReply> call, Metadata headers) {
        Claim claim = new Claim(call, headers);
        Optional<TransferPeer> peer = claim.peer();
        if (peer.isEmpty()) {
            return refuse(call, NO_SESSION);
        }
        Upload upload = new Upload(call, claim, peer.get());
        return open.add(upload) ? upload.start() : refuse(call, tooMany());
    }

    /** Tells whose it was, and the failure with its message, only where who was asked in a private run may be told. */
    private static void logFailure(String what, String whose, Throwable failure) {
        LOG.log(
                System.Logger.Level.ERROR,
                "a " + what + " has failed (" + failure.getClass().getName() + "); the level DEBUG tells more");
        LOG.log(System.Logger.Level.DEBUG, "the " + what + " " + whose + " has failed", failure);
    }

    /** What Download and Upload have in common: they end, in turn, when they stand still or have become nobody's. */
    private abstract class Transfer<Q, R> extends ServerCall.Listener<Q> implements OpenCalls.OpenCall {
        final ServerCall<Q, R> call;
        final TransferPeer peer;
        final InTurn turns = new InTurn(this::fail);
        private final String what;
        private final Claim claim;
        private final AtomicBoolean isCheckWaiting = new AtomicBoolean();
        private Optional<IdleWatch> watch = Optional.empty();
        private boolean isClosed;

        Transfer(String what, ServerCall<Q, R> call, Claim claim, TransferPeer peer) {
            this.what = what;
            this.call = call;
            this.claim = claim;
            this.peer = peer;
        }

        final ServerCall.Listener<Q> start() {
            turns.run(() -> {
                if (isClosed) {
                    return;
                }
                watch = Optional.of(IdleWatch.start(
                        timer,
                        settings.idleTimeout(),
                        () -> turns.run(
                                () -> close(Status.UNAVAILABLE.withDescription("the " + what + " stood still")))));
                call.request(1);
            });
            return this;
        }

        private void fail(Throwable failure) {
            logFailure(what, "of client " + peer.clientId(), failure);
            close(Status.INTERNAL.withDescription("the server has failed"));
        }

        @Override
        public final ByteString session() {
            return claim.session;
        }

        @Override
        public final void check() {
            // One at a time: a turn may take long, and checks come on and on.
            if (isCheckWaiting.compareAndSet(false, true)) {
                turns.run(() -> {
                    isCheckWaiting.set(false);
                    endIfUnwanted();
                });
            }
        }

        /** Ends the call if its session or its task is gone. */
        abstract void endIfUnwanted();

        /** Whether the call is open and still of a live session; if it is of none, it ends. */
        final boolean isWanted() {
            if (!isClosed && claim.peer().isEmpty()) {
                close(NO_SESSION);
            }
            return !isClosed;
        }

        final boolean isClosed() {
            return isClosed;
        }

        final void moved() {
            watch.ifPresent(IdleWatch::moved);
        }

        final void stopWatch() {
            watch.ifPresent(IdleWatch::stop);
        }

        final void close(Status status) {
            if (!isClosed) {
                release();
                call.close(status, new Metadata());
            }
        }

        private void release() {
            if (!isClosed) {
                isClosed = true;
                stopWatch();
                open.remove(this);
                drop();
            }
        }

        /** Lets go of what the call holds. */
        abstract void drop();

        @Override
        public final void onCancel() {
            turns.run(this::release);
        }

        @Override
        public final void onComplete() {
            turns.run(this::release);
        }
    }

    /** Holds no model, only its name: a peer that reads slowly must not keep one alive whose task is over. */
    private final class Download extends Transfer<DownloadRequest, TransferFrame> {
        private Optional<ByteString> digest = Optional.empty();
        private long offset;

        Download(ServerCall<DownloadRequest, TransferFrame> call, Claim claim, TransferPeer peer) {
            super("download", call, claim, peer);
        }

        @Override
        public void onMessage(DownloadRequest request) {
            turns.run(() -> begin(request));
        }

        private void begin(DownloadRequest request) {
            if (!isWanted()) {
                return;
            }
            Optional<EncodedModel> found = desk.model(peer.clientId(), request.getDigest());
            if (found.isEmpty()) {
                close(NO_TASK);
            } else if (request.getOffset() < 0
                    || request.getOffset() > found.get().byteCount()) {
                close(Status.OUT_OF_RANGE.withDescription("the model has "
                        + found.get().byteCount() + " bytes, asked for was offset "
                        + Long.toUnsignedString(request.getOffset())));
            } else {
                digest = Optional.of(request.getDigest());
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
            if (digest.isEmpty() || !isWanted()) {
                return;
            }
            Optional<EncodedModel> model = model();
            while (model.isPresent() && !isClosed() && call.isReady()) {
                EncodedModel values = model.get();
                if (offset == values.byteCount()) {
                    close(Status.OK);
                } else {
                    OutgoingChunk chunk = values.chunk(0, offset, settings.chunkBytes(), peer.compression());
                    call.sendMessage(chunk);
                    observer.sent(chunk.count(), chunk.dataCount());
                    offset += chunk.count();
                    moved();
                }
            }
        }

        /** The model, as long as a task names it; once none does, the call ends. */
        private Optional<EncodedModel> model() {
            Optional<EncodedModel> model = digest.flatMap(name -> desk.model(peer.clientId(), name));
            if (model.isEmpty() && digest.isPresent()) {
                close(NO_TASK);
            }
            return model;
        }

        @Override
        void endIfUnwanted() {
            if (isWanted()) {
                model();
            }
        }

        @Override
        void drop() {
            digest = Optional.empty();
        }
    }

    private final class Upload extends Transfer<TransferFrame, UploadReply> {
        private Optional<AnswerReceiver> receiver = Optional.empty();
        private long claim;
        private boolean isDelivering;

        Upload(ServerCall<TransferFrame, UploadReply> call, Claim claim, TransferPeer peer) {
            super("upload", call, claim, peer);
        }

        private void close(AnswerReceipt receipt) {
            if (!isClosed()) {
                observer.judged(receipt.getVerdict());
                call.sendMessage(UploadReply.newBuilder().setReceipt(receipt).build());
                close(Status.OK);
            }
        }

        @Override
        void endIfUnwanted() {
            // An answer that is complete gets its receipt, whatever has become of its session by then.
            if (!isDelivering
                    && isWanted()
                    && receiver.isPresent()
                    && !receiver.get().isHeldBy(claim)) {
                close(Status.ABORTED.withDescription("the answer is not wanted any more, or another call brings it"));
            }
        }

        @Override
        void drop() {
            if (!isDelivering) {
                receiver.ifPresent(answer -> idleAnswers.add(answer, claim));
            }
            receiver = Optional.empty();
        }

        @Override
        public void onMessage(TransferFrame message) {
            turns.run(() -> take(message));
        }

        private void take(TransferFrame message) {
            moved();
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
            if (!isWanted()) {
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
                if (!isWanted()) {
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
                // Says nothing against the answer: a call that the network repeats does not know what others brought.
                // What is here stays for the call that asks where to go on.
                case OUT_OF_PLACE -> close(Status.OUT_OF_RANGE.withDescription(e.getMessage()));
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
            stopWatch();
            isDelivering = true;
            CompletableFuture<AnswerReceipt> outcome = answer.receipt();
            if (answer.takeForDelivery()) {
                try {
                    answer.delivered(desk.deliver(peer.clientId(), answer));
                } catch (RuntimeException e) {
                    logFailure("delivery", "of the answer to " + answer.taskId(), e);
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
                if (!isClosed() && receiver.isEmpty()) {
                    close(NO_UPLOAD);
                } else if (!isClosed() && !receiver.get().isComplete()) {
                    close(Status.ABORTED.withDescription("the upload ends early"));
                }
            });
        }
    }
}
