package io.fedlearn.grpc.internal.netty;

import io.fedlearn.grpc.metrics.TransportMetrics;
import io.fedlearn.grpc.security.ServerSecurity;
import io.grpc.Context;
import io.grpc.Contexts;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.Status;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.Optional;

/** Lets calls in whose makers are known where they must be, and tells the services who they are. */
final class PeerInterceptor implements ServerInterceptor {
    private static final Logger LOG = System.getLogger(PeerInterceptor.class.getName());

    private final ServerSecurity security;
    private final TransportMetrics metrics;
    private final RefusedClients refused;

    PeerInterceptor(ServerSecurity security, TransportMetrics metrics, RefusedClients refused) {
        this.security = security;
        this.metrics = metrics;
        this.refused = refused;
    }

    @Override
    public <Q, A> ServerCall.Listener<Q> interceptCall(
            ServerCall<Q, A> call, Metadata headers, ServerCallHandler<Q, A> next) {
        Peer peer = Peer.of(security, call.getAttributes(), headers);
        Optional<String> refusal = peer.refusal();
        if (refusal.isPresent()) {
            LOG.log(Level.INFO, () -> "refused " + peer + ": " + refusal.get());
            metrics.sessionRefused("identity");
            refused.add(peer.clientId(), true, "identity", refusal.get());
            call.close(Status.UNAUTHENTICATED.withDescription(refusal.get()), new Metadata());
            return new ServerCall.Listener<>() {};
        }
        return Contexts.interceptCall(Context.current().withValue(Peer.KEY, peer), call, headers, next);
    }
}
