package io.fedlearn.grpc.internal.netty;

import io.grpc.netty.shaded.io.netty.channel.ChannelHandler;
import io.grpc.netty.shaded.io.netty.channel.EventLoopGroup;
import io.grpc.netty.shaded.io.netty.channel.IoHandlerFactory;
import io.grpc.netty.shaded.io.netty.channel.MultiThreadIoEventLoopGroup;
import io.grpc.netty.shaded.io.netty.channel.ServerChannel;
import io.grpc.netty.shaded.io.netty.channel.epoll.Epoll;
import io.grpc.netty.shaded.io.netty.channel.epoll.EpollIoHandler;
import io.grpc.netty.shaded.io.netty.channel.epoll.EpollServerSocketChannel;
import io.grpc.netty.shaded.io.netty.channel.nio.NioIoHandler;
import io.grpc.netty.shaded.io.netty.channel.socket.nio.NioServerSocketChannel;
import io.grpc.netty.shaded.io.netty.util.concurrent.DefaultThreadFactory;
import java.util.concurrent.TimeUnit;

/** Network threads of one server, daemons that start as they are needed. */
final class EventLoops implements AutoCloseable {
    private final EventLoopGroup accepting;
    private final EventLoopGroup serving;

    private EventLoops(EventLoopGroup accepting, EventLoopGroup serving) {
        this.accepting = accepting;
        this.serving = serving;
    }

    static EventLoops start() {
        IoHandlerFactory io = Epoll.isAvailable() ? EpollIoHandler.newFactory() : NioIoHandler.newFactory();
        int threads = java.lang.Runtime.getRuntime().availableProcessors();
        return new EventLoops(
                new MultiThreadIoEventLoopGroup(1, new DefaultThreadFactory("fedlearn-accept", true), io),
                new MultiThreadIoEventLoopGroup(threads, new DefaultThreadFactory("fedlearn-network", true), io));
    }

    EventLoopGroup accepting() {
        return accepting;
    }

    EventLoopGroup serving() {
        return serving;
    }

    /** A channel that listens, whose connections pass this handler before anything else sees them. */
    ServerChannel serverChannel(ChannelHandler gate) {
        ServerChannel channel = Epoll.isAvailable() ? new EpollServerSocketChannel() : new NioServerSocketChannel();
        channel.pipeline().addLast(gate);
        return channel;
    }

    @Override
    public void close() {
        // Without waiting for it: who serves a call that was cut off may still say its last word here.
        accepting.shutdownGracefully(0, 1, TimeUnit.SECONDS);
        serving.shutdownGracefully(1, 5, TimeUnit.SECONDS);
    }
}
