package io.fedlearn.testkit.network;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class FaultyProxyTest {
    private EchoServer server;
    private FaultyProxy proxy;

    @BeforeEach
    void start() throws IOException {
        server = new EchoServer();
        proxy = FaultyProxy.to(server.address());
    }

    @AfterEach
    void stop() throws IOException {
        proxy.close();
        server.close();
    }

    @Test
    void forwardsBothWaysAndTheEnd() throws IOException {
        byte[] sent = bytes(300_000);
        try (Socket client = connect()) {
            Thread writer = new Thread(() -> write(client, sent));
            writer.start();
            assertThat(client.getInputStream().readNBytes(sent.length)).isEqualTo(sent);
            client.shutdownOutput();
            assertThat(client.getInputStream().read()).isEqualTo(-1);
        }
        await(() -> proxy.openConnections() == 0);
        assertThat(server.received().get(0).end()).isEqualTo("end");
        assertThat(proxy.forwardedBytes(Direction.TO_SERVER)).isEqualTo(sent.length);
        assertThat(proxy.forwardedBytes(Direction.TO_CLIENT)).isEqualTo(sent.length);
    }

    @Test
    void resetsBothSides() throws IOException {
        try (Socket client = connect()) {
            roundTrip(client);
            assertThat(proxy.reset()).isOne();
            assertThatThrownBy(() -> client.getInputStream().read()).isInstanceOf(SocketException.class);
            await(() -> server.received().get(0).end().equals("reset"));
        }
    }

    @Test
    void finishesBothSidesInOrder() throws IOException {
        try (Socket client = connect()) {
            roundTrip(client);
            assertThat(proxy.finish()).isOne();
            assertThat(client.getInputStream().read()).isEqualTo(-1);
        }
        await(() -> server.received().get(0).end().equals("end"));
        await(() -> proxy.openConnections() == 0);
    }

    @Test
    void resetsAfterSoManyBytesToTheServerOnce() throws IOException {
        proxy.resetAfter(Direction.TO_SERVER, 50_000);
        try (Socket client = connect()) {
            Thread writer = new Thread(() -> write(client, bytes(200_000)));
            writer.start();
            assertThatThrownBy(() -> client.getInputStream().readNBytes(200_000))
                    .isInstanceOf(SocketException.class);
        }
        await(() -> !server.received().get(0).end().isEmpty());
        assertThat(proxy.forwardedBytes(Direction.TO_SERVER)).isEqualTo(50_000);
        try (Socket client = connect()) {
            roundTrip(client);
        }
    }

    @Test
    void resetsAfterSoManyBytesToTheClient() throws IOException {
        proxy.resetAfter(Direction.TO_CLIENT, 3);
        try (Socket client = connect()) {
            client.getOutputStream().write(bytes(10));
            assertThatThrownBy(() -> client.getInputStream().readNBytes(10)).isInstanceOf(SocketException.class);
        }
        assertThat(proxy.forwardedBytes(Direction.TO_CLIENT)).isEqualTo(3);
    }

    @Test
    void forwardsWhatItHeldOnceItIsReleased() throws IOException {
        try (Socket client = connect()) {
            roundTrip(client);
            proxy.hold();
            client.getOutputStream().write(bytes(100));
            client.setSoTimeout(50);
            assertThatThrownBy(() -> client.getInputStream().read()).isInstanceOf(SocketTimeoutException.class);
            assertThat(proxy.forwardedBytes(Direction.TO_SERVER)).isEqualTo(10);
            client.setSoTimeout(0);
            proxy.release();
            assertThat(client.getInputStream().readNBytes(100)).isEqualTo(bytes(100));
        }
    }

    @Test
    void breaksASenderThatIsStuckInABlackHole() throws IOException {
        try (Socket client = connect()) {
            // Or the proxy might not have taken the connection yet, and would not break it.
            roundTrip(client);
            proxy.hold();
            Thread writer = new Thread(() -> write(client, bytes(64 << 20)));
            writer.start();
            await(() -> writer.getState() == Thread.State.RUNNABLE);
            proxy.reset();
            await(() -> !writer.isAlive());
        }
        assertThat(proxy.forwardedBytes(Direction.TO_SERVER)).isEqualTo(10);
    }

    @Test
    void delaysWithoutChangingTheOrder() throws IOException {
        proxy.delay(Duration.ofMillis(40));
        try (Socket client = connect()) {
            long start = System.nanoTime();
            for (int i = 0; i < 20; i++) {
                client.getOutputStream().write(i);
            }
            byte[] answer = client.getInputStream().readNBytes(20);
            // Each way once; never faster, whatever the machine does.
            assertThat(System.nanoTime() - start).isGreaterThanOrEqualTo(80_000_000L);
            assertThat(answer[19]).isEqualTo((byte) 19);
        }
    }

    @Test
    void letsNoMoreThroughThanTheBandwidth() throws IOException {
        proxy.limitBandwidth(2_000_000);
        proxy.halveBandwidth();
        try (Socket client = connect()) {
            long start = System.nanoTime();
            Thread writer = new Thread(() -> write(client, bytes(200_000)));
            writer.start();
            assertThat(client.getInputStream().readNBytes(200_000)).hasSize(200_000);
            assertThat(System.nanoTime() - start).isGreaterThanOrEqualTo(200_000_000L);
        }
    }

    @Test
    void letsEverythingThroughWhenTheLimitIsTakenAway() throws IOException {
        proxy.limitBandwidth(1);
        try (Socket client = connect()) {
            client.getOutputStream().write(bytes(10_000));
            proxy.unlimitBandwidth();
            assertThat(client.getInputStream().readNBytes(10_000)).isEqualTo(bytes(10_000));
        }
    }

    @Test
    void doesNotHalveWhatHasNoLimit() {
        assertThatIllegalStateException().isThrownBy(proxy::halveBandwidth).withMessageContaining("no limit");
    }

    @Test
    void refusesNewConnectionsAndKeepsOpenOnes() throws IOException {
        try (Socket open = connect()) {
            roundTrip(open);
            proxy.refuse();
            assertThatThrownBy(() -> {
                        try (Socket refused = connect()) {
                            roundTrip(refused);
                        }
                    })
                    .isInstanceOf(IOException.class);
            roundTrip(open);
            proxy.admit();
            try (Socket admitted = connect()) {
                roundTrip(admitted);
            }
        }
        assertThat(proxy.refusedConnections()).isOne();
        assertThat(proxy.acceptedConnections()).isEqualTo(2);
    }

    @Test
    void replaysWhatAConnectionSentOnASecondOne() throws IOException {
        try (Socket client = connect()) {
            roundTrip(client);
            roundTrip(client);
            assertThat(proxy.replay()).isOne();
            await(() ->
                    server.received().size() == 2 && server.received().get(1).bytes().length == 20);
            assertThat(server.received().get(1).bytes())
                    .isEqualTo(server.received().get(0).bytes());
            // What the server answers to the copy reaches nobody.
            roundTrip(client);
            assertThat(client.getInputStream().available()).isZero();
        }
    }

    @Test
    void replaysNoMoreThanItKeeps() throws IOException {
        int size = FaultyProxy.RECORD_BYTES + 100_000;
        try (Socket client = connect()) {
            Thread writer = new Thread(() -> write(client, bytes(size)));
            writer.start();
            assertThat(client.getInputStream().readNBytes(size)).hasSize(size);
            proxy.replay();
            await(() -> server.received().size() == 2
                    && server.received().get(1).bytes().length == FaultyProxy.RECORD_BYTES);
        }
    }

    @Test
    void resetsTheClientWhereNoServerIs() throws IOException {
        server.close();
        try (Socket client = connect()) {
            assertThatThrownBy(() -> {
                        if (client.getInputStream().read() < 0) {
                            throw new EOFException();
                        }
                    })
                    .isInstanceOf(IOException.class);
        }
    }

    @Test
    void takesNewConnectionsToAnotherServer() throws IOException {
        try (EchoServer other = new EchoServer();
                Socket before = connect()) {
            roundTrip(before);
            proxy.redirect(other.address());
            try (Socket after = connect()) {
                roundTrip(after);
                assertThat(other.received()).hasSize(1);
            }
            roundTrip(before);
        }
    }

    @Test
    void playsAScheduleAndLeavesFairWeather() throws Exception {
        NetworkFault hold = new NetworkFault(Duration.ZERO, NetworkFault.Kind.HOLD, Duration.ofMillis(20));
        NetworkFault reset = new NetworkFault(Duration.ofMillis(1), NetworkFault.Kind.RESET, Duration.ZERO);
        try (Socket client = connect()) {
            roundTrip(client);
            proxy.play(new FaultSchedule(List.of(hold, reset)));
            assertThatThrownBy(() -> client.getInputStream().read()).isInstanceOf(SocketException.class);
        }
        try (Socket client = connect()) {
            roundTrip(client);
        }
    }

    @Test
    void endsTheFaultOfTheMomentWhenItsPlayerIsInterrupted() throws Exception {
        NetworkFault hold = new NetworkFault(Duration.ZERO, NetworkFault.Kind.HOLD, Duration.ofDays(1));
        Thread player = new Thread(() -> {
            try {
                proxy.play(new FaultSchedule(List.of(hold)));
            } catch (InterruptedException e) {
                // As the test wants it.
            }
        });
        player.start();
        await(() -> proxy.weather().isHeld());
        player.interrupt();
        player.join();
        try (Socket client = connect()) {
            roundTrip(client);
        }
    }

    @Test
    void closesEveryConnectionAndEndsItsThreads() throws Exception {
        String name = "faulty-proxy-" + proxy.address().getPort();
        InetSocketAddress address = proxy.address();
        try (Socket client = connect()) {
            roundTrip(client);
            proxy.replay();
            proxy.hold();
            proxy.close();
            proxy.close();
            assertThatThrownBy(() -> client.getInputStream().read()).isInstanceOf(SocketException.class);
        }
        // The kernel listens until the thread that accepted has left its call, and takes connections meanwhile.
        await(() -> refuses(address));
        await(() -> Thread.getAllStackTraces().keySet().stream()
                .noneMatch(thread -> thread.getName().equals(name)));
    }

    @Test
    void refusesSettingsThatMeanNothing() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> proxy.limitBandwidth(0))
                .withMessage("bytesPerSecond must be >= 1, was 0");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> proxy.delay(Duration.ofMillis(-1)))
                .withMessage("duration must be >= 0, was PT-0.001S");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> proxy.resetAfter(Direction.TO_SERVER, -1))
                .withMessage("bytes must be >= 0, was -1");
    }

    private Socket connect() throws IOException {
        Socket socket = new Socket(proxy.address().getAddress(), proxy.address().getPort());
        socket.setSoTimeout(20_000);
        return socket;
    }

    private static boolean refuses(InetSocketAddress address) {
        try (Socket client = new Socket(address.getAddress(), address.getPort())) {
            return !client.isConnected();
        } catch (IOException e) {
            return true;
        }
    }

    private static void roundTrip(Socket client) throws IOException {
        client.getOutputStream().write(bytes(10));
        InputStream in = client.getInputStream();
        byte[] answer = in.readNBytes(10);
        if (answer.length < 10) {
            throw new EOFException();
        }
        assertThat(answer).isEqualTo(bytes(10));
    }

    private static void write(Socket client, byte[] bytes) {
        try {
            client.getOutputStream().write(bytes);
        } catch (IOException e) {
            // The test cuts it.
        }
    }

    private static byte[] bytes(int count) {
        byte[] bytes = new byte[count];
        new Random(count).nextBytes(bytes);
        return Arrays.copyOf(bytes, count);
    }

    private static void await(BooleanSupplier condition) {
        long deadline = System.nanoTime() + Duration.ofSeconds(20).toNanos();
        while (!condition.getAsBoolean()) {
            assertThat(System.nanoTime()).isLessThan(deadline);
            Thread.onSpinWait();
        }
    }
}
