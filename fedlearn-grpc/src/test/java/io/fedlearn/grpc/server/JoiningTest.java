package io.fedlearn.grpc.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import io.fedlearn.core.runtime.Refusal;
import io.fedlearn.core.strategy.ClientInfo;
import io.fedlearn.core.task.Config;
import io.fedlearn.core.task.Task;
import io.fedlearn.grpc.proto.v1.ClientMessage;
import io.fedlearn.grpc.proto.v1.Compression;
import io.fedlearn.grpc.proto.v1.GoodbyeCode;
import io.fedlearn.grpc.proto.v1.Hello;
import io.fedlearn.grpc.proto.v1.Setting;
import io.fedlearn.grpc.proto.v1.Welcome;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** Who is let in, and whose place a newcomer takes. */
class JoiningTest extends DeskTestBed {
    @Test
    void welcomesAClientWithWhatItMustKnow() {
        Site site = site("a");

        Welcome welcome = site.connection.sent.get(0).getWelcome();
        assertThat(welcome.getVersion()).isEqualTo(1);
        assertThat(welcome.getSession().size()).isEqualTo(32);
        assertThat(welcome.getHeartbeatMillis()).isEqualTo(10_000);
        assertThat(welcome.getChunkBytes()).isEqualTo(1 << 18);
        assertThat(welcome.getInlineBytes()).isEqualTo(INLINE_BYTES);
        assertThat(welcome.getCompression()).isEqualTo(Compression.COMPRESSION_NONE);
        assertThat(desk.session(welcome.getSession())).contains(site.live());
    }

    @Test
    void compressesForClientsThatCan() {
        FakeConnection connection = new FakeConnection();

        desk.join(
                hello("a", 1, 1)
                        .addCompressions(Compression.COMPRESSION_NONE)
                        .addCompressions(Compression.COMPRESSION_ZSTD)
                        .build(),
                credential(Optional.empty()),
                connection);

        assertThat(connection.sent.get(0).getWelcome().getCompression()).isEqualTo(Compression.COMPRESSION_ZSTD);
    }

    @Test
    void listsClientsByIdWithWhatTheyTellOfThemselves() {
        site("b");
        desk.join(
                hello("a", 1, 1)
                        .addProperties(Setting.newBuilder().setName("beds").setWhole(12))
                        .build(),
                credential(Optional.empty()),
                new FakeConnection());

        assertThat(desk.clients())
                .containsExactly(
                        new ClientInfo("a", Config.empty().with("beds", 12)), new ClientInfo("b", Config.empty()));
    }

    @Test
    void refusesVersionsThatItDoesNotSpeak() {
        assertThat(refused(hello("a", 1, 1).setMinVersion(2).setMaxVersion(3).build())
                        .goodbye())
                .contains(GoodbyeCode.GOODBYE_CODE_NO_COMMON_VERSION);
        assertThat(desk.clients()).isEmpty();
        assertThat(counted).containsExactly("refused no-common-version");
    }

    @Test
    void speaksItsVersionWithClientsThatKnowLaterOnes() {
        assertThat(desk.join(
                        hello("a", 1, 1).setMaxVersion(7).build(), credential(Optional.empty()), new FakeConnection()))
                .isPresent();
    }

    @Test
    void refusesMalformedHellos() {
        List<Hello.Builder> malformed = List.of(
                hello("a", 1, 1).setMinVersion(2),
                hello("a", 1, 0),
                hello("a", 1, 1).setInstance(ByteString.copyFromUtf8("short")),
                hello("a", 1, 1).setSoftware("x".repeat(257)),
                hello("", 1, 1),
                hello("x".repeat(257), 1, 1),
                hello("a\nb", 1, 1),
                hello("a", 1, 1).addProperties(Setting.newBuilder().setName("no value")));

        for (Hello.Builder hello : malformed) {
            assertThat(refused(hello.build()).goodbye()).contains(GoodbyeCode.GOODBYE_CODE_MALFORMED);
        }
        assertThat(desk.clients()).isEmpty();
    }

    @Test
    void knowsAClientByItsCertificateAndNotByItsWord() {
        FakeConnection nameless = new FakeConnection();
        FakeConnection liar = new FakeConnection();

        desk.join(hello("", 1, 1).build(), credential(Optional.of("a")), nameless);
        Optional<Session> lied = desk.join(hello("a", 2, 1).build(), credential(Optional.of("b")), liar);

        assertThat(desk.clients()).extracting(ClientInfo::id).containsExactly("a");
        assertThat(lied).isEmpty();
        assertThat(liar.goodbye()).contains(GoodbyeCode.GOODBYE_CODE_IDENTITY_REFUSED);
        assertThat(nameless.isEnded).isFalse();
    }

