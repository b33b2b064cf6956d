package io.fedlearn.grpc.internal.transfer;

import io.fedlearn.grpc.proto.v1.AnswerReceipt;
import io.fedlearn.grpc.proto.v1.TaskAnswer;
import io.fedlearn.grpc.proto.v1.UploadReply;
import io.fedlearn.grpc.proto.v1.Verdict;
import io.grpc.CallOptions;
import io.grpc.ClientCall;
import io.grpc.Status;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/** Brings answers to the server, through broken connections. Thread-safe. */
public final class Uploader {
    /** How often an answer may be damaged without a byte of progress between. */
    private static final int MAX_DAMAGES = 4;

    private final TransferConnection.Source connections;
    private final Duration idleTimeout;
    private final TransferObserver observer;

    private Uploader(TransferConnection.Source connections, Duration idleTimeout, TransferObserver observer) {
        this.connections = connections;
        this.idleTimeout = idleTimeout;
        this.observer = observer;
    }

    /**
     * Brings answers over these connections.
     *
     * @param idleTimeout how long a call may stand still before another is begun, also while the server takes the answer
     */
    public static Uploader of(TransferConnection.Source connections, Duration idleTimeout, TransferObserver observer) {
        return new Uploader(connections, idleTimeout, observer);
    }

    /**
     * Sends an answer. Blocks until the server tells what became of it, however often the connection breaks; a caller who does not
     * want to send it any more interrupts the thread.
     *
     * @param answer the answer, whose payloads are {@linkplain EncodedModel#description() without values}
     * @param models those of its payloads in their order
     * @return never {@link Verdict#VERDICT_CORRUPT}
     * @throws TransferException if the answer was damaged time and again, or the server does not do what the contract says
     * @throws InterruptedException if the thread is interrupted
     */
    public AnswerReceipt send(TaskAnswer answer, List<EncodedModel> models) throws InterruptedException {
        Retries retries = new Retries();
        int damages = 0;
        long furthest = 0;
        while (true) {
            TransferConnection connection = connections.await();
            CallerThread thread = new CallerThread();
            ClientCall<TransferFrame, UploadReply> call =
                    connection.call(TransferMethods.UPLOAD, CallOptions.DEFAULT.withExecutor(thread));
            Upload upload = new Upload(call, thread, answer, models, connection);
            Status status = upload.run(idleTimeout);
            if (upload.resumed > furthest) {
                furthest = upload.resumed;
                damages = 0;
                retries.reset();
            }
            if (upload.receipt.isPresent()) {
                AnswerReceipt receipt = upload.receipt.get();
                if (receipt.getVerdict() != Verdict.VERDICT_CORRUPT) {
                    return receipt;
                }
                if (++damages > MAX_DAMAGES) {
                    throw new TransferException(
                            TransferException.Reason.CORRUPT,
                            "answer to " + answer.getTaskId() + ": the server says " + receipt.getReason());
                }
            } else if (status.isOk() || !retries.mayGoBetter(status)) {
                throw new TransferException(
                        TransferException.Reason.PROTOCOL,
                        "answer to " + answer.getTaskId() + ": the server says " + status);
            }
            retries.pause();
        }
    }

    private final class Upload extends ClientTransfer<TransferFrame, UploadReply> {
        private final TaskAnswer answer;
        private final List<EncodedModel> models;
        private final TransferConnection connection;
        private Optional<AnswerReceipt> receipt = Optional.empty();
        private boolean isResumed;
        private long resumed;
        private long offset;
        private int model;
        private long modelStart;

        Upload(
                ClientCall<TransferFrame, UploadReply> call,
                CallerThread thread,
                TaskAnswer answer,
                List<EncodedModel> models,
                TransferConnection connection) {
            super(call, thread);
            this.answer = answer;
            this.models = models;
            this.connection = connection;
        }

        @Override
        void begin() {
            call().sendMessage(new TransferFrame.Begin(answer));
            call().request(2);
        }

        @Override
        void take(UploadReply reply) {
            moved();
            if (reply.hasReceipt()) {
                receipt = Optional.of(reply.getReceipt());
                call().halfClose();
            } else if (reply.hasResume() && !isResumed) {
                isResumed = true;
                resumed = reply.getResume().getOffset();
                offset = resumed;
                proceed();
            }
        }

        @Override
        void proceed() {
            if (!isResumed || receipt.isPresent() || hasFailed()) {
                return;
            }
            while (call().isReady() && model < models.size()) {
                EncodedModel next = models.get(model);
                long end = modelStart + next.byteCount();
                if (offset < end) {
                    OutgoingChunk chunk = next.chunk(
                            modelStart, offset - modelStart, connection.chunkBytes(), connection.compression());
                    call().sendMessage(chunk);
                    observer.sent(chunk.count(), chunk.dataCount());
                    offset += chunk.count();
                    moved();
                } else {
                    modelStart = end;
                    model++;
                }
            }
        }
    }
}
