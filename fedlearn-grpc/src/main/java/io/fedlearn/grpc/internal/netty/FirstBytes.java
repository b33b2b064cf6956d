package io.fedlearn.grpc.internal.netty;

import io.fedlearn.grpc.internal.wire.PeerText;
import io.fedlearn.grpc.security.ServerSecurity;
import io.grpc.netty.shaded.io.netty.buffer.ByteBuf;
import io.grpc.netty.shaded.io.netty.buffer.Unpooled;
import io.grpc.netty.shaded.io.netty.channel.ChannelFutureListener;
import io.grpc.netty.shaded.io.netty.channel.ChannelHandlerContext;
import io.grpc.netty.shaded.io.netty.channel.ChannelInboundHandlerAdapter;
import io.grpc.netty.shaded.io.netty.handler.ssl.SslHandler;
import io.grpc.netty.shaded.io.netty.util.ReferenceCountUtil;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.charset.StandardCharsets;
import java.security.cert.CertificateException;
import java.time.Duration;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Looks at the first bytes of a connection: closes it if none come, or if they are of another protocol, and tells a peer which side
 * lacks TLS. Confined to the connection's thread; removes itself.
 */
final class FirstBytes extends ChannelInboundHandlerAdapter {
    /** What a peer without TLS is told. */
    static final String TLS_IS_SPOKEN = "this server speaks TLS, and this connection does not";

    private static final Logger LOG = System.getLogger(FirstBytes.class.getName());
    private static final int TLS_HANDSHAKE = 0x16;
    private static final int MAX_REASON_LENGTH = 500;
    private static final byte[] HTTP2 = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".getBytes(StandardCharsets.US_ASCII);
    private static final byte[] EMPTY_SETTINGS = {0, 0, 0, 4, 0, 0, 0, 0, 0};
    private static final byte GO_AWAY = 7;
    private static final int INADEQUATE_SECURITY = 12;

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
                            LOG.log(Level.DEBUG, () -> remote(context) + " sent nothing for " + timeout);
                            context.close();
                        },
                        timeout.toMillis(),
                        TimeUnit.MILLISECONDS);
        context.fireChannelActive();
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
        if (!(message instanceof ByteBuf bytes) || !bytes.isReadable()) {
            context.fireChannelRead(message);
            return;
        }
        stopWaiting();
        boolean isTls = bytes.getByte(bytes.readerIndex()) == TLS_HANDSHAKE;
        boolean isHttp2 = beginsHttp2(bytes);
        boolean wantsTls = security.mode() != ServerSecurity.Mode.INSECURE;
        if (wantsTls ? isTls : isHttp2) {
            if (wantsTls) {
                logFailedHandshake(context);
            }
            context.pipeline().remove(this);
            context.fireChannelRead(message);
            return;
        }
        ReferenceCountUtil.release(message);
        if (wantsTls && isHttp2) {
            LOG.log(
                    Level.WARNING,
                    () -> "refused " + remote(context)
                            + ": it speaks no TLS, but this server does; that client needs the server's authority");
            // HTTP/2 without TLS, so that any client of gRPC shows the reason.
            context.writeAndFlush(goAway()).addListener(ChannelFutureListener.CLOSE);
        } else if (isTls) {
            LOG.log(
                    Level.WARNING,
                    () -> "refused " + remote(context)
                            + ": it speaks TLS, but this server is insecure; make both the same");
            // What is no TLS either, so that the client says so.
            context.writeAndFlush(Unpooled.wrappedBuffer(EMPTY_SETTINGS)).addListener(ChannelFutureListener.CLOSE);
        } else {
            LOG.log(Level.DEBUG, () -> "closed a connection of " + remote(context) + ": it speaks another protocol");
            context.close();
        }
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

    private static boolean beginsHttp2(ByteBuf bytes) {
        int length = Math.min(HTTP2.length, bytes.readableBytes());
        for (int i = 0; i < length; i++) {
            if (bytes.getByte(bytes.readerIndex() + i) != HTTP2[i]) {
                return false;
            }
        }
        return true;
    }

    private static ByteBuf goAway() {
        byte[] reason = TLS_IS_SPOKEN.getBytes(StandardCharsets.US_ASCII);
        return Unpooled.buffer()
                .writeBytes(EMPTY_SETTINGS)
                .writeMedium(8 + reason.length)
                .writeByte(GO_AWAY)
                .writeByte(0)
                .writeInt(0)
                .writeInt(0)
                .writeInt(INADEQUATE_SECURITY)
                .writeBytes(reason);
    }

    /** The client learns an alert's number at most; who runs the server learns the reason here. */
    private static void logFailedHandshake(ChannelHandlerContext context) {
        SslHandler tls = context.pipeline().get(SslHandler.class);
        if (tls != null) {
            tls.handshakeFuture().addListener(handshake -> {
                Throwable failure = handshake.cause();
                if (failure != null) {
                    LOG.log(Level.INFO, () -> "refused " + remote(context) + ": " + innermost(failure));
                }
            });
        }
    }

    private static String innermost(Throwable failure) {
        Throwable cause = failure;
        while (cause.getCause() != null && !(cause instanceof CertificateException)) {
            cause = cause.getCause();
        }
        // It quotes a certificate that nobody vouches for.
        return PeerText.plain(String.valueOf(cause.getMessage()), MAX_REASON_LENGTH);
    }

    private static String remote(ChannelHandlerContext context) {
        return String.valueOf(context.channel().remoteAddress());
    }
}
