package io.fedlearn.grpc.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import io.fedlearn.core.runtime.Refusal;
import io.fedlearn.core.strategy.ClientInfo;
import io.fedlearn.core.task.ClientOutcome;
import io.fedlearn.core.task.Task;
import io.fedlearn.grpc.internal.transfer.EncodedModel;
import io.fedlearn.grpc.proto.v1.ClientMessage;
import io.fedlearn.grpc.proto.v1.GoodbyeCode;
import io.fedlearn.grpc.proto.v1.TaskAnswer;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** How sessions and memberships end. */
class SessionsTest extends DeskTestBed {
    @Test
    void sendsHeartbeatsAndKeepsClientsThatDo() {
        Site site = site("a");

        for (int i = 0; i < 20; i++) {
            tick(Duration.ofSeconds(5));
            desk.hear(site.live(), ClientMessage.MessageCase.HEARTBEAT);
        }

        assertThat(site.connection.heartbeats()).isEqualTo(10);
        assertThat(site.connection.isEnded).isFalse();
    }

    @Test
    void endsAConnectionThatMissesThreeHeartbeatsAndWaitsForTheClient() {
        Site site = site("a");
        Task task = submit("a", 1);

        pass(Duration.ofSeconds(25));
        assertThat(site.connection.isEnded).isFalse();
        pass(Duration.ofSeconds(5));

        assertThat(site.connection.goodbye()).contains(GoodbyeCode.GOODBYE_CODE_SILENT);
        assertThat(desk.clients()).hasSize(1);
        assertThat(listener.outcomes(task)).isEmpty();
        assertThat(counted).containsExactly("ended silent");
    }

    @Test
    void doesNotBlameClientsForATimeInWhichTheServerStoodStill() {
        Site site = site("a");

        tick(Duration.ofMinutes(10));
        assertThat(site.connection.isEnded).isFalse();
        desk.hear(site.live(), ClientMessage.MessageCase.HEARTBEAT);
        tick(Duration.ofSeconds(5));

        assertThat(site.connection.isEnded).isFalse();
    }

    @Test
    void doesNotCountATimeInWhichTheServerStoodStill() {
        Site silent = site("a");
        Site away = site("b");
        desk.lost(away.live(), "cut");

        tick(Duration.ofMinutes(10));
        pass(Duration.ofSeconds(25));

        assertThat(silent.connection.isEnded).isFalse();
        pass(Duration.ofSeconds(5));
        assertThat(silent.connection.goodbye()).contains(GoodbyeCode.GOODBYE_CODE_SILENT);
        assertThat(desk.clients()).hasSize(2);
        pass(GRACE.minusSeconds(30));
        assertThat(desk.clients()).extracting(ClientInfo::id).containsExactly("a");
    }

    @Test
    void offersOpenTasksAgainToAClientThatComesBack() {
        Site site = site("a");
        Task task = submit("a", 1);
        site.started(task);
        desk.lost(site.live(), "cut");
        pass(GRACE.minusSeconds(5));

        site.join();
        assertThat(site.connection.offeredIds()).containsExactly(task.id());
        site.started(task);
        site.send(site.update(task));

        assertThat(site.connection.verdicts()).containsExactly("ACCEPTED");
        assertThat(listener.events(task)).hasSize(2);
        assertThat(counted).contains("reconnected");
    }

    @Test
    void keepsTasksForAClientThatIsAway() {
        Site site = site("a");
        desk.lost(site.live(), "cut");
        Task task = submit("a", 1);

        site.join();

        assertThat(site.connection.offeredIds()).containsExactly(task.id());
    }

    @Test
    void failsTheTasksOfAClientThatDoesNotComeBack() {
        Site site = site("a");
        Task first = submit("a", 1);
        Task second = submit("a", 2);
        desk.lost(site.live(), "cut");

        pass(GRACE);

        assertThat(desk.clients()).isEmpty();
        for (Task task : List.of(first, second)) {
            assertThat(listener.outcomes(task))
                    .containsExactly(new ClientOutcome.Failed(
                            "the client lost its connection and did not come back within 120.0 s"));
        }
        assertThat(desk.modelCount()).isZero();
        site.join();
        site.send(TaskAnswer.newBuilder()
                .setTaskId(first.id())
                .setFingerprint(fingerprintOf(first))
                .build());
        assertThat(site.connection.verdicts()).containsExactly("LATE");
        assertThat(listener.outcomes(first)).hasSize(1);
    }

    private static ByteString fingerprintOf(Task task) {
        long most = 4 * SMALL.byteCount() + (1 << 20);
        return io.fedlearn.grpc.internal.wire.WireTasks.write(
                        task, model -> EncodedModel.of(model).payload(INLINE_BYTES), most)
                .getFingerprint();
    }

    @Test
    void failsTheTasksOfAClientThatLeaves() {
        Site site = site("a");
        Task task = submit("a", 1);

        desk.leave(site.live(), "maintenance");

        assertThat(desk.clients()).isEmpty();
        assertThat(site.connection.isEnded).isTrue();
        assertThat(listener.outcomes(task).get(0).reason()).contains("maintenance");
    }

