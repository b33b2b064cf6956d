package io.fedlearn.grpc.internal.netty;

import io.fedlearn.grpc.security.ServerSecurity;
import io.grpc.netty.shaded.io.netty.channel.Channel;
import io.grpc.netty.shaded.io.netty.channel.ChannelHandlerContext;
import io.grpc.netty.shaded.io.netty.channel.ChannelInboundHandlerAdapter;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/** Closes connections beyond the limits as they are accepted, before TLS costs anything. One for each listening channel. */
final class ConnectionGate extends ChannelInboundHandlerAdapter {
    private static final Logger LOG = System.getLogger(ConnectionGate.class.getName());

    private final ConnectionLimits limits;
    private final ServerSecurity security;
    private final AtomicInteger all = new AtomicInteger();
    private final Map<InetAddress, Integer> perAddress = new ConcurrentHashMap<>();

    ConnectionGate(ConnectionLimits limits, ServerSecurity security) {
        this.limits = limits;
        this.security = security;
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
        if (!(message instanceof Channel connection)) {
            context.fireChannelRead(message);
            return;
        }
        SocketAddress remote = connection.remoteAddress();
        InetAddress address = remote instanceof InetSocketAddress internet ? internet.getAddress() : null;
        int open = all.incrementAndGet();
        int ofAddress = address == null ? 1 : perAddress.merge(address, 1, Integer::sum);
        if (open > limits.maxConnections() || ofAddress > limits.maxConnectionsPerAddress()) {
            LOG.log(
                    Level.DEBUG,
                    () -> "closed a connection of " + remote + ": " + ofAddress + " of its address, " + open
                            + " in all");
            // That completes no close future, since the connection is not registered anywhere yet.
            connection.unsafe().closeForcibly();
            leave(address);
            return;
        }
        connection.closeFuture().addListener(closed -> leave(address));
        connection.pipeline().addLast(new FirstBytes(limits.handshakeTimeout(), security));
        context.fireChannelRead(message);
    }

    private void leave(@Nullable InetAddress address) {
        all.decrementAndGet();
        if (address != null) {
            perAddress.computeIfPresent(address, (key, count) -> count == 1 ? null : count - 1);
        }
    }
}
