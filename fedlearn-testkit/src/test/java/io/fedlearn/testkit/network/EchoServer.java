package io.fedlearn.testkit.network;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;

/** Sends back what it gets, and keeps what each connection sent. */
final class EchoServer implements AutoCloseable {
    private final ServerSocket listener;
    private final ExecutorService threads = Executors.newCachedThreadPool();
    private final List<Received> received = new CopyOnWriteArrayList<>();

    EchoServer() throws IOException {
        listener = new ServerSocket(0, 0, InetAddress.getLoopbackAddress());
        threads.execute(this::accept);
    }

    InetSocketAddress address() {
        return (InetSocketAddress) listener.getLocalSocketAddress();
    }

    List<Received> received() {
        return received;
    }

    /** What one connection sent, and how it ended. */
    static final class Received {
        private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        private String end = "";

        synchronized byte[] bytes() {
            return bytes.toByteArray();
        }

        synchronized String end() {
            return end;
        }

        private synchronized void add(byte[] buffer, int count) {
            bytes.write(buffer, 0, count);
        }

        private synchronized void ended(String how) {
            end = how;
        }
    }

    private void accept() {
        try {
            while (true) {
                Socket socket = listener.accept();
                Received one = new Received();
                received.add(one);
                try {
                    threads.execute(() -> echo(socket, one));
                } catch (RejectedExecutionException e) {
                    // It came as the server closed.
                    socket.close();
                    return;
                }
            }
        } catch (IOException e) {
            if (!listener.isClosed()) {
                throw new UncheckedIOException(e);
            }
        }
    }

    private static void echo(Socket socket, Received one) {
        try (socket) {
            InputStream in = socket.getInputStream();
            byte[] buffer = new byte[4096];
            int count;
            while ((count = in.read(buffer)) >= 0) {
                one.add(buffer, count);
                socket.getOutputStream().write(buffer, 0, count);
            }
            one.ended("end");
        } catch (IOException e) {
            one.ended("reset");
        }
    }

    @Override
    public void close() throws IOException {
        listener.close();
        threads.shutdownNow();
    }
}
