package io.fedlearn.grpc.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import io.fedlearn.grpc.internal.wire.JoinMethod;
import io.fedlearn.grpc.metrics.TransportMetrics;
import io.fedlearn.grpc.proto.v1.ClientMessage;
import io.fedlearn.grpc.proto.v1.GoodbyeCode;
import io.fedlearn.grpc.proto.v1.Hello;
import io.fedlearn.grpc.proto.v1.ServerMessage;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.ServerCall;
import io.grpc.Status;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class JoinCallTest {
    private static final Duration HELLO_TIMEOUT = Duration.ofSeconds(10);

    private final FakeCall call = new FakeCall();
    private long now;
    private final TaskDesk desk = new TaskDesk(
            new DeskSettings(
                    Duration.ofSeconds(10),
                    Duration.ofMinutes(2),
                    ServerLimits.defaults(),
                    1 << 18,
                    64,
                    false,
                    1 << 20),
            () -> now,
            Runnable::run,
            TransportMetrics.none());
    private final JoinService service = new JoinService(desk, TransportMetrics.none(), HELLO_TIMEOUT, () -> now);
    private final JoinCall join = service.startCall(call, new NoCredential(), "a test");

    /** What a server sends is kept; a client that does not read is not ready. */
    private static final class FakeCall extends ServerCall<ClientMessage, ServerMessage> {
        final List<ServerMessage> sent = new ArrayList<>();
        final List<Status> closed = new ArrayList<>();
        boolean isReady = true;

        @Override
        public void request(int count) {}

        @Override
        public void sendHeaders(Metadata headers) {}

        @Override
        public void sendMessage(ServerMessage message) {
            sent.add(message);
        }

        @Override
        public void close(Status status, Metadata trailers) {
            closed.add(status);
        }

        @Override
        public boolean isReady() {
            return isReady;
        }

        @Override
        public boolean isCancelled() {
            return false;
        }

        @Override
        public MethodDescriptor<ClientMessage, ServerMessage> getMethodDescriptor() {
            return JoinMethod.JOIN;
        }
    }

    private static final class NoCredential implements Credential {
        @Override
        public Optional<String> clientId() {
            return Optional.empty();
        }

        @Override
        public Optional<String> refusal() {
            return Optional.empty();
        }
    }

    private static ClientMessage hello() {
        return ClientMessage.newBuilder()
                .setHello(Hello.newBuilder()
                        .setMinVersion(1)
                        .setMaxVersion(1)
                        .setClientId("a")
                        .setInstance(ByteString.copyFrom(new byte[16]))
                        .setAttempt(1))
                .build();
    }

    private void pass(Duration time) {
        now += time.toNanos();
        service.tick();
    }

    @Test
    void letsAClientInThatSaysItsNameInTime() {
        pass(HELLO_TIMEOUT.minusMillis(1));
        join.onMessage(hello());
        pass(HELLO_TIMEOUT);

        assertThat(call.sent.get(0).hasWelcome()).isTrue();
        assertThat(call.closed).isEmpty();
    }

    @Test
    void letsNobodyInWhoseNameComesAsItIsSentAway() {
        call.isReady = false;
        pass(HELLO_TIMEOUT);
        join.onMessage(hello());
        call.isReady = true;
        join.onReady();

        assertThat(desk.clients()).isEmpty();
        assertThat(call.sent)
                .singleElement()
                .satisfies(message ->
                        assertThat(message.getGoodbye().getCode()).isEqualTo(GoodbyeCode.GOODBYE_CODE_SILENT));
        assertThat(call.closed).hasSize(1);
    }

    @Test
    void losesAClientWhoseCallIsOver() {
        join.onMessage(hello());

        join.onComplete();

        assertThat(desk.session(call.sent.get(0).getWelcome().getSession())).isEmpty();
        assertThat(desk.clients()).as("it may come back").hasSize(1);
    }
}
