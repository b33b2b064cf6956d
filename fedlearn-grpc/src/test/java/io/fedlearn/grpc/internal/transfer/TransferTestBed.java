package io.fedlearn.grpc.internal.transfer;

import com.google.protobuf.ByteString;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.grpc.internal.wire.WireException;
import io.fedlearn.grpc.proto.v1.AnswerReceipt;
import io.fedlearn.grpc.proto.v1.Compression;
import io.fedlearn.grpc.proto.v1.DownloadRequest;
import io.fedlearn.grpc.proto.v1.TaskAnswer;
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
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Timeout;

/** What tests of transfers share: both sides over a real connection, with faults between them. */
@Timeout(120)
abstract class TransferTestBed {
    static final ByteString SESSION = ByteString.copyFromUtf8("a session of thirty-two bytes...");
    static final Context.Key<String> CALLER = Context.key("caller");
    static final Duration PATIENT = Duration.ofMinutes(1);
    static final int CHUNK = 4096;

    final ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor();
    final Desk desk = new Desk();
    final Counts server = new Counts();
    final Counts client = new Counts();
    /** What becomes of the calls to come, one each; after them all are well. */
    final Queue<Fault> faults = new ConcurrentLinkedQueue<>();

    final BlockingQueue<Status.Code> ends = new LinkedBlockingQueue<>();
    final List<Long> offsetsAskedFor = new CopyOnWriteArrayList<>();
    private Optional<Server> listening = Optional.empty();
    Optional<ManagedChannel> connected = Optional.empty();
    Compression compression = Compression.COMPRESSION_NONE;

    /** After so many messages a call is cut, or the next chunk's checksum is damaged, or nothing comes. */
    record Fault(int messages, Kind kind) {
        enum Kind {
            CUT,
            DAMAGE,
            SILENCE
        }
    }

    static final class Counts implements TransferObserver {
        final AtomicLong sent = new AtomicLong();
        final AtomicLong sentData = new AtomicLong();
        final AtomicLong received = new AtomicLong();
        final List<Verdict> verdicts = new CopyOnWriteArrayList<>();

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

    final class Desk implements TransferDesk {
        final List<EncodedModel> models = new CopyOnWriteArrayList<>();
        final Map<String, AnswerReceiver> receivers = new ConcurrentHashMap<>();
        final List<ClientUpdate> delivered = new CopyOnWriteArrayList<>();
        final CountDownLatch delivering = new CountDownLatch(1);
        volatile CountDownLatch mayDeliver = new CountDownLatch(0);
        final HeapBudget budget = HeapBudget.of(1 << 24);
        volatile boolean isSessionLive = true;

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
    final class NotedCall<Q, R> extends ForwardingServerCall.SimpleForwardingServerCall<Q, R> {
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
    final class FaultyCall<Q, R> extends ForwardingServerCall.SimpleForwardingServerCall<Q, R> {
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

    static Object damaged(Object message) {
        OutgoingChunk chunk = (OutgoingChunk) message;
        return new OutgoingChunk(
                chunk.offset(), chunk.crc32c() ^ 1, chunk.model(), chunk.from(), chunk.count(), chunk.compressed());
    }

    /** Damages the chunks that the client sends. */
    final class FaultyChannel implements ClientInterceptor {
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

    Channel start(Duration idleTimeout, boolean serverIsFaulty) {
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

    TransferConnection.Source connections(Channel channel) {
        TransferConnection connection = new TransferConnection(channel, SESSION, CHUNK, compression);
        return () -> connection;
    }

    Downloader downloader(Channel channel) {
        return Downloader.of(connections(channel), PATIENT, client);
    }

    Uploader uploader(Channel channel) {
        return Uploader.of(connections(channel), PATIENT, client);
    }

    EncodedModel serve(Model model) {
        EncodedModel encoded = EncodedModel.of(model);
        desk.models.add(encoded);
        return encoded;
    }
}
