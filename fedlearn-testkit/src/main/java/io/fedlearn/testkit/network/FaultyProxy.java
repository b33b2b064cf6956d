package io.fedlearn.testkit.network;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;

/**
 * A TCP proxy between clients and a server that does to their connections what networks do: it cuts them, delays, slows and swallows
 * what they carry, refuses them, and sends what one has carried a second time.
 *
 * <pre>{@code
 * try (FaultyProxy proxy = FaultyProxy.to(server.address())) {
 *     client.connect(proxy.address());
 *     proxy.resetAfter(Direction.TO_CLIENT, 1_000_000);   // breaks in the middle of a download
 *     proxy.hold();                                        // a black hole, until
 *     proxy.release();
 *     proxy.play(FaultSchedule.seeded(7, 15, Duration.ofSeconds(5)));
 * }
 * }</pre>
 *
 * <p>Commands hold for all connections, and what lasts also for new ones. The proxy listens on a free port of the loopback address,
 * and forwards in threads of its own (daemons, four for each connection), which end with {@link #close}. Thread-safe.
 */
public final class FaultyProxy implements AutoCloseable {
    /** How many of the bytes that a client sends first are kept for {@link #replay}: {@value}. */
    public static final int RECORD_BYTES = 1 << 20;

    /** What {@link NetworkFault.Kind#SLOW} of a schedule lets through in a second, each way: {@value} bytes. */
    public static final long SLOW_BYTES_PER_SECOND = 1 << 20;

    /** By how much {@link NetworkFault.Kind#DELAY} of a schedule delays: {@value} ms. */
    public static final int DELAY_MILLIS = 100;

    private static final long NO_CUT = -1;

    private final ServerSocket listener;
    private final ExecutorService threads;
    private final Set<ProxiedConnection> connections = ConcurrentHashMap.newKeySet();
    private final Set<Socket> replays = ConcurrentHashMap.newKeySet();
    private final AtomicInteger accepted = new AtomicInteger();
    private final AtomicInteger refused = new AtomicInteger();
    private final AtomicLong[] forwarded = {new AtomicLong(), new AtomicLong()};

    /** Guards what follows; never held across I/O. */
    private final ReentrantLock lock = new ReentrantLock();

    private final long[] untilCut = {NO_CUT, NO_CUT};
    private final long[] freeFrom = new long[2];
    private volatile Weather weather = Weather.FAIR;
    private volatile InetSocketAddress server;
    private volatile boolean isClosed;

    private FaultyProxy(ServerSocket listener, InetSocketAddress server) {
        this.listener = listener;
        this.server = server;
        this.threads = Executors.newCachedThreadPool(work -> {
            Thread thread = new Thread(work, "faulty-proxy-" + listener.getLocalPort());
            thread.setDaemon(true);
            return thread;
        });
    }

    /** Starts a proxy to a server, which need not be there yet. */
    public static FaultyProxy to(InetSocketAddress server) {
        try {
            FaultyProxy proxy = new FaultyProxy(new ServerSocket(0, 0, InetAddress.getLoopbackAddress()), server);
            proxy.threads.execute(proxy::accept);
            return proxy;
        } catch (IOException e) {
            throw new UncheckedIOException("the proxy cannot listen: " + e.getMessage(), e);
        }
    }

    /** Where clients connect to. */
    public InetSocketAddress address() {
        return (InetSocketAddress) listener.getLocalSocketAddress();
    }

    /** Takes connections from now on to another server. */
    public void redirect(InetSocketAddress newServer) {
        server = newServer;
    }

    /**
     * Breaks all connections: both sides get an error, as when a router forgets them.
     *
     * @return how many they were
     */
    public int reset() {
        return forAll(ProxiedConnection::reset);
    }

    /**
     * Ends all connections in order: both sides read the end of the stream. What was on its way is lost.
     *
     * @return how many they were
     */
    public int finish() {
        return forAll(ProxiedConnection::finish);
    }

    /** Resets the connection that carries the byte after this many further ones in a direction; once. */
    public void resetAfter(Direction direction, long bytes) {
        if (bytes < 0) {
            throw new IllegalArgumentException("bytes must be >= 0, was " + bytes);
        }
        lock.lock();
        try {
            untilCut[direction.ordinal()] = bytes;
        } finally {
            lock.unlock();
        }
    }

