package io.fedlearn.grpc.internal.netty;

import static org.assertj.core.api.Assertions.assertThat;

import io.fedlearn.core.runtime.Refusal;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class RefusedClientsTest {
    private final RefusedClients refused = new RefusedClients();

    @Test
    void countsByClientAndKindOfReason() {
        for (int i = 0; i < 20_000; i++) {
            refused.add(Optional.of("eve"), true, "revoked", "certificate " + i + " was revoked");
        }
        refused.add(Optional.of("eve"), false, "revoked", "says so");
        refused.add(Optional.of("eve"), true, "full", "there are 10 clients");
        assertThat(refused.take())
                .containsExactly(
                        new Refusal(Optional.of("eve"), true, "certificate 0 was revoked", 20_000),
                        new Refusal(Optional.of("eve"), false, "says so", 1),
                        new Refusal(Optional.of("eve"), true, "there are 10 clients", 1));
        assertThat(refused.take()).isEmpty();
    }

    @Test
    void manyNamesFillNothingAndCrowdNobodyOut() {
        for (int i = 0; i < 5_000; i++) {
            refused.add(Optional.of("name " + i), false, "malformed", "x");
        }
        refused.add(Optional.of("a"), true, "revoked", "was revoked");
        List<Refusal> taken = refused.take();
        assertThat(taken).hasSize(RefusedClients.MAX_UNPROVEN + 2);
        assertThat(taken).contains(new Refusal(Optional.of("a"), true, "was revoked", 1));
        assertThat(taken.get(taken.size() - 1))
                .isEqualTo(new Refusal(Optional.empty(), false, "more clients than are told apart", 4_990));
        refused.add(Optional.of("name 0"), false, "malformed", "x");
        assertThat(refused.take()).as("begins anew").hasSize(1);
    }

    @Test
    void keepsWhatPeersSaidShortAndOnOneLine() {
        refused.add(Optional.of("a\u001b[31m\n" + "x".repeat(1_000)), true, "malformed", "y\n".repeat(1_000));
        refused.add(Optional.of(""), true, "identity", "no token");
        List<Refusal> taken = refused.take();
        assertThat(taken.get(0).clientId().orElseThrow()).hasSize(256).startsWith("a [31m x");
        assertThat(taken.get(0).reason()).hasSize(500).startsWith("y y ");
        assertThat(taken.get(1)).isEqualTo(new Refusal(Optional.empty(), false, "no token", 1));
    }

    @Test
    void leavesNoHalvesAndNoLineEndsOfWhatPeersSaid() {
        String smile = "\ud83d\ude00";
        refused.add(Optional.of("x".repeat(255) + smile), true, "malformed", "y".repeat(499) + smile);
        refused.add(Optional.of("half \ud83d"), false, "malformed", "\ude00 the other half, " + smile + " whole");
        refused.add(Optional.of("a\u0085b\u2028c\u2029d"), false, "malformed", "Zoë & 山田\u007f");
        List<Refusal> taken = refused.take();
        assertThat(taken)
                .containsExactly(
                        new Refusal(Optional.of("x".repeat(255)), true, "y".repeat(499), 1),
                        new Refusal(Optional.of("half  "), false, "  the other half, " + smile + " whole", 1),
                        new Refusal(Optional.of("a b c d"), false, "Zoë & 山田 ", 1));
    }
}
