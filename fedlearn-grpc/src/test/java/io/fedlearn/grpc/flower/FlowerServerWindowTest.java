package io.fedlearn.grpc.flower;

import static org.assertj.core.api.Assertions.assertThat;

import io.fedlearn.core.task.ClientOutcome.Failed;
import io.fedlearn.core.task.Task;
import io.fedlearn.core.task.TaskKind;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Tensor;
import java.time.Duration;
import org.junit.jupiter.api.Test;

/** How a client that reads nothing holds up others, and for how long. */
class FlowerServerWindowTest extends FlowerServerScene {
    /** Two clients, the first of which reads no instruction and so holds the whole window. */
    private final class Jam {
        final FlowerServer server;
        final WirePeer deaf;
        final WirePeer second;
        final Task unread;
        final Task behind;

        Jam(FlowerServer.Builder builder) throws InterruptedException {
            server = start(builder.idProperty(ID).windowBytes(1));
            deaf = WirePeer.joinReading(server.address(), 1);
            open.add(deaf);
            introduce(deaf, "deaf");
            second = joinAs(server, "second");
            assertThat(server.awaitClients(2, PATIENCE)).isTrue();
            Model large = Model.builder()
                    .trainable("w", Tensor.copyOf(new float[4 << 20]))
                    .build();
            unread = submit(
                    server,
                    Task.builder(TaskKind.FIT, "deaf").round(1).model(large).build());
            listener.awaitStarted(unread, PATIENCE);
            behind = submit(
                    server,
                    Task.builder(TaskKind.FIT, "second").round(1).model(MODEL).build());
        }
    }

    @Test
    void aClientThatLeavesGivesUpItsPlaceInTheSendWindow() throws Exception {
        Jam jam = new Jam(quick());
        assertThat(jam.second.hasMessage()).isFalse();

        jam.deaf.close();

        assertThat(jam.second.awaitMessage().hasFitIns()).isTrue();
        assertThat(finished(jam.unread)).isInstanceOf(Failed.class);
        jam.second.send(WirePeer.fitted(MODEL, 1));
        update(finished(jam.behind));
    }

    @Test
    void aClientThatDoesNotReadItsInstructionInTimeLosesItsCallAndItsPlace() throws Exception {
        Jam jam = new Jam(builder()
                .limits(FlowerLimits.defaults()
                        .withTimeouts(Duration.ofSeconds(30), Duration.ofMillis(100))
                        .withSendTimeout(Duration.ofSeconds(1))));

        assertThat(finished(jam.unread))
                .isEqualTo(new Failed("the client is gone: it has not read its instruction within 1000 ms"));
        assertThat(jam.second.awaitMessage().hasFitIns()).isTrue();
        jam.second.send(WirePeer.fitted(MODEL, 1));
        update(finished(jam.behind));
    }

    @Test
    void anAnswerToATaskThatIsNotYetSentCountsForNothing() throws Exception {
        Jam jam = new Jam(quick());

        jam.second.send(WirePeer.fitted(MODEL, 1_000_000));

        assertThat(jam.second.awaitEnd().getDescription()).contains("without having been asked");
        assertThat(finished(jam.behind)).isInstanceOf(Failed.class);
    }
}