    @Test
    void saysOnOneLineWhyItRefuses() {
        assertThat(Replies.goodbye(GoodbyeCode.GOODBYE_CODE_NOT_ADMITTED, "beds must be 12, was '\n\u001b[2J'")
                        .getReason())
                .isEqualTo("beds must be 12, was '  [2J'");
    }

    @Test
    void takesNoteOfWhomItRefuses() {
        desk = newDesk(ServerLimits.builder().maxClients(1).build());
        site("a");
        desk.join(hello("x", 2, 1).build(), credential(Optional.of("b")), new FakeConnection());
        refused(hello("c", 3, 1).build());
        refused(hello("c", 3, 2).build());
        refused(hello("d\n", 4, 1).build());

        assertThat(desk.refused().take())
                .containsExactly(
                        new Refusal(Optional.of("b"), true, "its certificate or token is client 'b's", 1),
                        new Refusal(Optional.of("c"), false, "there are 1 clients, more are not taken", 2),
                        new Refusal(
                                Optional.of("d "),
                                false,
                                "a client's id must have 1 to 256 characters and no control characters",
                                1));
    }

    @Test
    void whoComesWhenTheServerPausesOrEndsIsNotRefused() {
        desk.drain("a restart", Duration.ofSeconds(1));
        refused(hello("a", 1, 1).build());
        desk.close();
        refused(hello("a", 1, 2).build());

        assertThat(desk.refused().take()).isEmpty();
    }

    @Test
    void takesNoMoreClientsThanItsLimit() {
        desk = newDesk(ServerLimits.builder().maxClients(1).build());
        Site first = site("a");

        FakeConnection second = refused(hello("b", 1, 1).build());

        assertThat(second.goodbye()).contains(GoodbyeCode.GOODBYE_CODE_FULL);
        assertThat(second.sent.get(0).getGoodbye().getRetryAfterMillis()).isPositive();
        assertThat(first.join().session).as("a member comes back").isPresent();
    }

    // ---- Connections of the same client ----

    @Test
    void letsALaterAttemptOfTheSameProcessTakeOver() {
        Site site = site("a");
        FakeConnection old = site.connection;
        ByteString oldToken = site.live().token;

        site.join();

        assertThat(old.isEnded).isTrue();
        assertThat(old.goodbye()).isEmpty();
        assertThat(desk.session(oldToken)).isEmpty();
        assertThat(desk.session(site.live().token)).isPresent();
        assertThat(desk.clients()).hasSize(1);
    }

    @Test
    void refusesAReplayedConnectionAndKeepsTheLiveOne() {
        Site site = site("a").join();
        FakeConnection live = site.connection;

        FakeConnection replayed = refused(hello("a", 1, 1).build());

        assertThat(replayed.goodbye()).contains(GoodbyeCode.GOODBYE_CODE_REPLAYED);
        assertThat(live.isEnded).isFalse();
    }

    @Test
    void refusesAReplayAlsoAfterTheClientHasGone() {
        Site site = site("a").join();
        desk.leave(site.live(), "done");

        assertThat(refused(hello("a", 1, 2).build()).goodbye()).contains(GoodbyeCode.GOODBYE_CODE_REPLAYED);
    }

    @Test
    void letsANewProcessWinAndTellsTheOldOneForGood() {
        Site old = site("a");
        Site young = new Site("a", 2).join();

        assertThat(old.connection.goodbye()).contains(GoodbyeCode.GOODBYE_CODE_SUPERSEDED);
        old.join();
        assertThat(old.session).isEmpty();
        assertThat(old.connection.goodbye()).contains(GoodbyeCode.GOODBYE_CODE_SUPERSEDED);
        assertThat(young.connection.isEnded).isFalse();
    }

    @Test
    void ignoresWhatASupersededConnectionStillSays() {
        Site old = site("a");
        Task task = submit("a", 1);
        Session before = old.live();
        new Site("a", 2).join();

        assertThat(desk.hear(before, ClientMessage.MessageCase.HEARTBEAT)).isFalse();
        desk.lost(before, "late");
        desk.leave(before, "late");

        assertThat(desk.clients()).hasSize(1);
        assertThat(listener.outcomes(task)).isEmpty();
    }
}
