package io.fedlearn.grpc.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;

class ServerLimitsTest {
    @Test
    void hasDefaultsUntilToldOtherwise() {
        ServerLimits limits = ServerLimits.builder()
                .maxClients(1)
                .maxConnectionsPerAddress(2)
                .maxMessageBytes(1 << 16)
                .maxModelBytes(4)
                .messageRate(5, 6)
                .helloTimeout(Duration.ofSeconds(7))
                .build();

        assertThat(limits).isEqualTo(new ServerLimits(1, 2, 1 << 16, 4, 5, 6, Duration.ofSeconds(7)));
        assertThat(ServerLimits.builder().build()).isEqualTo(ServerLimits.defaults());
        assertThat(ServerLimits.defaults().maxClients()).isEqualTo(ServerLimits.DEFAULT_MAX_CLIENTS);
    }

    @Test
    void namesTheLimitThatIsOutOfRange() {
        Map<String, ServerLimits.Builder> wrong = Map.of(
                "maxClients must be >= 1, was 0", ServerLimits.builder().maxClients(0),
                "maxConnectionsPerAddress must be >= 1, was 0",
                        ServerLimits.builder().maxConnectionsPerAddress(0),
                "maxMessageBytes must be >= 65536, was 65535",
                        ServerLimits.builder().maxMessageBytes(65_535),
                "maxModelBytes must be >= 1, was 0", ServerLimits.builder().maxModelBytes(0),
                "messagesPerSecond must be >= 1, was 0", ServerLimits.builder().messageRate(0, 1),
                "burst must be >= 1, was 0", ServerLimits.builder().messageRate(1, 0),
                "helloTimeout must be > 0 and at most PT24H, was PT0S",
                        ServerLimits.builder().helloTimeout(Duration.ZERO),
                "helloTimeout must be > 0 and at most PT24H, was PT25H",
                        ServerLimits.builder().helloTimeout(Duration.ofHours(25)));

        wrong.forEach((message, limits) ->
                assertThatIllegalArgumentException().isThrownBy(limits::build).withMessage(message));
    }
}
