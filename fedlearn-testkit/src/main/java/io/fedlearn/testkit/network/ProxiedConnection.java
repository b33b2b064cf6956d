package io.fedlearn.testkit.network;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicInteger;

/** A connection through a proxy: two sockets and two lanes. Thread-safe. */
final class ProxiedConnection {
    private static final int CONNECT_MILLIS = 5000;

    private final FaultyProxy proxy;
    private final Socket client;
    private final Socket server = new Socket();
    private final Lane up;
    private final Lane down;
    private final AtomicInteger openEnds = new AtomicInteger(4);

    /** What the client has sent from the start, or as much of it as is kept. Guarded by itself. */
    private final ByteArrayOutputStream sent = new ByteArrayOutputStream();

    private final int recordBytes;

    ProxiedConnection(FaultyProxy proxy, Socket client, int recordBytes) {
        this.proxy = proxy;
        this.client = client;
        this.recordBytes = recordBytes;
        this.up = new Lane(proxy, Direction.TO_SERVER);
        this.down = new Lane(proxy, Direction.TO_CLIENT);
    }

    /** Connects to the server and starts to forward. */
    void open(InetSocketAddress address, Executor threads) {
        try {
            client.setTcpNoDelay(true);
            server.setTcpNoDelay(true);
            server.connect(address, CONNECT_MILLIS);
        } catch (IOException e) {
            // Nobody is there: the client is to see that.
            reset();
            return;
        }
        try {
            threads.execute(() -> run(() -> up.read(client.getInputStream())));
            threads.execute(() -> run(() -> down.read(server.getInputStream())));
            threads.execute(() -> run(() -> {
                up.forward(this, server.getOutputStream());
                server.shutdownOutput();
            }));
            threads.execute(() -> run(() -> {
                down.forward(this, client.getOutputStream());
                client.shutdownOutput();
            }));
        } catch (RejectedExecutionException e) {
            // The proxy closes.
            reset();
        }
    }

    private interface Work {
        void run() throws IOException, InterruptedException;
    }

    private void run(Work work) {
        try {
            work.run();
            if (openEnds.decrementAndGet() == 0) {
                close();
            }
        } catch (IOException | InterruptedException e) {
            // One side is gone, or the proxy closes.
            reset();
        }
    }

    /** Ends both directions in order; what has not been forwarded is lost. */
    void finish() {
        up.drop();
        down.drop();
    }

    /** Breaks both sides with a reset. */
    void reset() {
        for (Socket socket : new Socket[] {client, server}) {
            try {
                socket.setSoLinger(true, 0);
            } catch (IOException e) {
                // Closed already.
            }
        }
        close();
    }

    private void close() {
        // Before the lanes: a lane that is dropped ends its side in order, which would come before a reset.
        for (Socket socket : new Socket[] {client, server}) {
            try {
                socket.close();
            } catch (IOException e) {
                // It is of no more use.
            }
        }
        up.drop();
        down.drop();
        proxy.forget(this);
    }

    void wake() {
        up.wake();
        down.wake();
    }

    void record(byte[] bytes, int count) {
        synchronized (sent) {
            sent.write(bytes, 0, Math.min(count, recordBytes - sent.size()));
        }
    }

    /** What the client has sent so far. */
    byte[] sent() {
        synchronized (sent) {
            return sent.toByteArray();
        }
    }
}