    /** Has bytes arrive so much later, each way; zero ends that. */
    public void delay(Duration duration) {
        if (duration.isNegative()) {
            throw new IllegalArgumentException("duration must be >= 0, was " + duration);
        }
        change(old -> old.withDelay(duration));
    }

    /** Lets so many bytes through in a second, each way, over all connections together. */
    public void limitBandwidth(long bytesPerSecond) {
        if (bytesPerSecond < 1) {
            throw new IllegalArgumentException("bytesPerSecond must be >= 1, was " + bytesPerSecond);
        }
        change(old -> old.withBytesPerSecond(bytesPerSecond));
    }

    /**
     * Halves the bandwidth.
     *
     * @throws IllegalStateException if it is not limited
     */
    public void halveBandwidth() {
        if (weather.bytesPerSecond() == Weather.UNLIMITED) {
            throw new IllegalStateException("the bandwidth has no limit that could be halved");
        }
        change(old -> old.withBytesPerSecond(Math.max(1, old.bytesPerSecond() / 2)));
    }

    /** Lets through what comes. */
    public void unlimitBandwidth() {
        change(old -> old.withBytesPerSecond(Weather.UNLIMITED));
    }

    /** Forwards nothing until {@link #release}, and tells nobody; connections are accepted still. */
    public void hold() {
        change(old -> old.withHeld(true));
    }

    /** Forwards again, what was held first. */
    public void release() {
        change(old -> old.withHeld(false));
    }

    /** Resets new connections at once, until {@link #admit}; those that are open stay. */
    public void refuse() {
        change(old -> old.withRefusing(true));
    }

    /** Takes new connections again. */
    public void admit() {
        change(old -> old.withRefusing(false));
    }

    /** Ends all that lasts, and lets go what {@link #resetAfter} waits for. */
    public void heal() {
        lock.lock();
        try {
            untilCut[0] = NO_CUT;
            untilCut[1] = NO_CUT;
        } finally {
            lock.unlock();
        }
        change(old -> Weather.FAIR);
    }

    /**
     * Sends what the client of each open connection has sent so far, of it at most the first {@value #RECORD_BYTES} bytes, to the
     * server once more, on a connection of its own that stays open until the server ends it. What the server answers is thrown away.
     *
     * @return how many connections were replayed
     */
    public int replay() {
        return forAll(connection -> {
            byte[] bytes = connection.sent();
            threads.execute(() -> replay(bytes));
        });
    }

    private void replay(byte[] bytes) {
        try (Socket socket = new Socket()) {
            replays.add(socket);
            if (isClosed) {
                return;
            }
            socket.connect(server);
            socket.getOutputStream().write(bytes);
            InputStream answers = socket.getInputStream();
            byte[] buffer = new byte[1024];
            while (answers.read(buffer) >= 0) {
                // Of no interest.
            }
        } catch (IOException e) {
            // The server ended it, which it may.
        } finally {
            replays.removeIf(Socket::isClosed);
        }
    }

    /**
     * Lets a schedule's faults happen, one after another; returns when the last has ended. Takes the threads of nobody but the caller.
     *
     * @throws InterruptedException if the thread is interrupted; the fault of that moment has ended then
     */
    public void play(FaultSchedule schedule) throws InterruptedException {
        for (NetworkFault fault : schedule.faults()) {
            TimeUnit.NANOSECONDS.sleep(fault.pause().toNanos());
            play(fault);
        }
    }

    private void play(NetworkFault fault) throws InterruptedException {
        try {
            begin(fault.kind());
            TimeUnit.NANOSECONDS.sleep(fault.lasting().toNanos());
        } finally {
            end(fault.kind());
        }
    }

    /** Lets this befall the network: what lasts stays until {@link #end}. */
    public void begin(NetworkFault.Kind kind) {
        switch (kind) {
            case RESET -> reset();
            case FINISH -> finish();
            case REPLAY -> replay();
            case DELAY -> delay(Duration.ofMillis(DELAY_MILLIS));
            case SLOW -> limitBandwidth(SLOW_BYTES_PER_SECOND);
            case HOLD -> hold();
            case REFUSE -> refuse();
        }
    }

