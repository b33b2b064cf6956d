package io.fedlearn.grpc.internal.netty;

import io.fedlearn.grpc.TransportException;
import io.fedlearn.grpc.metrics.TransportMetrics;
import io.fedlearn.grpc.security.ServerSecurity;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Server;
import io.grpc.ServerCall;
import io.grpc.ServerCallExecutorSupplier;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptors;
import io.grpc.ServerServiceDefinition;
import io.grpc.Status;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.grpc.protobuf.services.HealthStatusManager;
import io.grpc.protobuf.services.ProtoReflectionServiceV1;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * A listening server: services behind {@link Peer} checks, the health service beside them. Its network threads are daemons and end
 * with {@link #close()}. Thread-safe.
 */
public final class GrpcServer implements AutoCloseable {
    private static final Logger LOG = System.getLogger(GrpcServer.class.getName());

    private final Server server;
    private final InetSocketAddress address;
    private final HealthStatusManager health;
    private final EventLoops loops;
    private final AtomicBoolean hasEnded = new AtomicBoolean();

    private GrpcServer(Server server, HealthStatusManager health, EventLoops loops) {
        this.server = server;
        // A server that has ended no longer knows.
        this.address = (InetSocketAddress) server.getListenSockets().get(0);
        this.health = health;
        this.loops = loops;
    }

    /** Begins a server with this security. */
    public static Builder builder(ServerSecurity security) {
        return new Builder(security);
    }

    /** The address that it listens at. */
    public InetSocketAddress address() {
        return address;
    }

    /** Says on the health service whether clients are served now; they are from the start. */
    public void serving(boolean isServing) {
        health.setStatus(
                HealthStatusManager.SERVICE_NAME_ALL_SERVICES,
                isServing ? ServingStatus.SERVING : ServingStatus.NOT_SERVING);
    }

    /** Takes no further calls; those under way go on. */
    public void shutdown() {
        endHealth();
        server.shutdown();
    }

    /**
     * Waits until the calls under way are done, after {@link #shutdown()}.
     *
     * @return whether they are
     * @throws InterruptedException if this thread is interrupted
     */
    public boolean awaitTermination(Duration timeout) throws InterruptedException {
        return server.awaitTermination(timeout.toMillis(), TimeUnit.MILLISECONDS);
    }

    /** Cuts all connections and ends the threads. Closing again does nothing. */
    @Override
    public void close() {
        endHealth();
        server.shutdownNow();
        boolean isInterrupted = false;
        try {
            server.awaitTermination(5, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            isInterrupted = true;
        }
        loops.close();
        if (isInterrupted) {
            Thread.currentThread().interrupt();
        }
    }

    /** A watch lasts as long as its peer likes, and holds a connection that no other limit would end. */
    private static <Q, A> ServerCall.Listener<Q> refuseWatch(
            ServerCall<Q, A> call, Metadata headers, ServerCallHandler<Q, A> next) {
        if (call.getMethodDescriptor().getType() == MethodDescriptor.MethodType.UNARY) {
            return next.startCall(call, headers);
        }
        call.close(Status.UNIMPLEMENTED.withDescription("ask again instead: Check"), new Metadata());
        return new ServerCall.Listener<>() {};
    }

    private void endHealth() {
        if (hasEnded.compareAndSet(false, true)) {
            health.enterTerminalState();
        }
    }

    /** Settings of a {@link GrpcServer}. Confined to one thread. */
    public static final class Builder {
        private final ServerSecurity security;
        private final List<ServerServiceDefinition> services = new ArrayList<>();
        private ConnectionLimits limits = ConnectionLimits.DEFAULTS;
        private TransportMetrics metrics = TransportMetrics.none();
        private RefusedClients refused = new RefusedClients();
        private @Nullable String host;
        private int port;
        private @Nullable Executor executor;
        private @Nullable Function<String, Executor> executorOfCalls;
        private boolean reflection;

        private Builder(ServerSecurity security) {
            this.security = security;
        }

        /** The address to listen at; loopback by default, where port 0 is any that is free. */
        public Builder listen(String listenHost, int listenPort) {
            this.host = listenHost;
            this.port = listenPort;
            return this;
        }

        /** A port of loopback to listen at; 0, the default, is any that is free. */
        public Builder port(int listenPort) {
            this.port = listenPort;
            return this;
        }

        /** What peers may ask for; {@link ConnectionLimits#DEFAULTS} by default. */
        public Builder limits(ConnectionLimits connectionLimits) {
            this.limits = connectionLimits;
            return this;
        }

        /** Hears of refusals. */
        public Builder metrics(TransportMetrics transportMetrics) {
            this.metrics = transportMetrics;
            return this;
        }

        /** Takes note of who is not let in. */
        public Builder refused(RefusedClients refusedClients) {
            this.refused = refusedClients;
            return this;
        }

        /** A service for peers that security lets in. */
        public Builder service(ServerServiceDefinition service) {
            services.add(service);
            return this;
        }

        /** Where calls are served; threads of gRPC by default. */
        public Builder executor(Executor callExecutor) {
            this.executor = callExecutor;
            return this;
        }

        /** Where the calls of each method are served, by its full name; on the {@link #executor} by default. */
        public Builder executorOfCalls(Function<String, Executor> executors) {
            this.executorOfCalls = executors;
            return this;
        }

        /** Whether the services describe themselves to whoever asks; not by default. */
        public Builder reflection(boolean isOn) {
            this.reflection = isOn;
            return this;
        }

        /**
         * Listens.
         *
         * @throws TransportException if the address cannot be bound
         */
        public GrpcServer start() {
            InetSocketAddress address = address();
            HealthStatusManager health = new HealthStatusManager();
            EventLoops loops = EventLoops.start();
            boolean isStarted = false;
            try {
                NettyServerBuilder builder = NettyServerBuilder.forAddress(address)
                        .bossEventLoopGroup(loops.accepting())
                        .workerEventLoopGroup(loops.serving())
                        .channelFactory(() -> loops.serverChannel(new ConnectionGate(limits, security)))
                        .maxInboundMessageSize(limits.maxMessageBytes())
                        .maxInboundMetadataSize(limits.maxMetadataBytes())
                        .maxConcurrentCallsPerConnection(limits.maxCallsPerConnection())
                        .handshakeTimeout(limits.handshakeTimeout().toMillis(), TimeUnit.MILLISECONDS)
                        .maxConnectionIdle(limits.idleTimeout().toMillis(), TimeUnit.MILLISECONDS)
                        .permitKeepAliveTime(limits.minPingInterval().toMillis(), TimeUnit.MILLISECONDS)
                        .permitKeepAliveWithoutCalls(true)
                        .keepAliveTime(limits.pingInterval().toMillis(), TimeUnit.MILLISECONDS)
                        .keepAliveTimeout(limits.pingTimeout().toMillis(), TimeUnit.MILLISECONDS);
                if (limits.flowControlWindow() > 0) {
                    builder.flowControlWindow(limits.flowControlWindow());
                }
                SslContexts.of(security, refused).ifPresent(builder::sslContext);
                PeerInterceptor peers = new PeerInterceptor(security, metrics, refused);
                services.forEach(service -> builder.addService(ServerInterceptors.intercept(service, peers)));
                // Open to load balancers, which have no identity; so nothing there may last.
                builder.addService(ServerInterceptors.intercept(health.getHealthService(), GrpcServer::refuseWatch));
                if (reflection) {
                    builder.addService(ServerInterceptors.intercept(ProtoReflectionServiceV1.newInstance(), peers));
                }
                if (executor != null) {
                    builder.executor(executor);
                }
                if (executorOfCalls != null) {
                    Function<String, Executor> executors = executorOfCalls;
                    builder.callExecutor(new ServerCallExecutorSupplier() {
                        @Override
                        public <Q, A> Executor getExecutor(ServerCall<Q, A> call, Metadata headers) {
                            return executors.apply(call.getMethodDescriptor().getFullMethodName());
                        }
                    });
                }
                GrpcServer server = new GrpcServer(builder.build().start(), health, loops);
                isStarted = true;
                if (security.mode() == ServerSecurity.Mode.INSECURE) {
                    LOG.log(
                            Level.WARNING,
                            () -> "insecure server at "
                                    + server.address().getAddress().getHostAddress() + ":"
                                    + server.address().getPort()
                                    + ": nothing is encrypted, and clients are whoever they say they are");
                }
                return server;
            } catch (IOException e) {
                throw new TransportException(
                        TransportException.Reason.ADDRESS, "cannot listen at " + plain(address) + ": " + why(e), e);
            } finally {
                if (!isStarted) {
                    loops.close();
                }
            }
        }

        private InetSocketAddress address() {
            if (port < 0 || port > 65_535) {
                throw new IllegalArgumentException("port must be 0 to 65535, was " + port);
            }
            if (host == null) {
                return new InetSocketAddress(InetAddress.getLoopbackAddress(), port);
            }
            try {
                return new InetSocketAddress(InetAddress.getByName(host), port);
            } catch (UnknownHostException e) {
                throw new TransportException(
                        TransportException.Reason.ADDRESS, "cannot listen at " + host + ": no such host", e);
            }
        }

        private static String why(IOException problem) {
            Throwable cause = problem.getCause() == null ? problem : problem.getCause();
            // Native transports put the call and its number before the words.
            return String.valueOf(cause.getMessage())
                    .replaceFirst("^\\w+\\(\\.\\.\\) failed with error\\(-?\\d+\\): ", "");
        }

        private static String plain(InetSocketAddress address) {
            String name = address.getHostString();
            return (name.indexOf(':') < 0 ? name : "[" + name + "]") + ":" + address.getPort();
        }
    }
}
