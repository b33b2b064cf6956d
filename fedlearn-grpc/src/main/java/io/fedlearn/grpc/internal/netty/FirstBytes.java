package io.fedlearn.grpc.internal.netty;

import io.fedlearn.grpc.security.ServerSecurity;
import io.grpc.netty.shaded.io.netty.buffer.ByteBuf;
import io.grpc.netty.shaded.io.netty.channel.ChannelHandlerContext;
import io.grpc.netty.shaded.io.netty.channel.ChannelInboundHandlerAdapter;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Looks at the first bytes of a connection: closes it if none come, and says in the log which side lacks TLS where a peer speaks
 * the other way. Confined to the connection's thread; removes itself.
 */
final class FirstBytes extends ChannelInboundHandlerAdapter {
    private static final Logger LOG = System.getLogger(FirstBytes.class.getName());
    private static final int TLS_HANDSHAKE = 0x16;

    private final Duration timeout;
    private final ServerSecurity security;
    private @Nullable Future<?> silence;

    FirstBytes(Duration timeout, ServerSecurity security) {
        this.timeout = timeout;
        this.security = security;
    }

    @Override
    public void channelActive(ChannelHandlerContext context) {
        silence = context.executor()
                .schedule(
                        () -> {
                            LOG.log(
                                    Level.DEBUG,
                                    () -> "closed a connection of "
                                            + context.channel().remoteAddress() + ": it sent nothing for " + timeout);
                            context.close();
                        },
                        timeout.toMillis(),
                        TimeUnit.MILLISECONDS);
        context.fireChannelActive();
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
        stopWaiting();
        if (message instanceof ByteBuf bytes && bytes.isReadable()) {
            boolean isTls = bytes.getByte(bytes.readerIndex()) == TLS_HANDSHAKE;
            boolean wantsTls = security.mode() != ServerSecurity.Mode.INSECURE;
            if (isTls && !wantsTls) {
                LOG.log(
                        Level.WARNING,
                        () -> context.channel().remoteAddress()
                                + " speaks TLS, but this server is insecure: give the server a certificate, or make the"
                                + " client insecure");
            } else if (!isTls && wantsTls) {
                LOG.log(
                        Level.WARNING,
                        () -> context.channel().remoteAddress()
                                + " speaks no TLS, but this server does: give the client the server's authority");
            }
        }
        context.pipeline().remove(this);
        context.fireChannelRead(message);
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) {
        stopWaiting();
        context.fireChannelInactive();
    }

    private void stopWaiting() {
        if (silence != null) {
            silence.cancel(false);
            silence = null;
        }
    }
}