    /** Ends what {@link #begin} began, if it lasts. */
    public void end(NetworkFault.Kind kind) {
        switch (kind) {
            case RESET, FINISH, REPLAY -> {
                // Over when it began.
            }
            case DELAY -> delay(Duration.ZERO);
            case SLOW -> unlimitBandwidth();
            case HOLD -> release();
            case REFUSE -> admit();
        }
    }

    /** How many connections are open. */
    public int openConnections() {
        return connections.size();
    }

    /** How many connections there have been, without those that were refused. */
    public int acceptedConnections() {
        return accepted.get();
    }

    /** How many connections were refused. */
    public int refusedConnections() {
        return refused.get();
    }

    /** How many bytes have been forwarded in this direction. */
    public long forwardedBytes(Direction direction) {
        return forwarded[direction.ordinal()].get();
    }

    /** Resets all connections and stops. Closing again does nothing. */
    @Override
    public void close() {
        isClosed = true;
        try {
            listener.close();
        } catch (IOException e) {
            throw new UncheckedIOException("the proxy cannot stop: " + e.getMessage(), e);
        } finally {
            forAll(ProxiedConnection::reset);
            replays.forEach(FaultyProxy::closeQuietly);
            threads.shutdownNow();
        }
    }

    Weather weather() {
        return weather;
    }

    /** When the next so many bytes may go, by the bandwidth. */
    long turn(Direction direction, int bytes, long now) {
        long bytesPerSecond = weather.bytesPerSecond();
        if (bytesPerSecond == Weather.UNLIMITED) {
            return now;
        }
        lock.lock();
        try {
            int way = direction.ordinal();
            long from = freeFrom[way] - now > 0 ? freeFrom[way] : now;
            freeFrom[way] = from + (long) (bytes * 1e9 / bytesPerSecond);
            return freeFrom[way];
        } finally {
            lock.unlock();
        }
    }

    /** How many of so many bytes may go before the connection is to be reset: all, if it is not. */
    int take(Direction direction, int bytes) {
        int way = direction.ordinal();
        int allowed = bytes;
        lock.lock();
        try {
            if (untilCut[way] != NO_CUT) {
                if (untilCut[way] < bytes) {
                    allowed = (int) untilCut[way];
                    untilCut[way] = NO_CUT;
                } else {
                    untilCut[way] -= bytes;
                }
            }
        } finally {
            lock.unlock();
        }
        forwarded[way].addAndGet(allowed);
        return allowed;
    }

    void forget(ProxiedConnection connection) {
        connections.remove(connection);
    }

    private interface Change {
        Weather of(Weather old);
    }

    private void change(Change change) {
        lock.lock();
        try {
            Weather old = weather;
            weather = change.of(old);
            if (weather.bytesPerSecond() != old.bytesPerSecond()) {
                freeFrom[0] = System.nanoTime();
                freeFrom[1] = freeFrom[0];
            }
        } finally {
            lock.unlock();
        }
        connections.forEach(ProxiedConnection::wake);
    }

    private interface Act {
        void on(ProxiedConnection connection);
    }

    private int forAll(Act act) {
        List<ProxiedConnection> all = List.copyOf(connections);
        all.forEach(act::on);
        return all.size();
    }

    private void accept() {
        while (!isClosed) {
            try {
                Socket client = listener.accept();
                if (weather.isRefusing()) {
                    refused.incrementAndGet();
                    client.setSoLinger(true, 0);
                    client.close();
                    continue;
                }
                ProxiedConnection connection = new ProxiedConnection(this, client, RECORD_BYTES);
                connections.add(connection);
                accepted.incrementAndGet();
                if (isClosed) {
                    connection.reset();
                    return;
                }
                InetSocketAddress target = server;
                threads.execute(() -> connection.open(target, threads));
            } catch (IOException | RejectedExecutionException e) {
                // The proxy closes, or the client was gone before it was accepted.
            }
        }
    }

    private static void closeQuietly(Socket socket) {
        try {
            socket.close();
        } catch (IOException e) {
            // It is of no more use.
        }
    }
}