    @Test
    void endsAConnectionThatSendsTooMuch() {
        desk = newDesk(ServerLimits.builder().messageRate(2, 3).build());
        Site site = site("a");

        assertThat(desk.hear(site.live(), ClientMessage.MessageCase.HEARTBEAT)).isTrue();
        assertThat(desk.hear(site.live(), ClientMessage.MessageCase.HEARTBEAT)).isTrue();
        assertThat(desk.hear(site.live(), ClientMessage.MessageCase.HEARTBEAT)).isTrue();
        clock.advance(Duration.ofMillis(500));
        assertThat(desk.hear(site.live(), ClientMessage.MessageCase.HEARTBEAT)).isTrue();
        assertThat(desk.hear(site.live(), ClientMessage.MessageCase.HEARTBEAT)).isFalse();

        assertThat(site.connection.goodbye()).contains(GoodbyeCode.GOODBYE_CODE_TOO_FAST);
        assertThat(desk.clients()).as("it may come back").hasSize(1);
    }

    @Test
    void blamesNoClientForAnsweringFast() {
        desk = newDesk(ServerLimits.builder().messageRate(1, 1).build());
        Site site = site("a");

        for (int round = 1; round <= 5; round++) {
            Task task = submit("a", round);
            assertThat(desk.hear(site.live(), ClientMessage.MessageCase.STARTED))
                    .isTrue();
            site.started(task);
            assertThat(desk.hear(site.live(), ClientMessage.MessageCase.ANSWER)).isTrue();
            site.send(site.update(task));
        }
        assertThat(desk.hear(site.live(), ClientMessage.MessageCase.ANSWER))
                .as("the burst")
                .isTrue();
        assertThat(desk.hear(site.live(), ClientMessage.MessageCase.ANSWER)).isFalse();

        assertThat(site.connection.goodbye()).contains(GoodbyeCode.GOODBYE_CODE_TOO_FAST);
    }

    @Test
    void countsAllButTheFirstStartOfATask() {
        desk = newDesk(ServerLimits.builder().messageRate(1, 1).build());
        Site site = site("a");
        submit("a", 1);

        assertThat(desk.hear(site.live(), ClientMessage.MessageCase.STARTED)).isTrue();
        assertThat(desk.hear(site.live(), ClientMessage.MessageCase.STARTED)).isTrue();
        assertThat(desk.hear(site.live(), ClientMessage.MessageCase.STARTED)).isFalse();
    }

    @Test
    void endsAConnectionThatDoesNotRead() {
        Site site = site("a");
        site.connection.isStuck = true;
        submit("a", 1);

        for (int i = 0; i < 8; i++) {
            tick(Duration.ofSeconds(5));
            desk.hear(site.live(), ClientMessage.MessageCase.HEARTBEAT);
        }
        assertThat(desk.session(site.live().token)).isEmpty();
        tick(HEARTBEAT);

        assertThat(site.connection.isAborted).isTrue();
    }

    @Test
    void throwsOutWhoseCredentialsHoldNoLonger() {
        List<String> refusals = new ArrayList<>();
        FakeConnection connection = new FakeConnection();
        desk.join(
                hello("a", 1, 1).build(),
                new Credential() {
                    @Override
                    public Optional<String> clientId() {
                        return Optional.of("a");
                    }

                    @Override
                    public Optional<String> refusal() {
                        return refusals.stream().findFirst();
                    }
                },
                connection);
        Task task = submit("a", 1);
        desk.checkCredentials();
        assertThat(connection.isEnded).isFalse();

        refusals.add("certificate 7 was revoked");
        desk.checkCredentials();

        assertThat(connection.goodbye()).contains(GoodbyeCode.GOODBYE_CODE_REVOKED);
        assertThat(desk.clients()).isEmpty();
        assertThat(listener.outcomes(task).get(0).reason()).contains("certificate 7 was revoked");
        assertThat(desk.refused().take())
                .containsExactly(new Refusal(Optional.of("a"), true, "certificate 7 was revoked", 1));
    }

    // ---- The end ----

    @Test
    void drainsClientsWithATimeToComeBack() {
        Site site = site("a");
        Task task = submit("a", 1);

        desk.drain("new version", Duration.ofSeconds(7));

        assertThat(site.connection.goodbye()).contains(GoodbyeCode.GOODBYE_CODE_DRAINING);
        assertThat(site.connection
                        .sent
                        .get(site.connection.sent.size() - 1)
                        .getGoodbye()
                        .getRetryAfterMillis())
                .isEqualTo(7_000);
        assertThat(refused(hello("b", 1, 1).build()).goodbye()).contains(GoodbyeCode.GOODBYE_CODE_DRAINING);
        assertThat(listener.outcomes(task)).isEmpty();
    }

    @Test
    void tellsClientsThatTheRunIsOver() {
        Site site = site("a");
        Task task = submit("a", 1);

        desk.close();
        desk.close();

        assertThat(site.connection.goodbye()).contains(GoodbyeCode.GOODBYE_CODE_RUN_OVER);
        assertThat(refused(hello("b", 1, 1).build()).goodbye()).contains(GoodbyeCode.GOODBYE_CODE_RUN_OVER);
        assertThat(listener.outcomes(task)).isEmpty();
        assertThat(desk.modelCount()).isZero();
        assertThatThrownBy(() -> submit("a", 2)).isInstanceOf(IllegalStateException.class);
        desk.cancel(task);
    }

    @Test
    @Timeout(20)
    void waitsForClientsHoweverLong() throws Exception {
        site("a");

        assertThat(desk.awaitClients(1, ChronoUnit.FOREVER.getDuration())).isTrue();
    }
}
