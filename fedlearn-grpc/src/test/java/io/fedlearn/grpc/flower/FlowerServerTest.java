package io.fedlearn.grpc.flower;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fedlearn.core.strategy.Capability;
import io.fedlearn.core.strategy.ClientInfo;
import io.fedlearn.core.task.ClientOutcome;
import io.fedlearn.core.task.ClientOutcome.Failed;
import io.fedlearn.core.task.ClientOutcome.Rejected;
import io.fedlearn.core.task.Config;
import io.fedlearn.core.task.Task;
import io.fedlearn.core.task.TaskKind;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Shape;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.tensor.TensorRole;
import io.fedlearn.grpc.proto.flower.ClientMessage;
import io.fedlearn.grpc.proto.flower.Code;
import io.fedlearn.testkit.runtime.RecordingListener;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.RejectedExecutionException;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Who joins the server under which id, and what its settings do. */
class FlowerServerTest extends FlowerServerScene {
    @Test
    void aClientIsEligibleAtOnceWithoutAWord() throws Exception {
        FlowerServer server = start();

        WirePeer peer = joinSole(server);

        assertThat(soleId(server)).matches("flower-1-[0-9a-f]{8}");
        assertThat(peer.hasMessage()).isFalse();
    }

    @Test
    void twoCallsOnOneConnectionAreTwoClients() throws Exception {
        FlowerServer server = start();
        ManagedChannel channel = WirePeer.channel(server.address());
        open.add(channel::shutdownNow);

        open.add(WirePeer.join(channel));
        open.add(WirePeer.join(channel));

        assertThat(server.awaitClients(2, PATIENCE)).isTrue();
    }

    @Test
    void aClientThatComesBackIsAnotherOne() throws Exception {
        FlowerServer server = start();
        WirePeer first = joinSole(server);
        String before = soleId(server);
        first.close();
        awaitNoClients(server);

        joinSole(server);

        assertThat(soleId(server)).isNotEqualTo(before);
        assertThat(server.capabilities()).containsExactly(Capability.TRAINING_SETTINGS);
    }

    private static void awaitNoClients(FlowerServer server) {
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        while (!server.clients().isEmpty()) {
            assertThat(System.nanoTime()).as("the client should be gone").isLessThan(deadline);
            Thread.onSpinWait();
        }
    }

    @Test
    void refusesMoreClientsThanItTakes() throws Exception {
        FlowerServer server = start(builder().limits(FlowerLimits.defaults().withMaxClients(1, 10)));
        WirePeer first = joinSole(server);

        WirePeer second = join(server);

        assertThat(second.awaitEnd().getCode()).isEqualTo(Status.Code.RESOURCE_EXHAUSTED);
        assertThat(server.clients()).hasSize(1);
        first.close();
    }

    @Test
    void insecurityMustBeAskedForByName() {
        assertThatThrownBy(() -> FlowerServer.builder().start())
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("ServerSecurity.insecure()");
    }

    @Test
    void aMessageBeforeTheFirstInstructionIsNotLetIn() throws Exception {
        FlowerServer server = start();
        ManagedChannel channel = WirePeer.channel(server.address());
        open.add(channel::shutdownNow);
        WirePeer peer = WirePeer.join(channel);
        open.add(peer);
        assertThat(server.awaitClients(1, PATIENCE)).isTrue();
        Task task = task(server, TaskKind.EVALUATE, 1);

        peer.send(ClientMessage.EvaluateRes.newBuilder().setNumExamples(1));
        // On the same connection, so that the message is at the server before this client is.
        open.add(WirePeer.join(channel));
        assertThat(server.awaitClients(2, PATIENCE)).isTrue();

        // It waits in the network's window until something is asked; read at once, it would have ended the call.
        submit(server, task);
        assertThat(update(finished(task)).exampleCount()).isEqualTo(1);
    }

    // ---- Ids that last

    @Test
    void aPropertyMaySayTheClientsId() throws Exception {
        FlowerServer server = start(quick().idProperty(ID));
        WirePeer peer = join(server);
        assertThat(peer.awaitMessage().hasGetPropertiesIns()).isTrue();
        assertThat(server.clients()).isEmpty();

        peer.sayProperties(Map.of(ID, "hospital-a", "exampleCount", 100));

        assertThat(server.awaitClients(1, PATIENCE)).isTrue();
        assertThat(server.clients())
                .containsExactly(
                        new ClientInfo("hospital-a", Config.of(Map.of(ID, "hospital-a", "exampleCount", 100))));
        assertThat(server.capabilities()).containsExactly(Capability.STABLE_IDENTITY, Capability.TRAINING_SETTINGS);
    }

    @Test
    void aClientThatDoesNotSayItsIdIsRefused() throws Exception {
        FlowerServer server = start(quick().idProperty(ID));
        WirePeer other = join(server);
        other.awaitMessage();
        other.sayProperties(Map.of("id", "x"));
        WirePeer unable = join(server);
        unable.awaitMessage();
        unable.send(ClientMessage.newBuilder()
                .setGetPropertiesRes(ClientMessage.GetPropertiesRes.newBuilder()
                        .setStatus(WirePeer.status(
                                Code.GET_PROPERTIES_NOT_IMPLEMENTED, "Client does not implement `get_properties`")))
                .build());

        assertThat(other.awaitEnd().getDescription()).contains("'client_id'");
        assertThat(unable.awaitEnd().getDescription()).contains("Client does not implement `get_properties`");
        assertThat(server.clients()).isEmpty();
    }

    @Test
    void aClientThatIsSilentAboutItsIdIsRefusedInTime() throws Exception {
        FlowerServer server = start(builder()
                .idProperty(ID)
                .limits(FlowerLimits.defaults().withTimeouts(Duration.ofMillis(50), Duration.ofMillis(50))));

        assertThat(join(server).awaitEnd().getDescription()).isEqualTo("it has not said its id within 50 ms");
    }

    @Test
    void theLaterOfTwoClientsWithOneIdTakesThePlaceOfTheEarlier() throws Exception {
        FlowerServer server = start(quick().idProperty(ID));
        WirePeer earlier = joinAs(server, 7);
        assertThat(server.awaitClients(1, PATIENCE)).isTrue();
        Task lost = submit(server, task(server, TaskKind.FIT, 1));
        earlier.awaitMessage();

        WirePeer later = joinAs(server, 7);

        assertThat(earlier.awaitEnd().getCode()).isEqualTo(Status.Code.ABORTED);
        assertThat(finished(lost)).isInstanceOf(Failed.class);
        assertThat(server.clients()).extracting(ClientInfo::id).containsExactly("7");
        Task task = submit(server, task(server, TaskKind.FIT, 2));
        later.awaitMessage();
        later.send(WirePeer.fitted(MODEL, 1));
        update(finished(task));
    }

    // ---- Settings

    @Test
    void initialParametersTakeTheNamesAndRolesOfAMapping() throws Exception {
        FlowerServer server = start(quick().tensorNames(TensorNames.of(
                List.of(TensorNames.Entry.of("mean", TensorRole.BUFFER), TensorNames.Entry.of("steps")))));
        WirePeer peer = joinSole(server);
        Task task = submit(
                server, Task.builder(TaskKind.INITIAL_MODEL, soleId(server)).build());
        peer.awaitMessage();

        peer.send(WirePeer.parameters(MODEL));

        assertThat(update(finished(task)).model())
                .contains(Model.builder()
                        .buffer("mean", WEIGHTS)
                        .counter("steps", Tensor.scalar(7L))
                        .build());
    }

    static Stream<Arguments> otherInitialModels() {
        Tensor steps = Tensor.scalar(7L);
        return Stream.of(
                Arguments.of(
                        Model.builder()
                                .trainable("a", WEIGHTS.reshape(Shape.of(3, 2)))
                                .counter("b", steps)
                                .build(),
                        "tensor 'w' must have shape 2x3, had 3x2"),
                Arguments.of(
                        Model.builder()
                                .trainable("a", WEIGHTS)
                                .counter("b", steps)
                                .counter("c", steps)
                                .build(),
                        "the mapping names 2 tensors, the answer has 3"),
                Arguments.of(
                        Model.builder().trainable("a", WEIGHTS).build(),
                        "the mapping names 2 tensors, the answer has 1"));
    }

    @ParameterizedTest
    @MethodSource("otherInitialModels")
    void initialParametersMustBeThoseOfTheSpecification(Model other, String reason) throws Exception {
        FlowerServer server = start(quick().tensorNames(TensorNames.of(MODEL.spec())));
        WirePeer peer = joinSole(server);
        Task task = submit(
                server, Task.builder(TaskKind.INITIAL_MODEL, soleId(server)).build());
        peer.awaitMessage();

        peer.send(WirePeer.parameters(other));

        assertThat(finished(task)).isEqualTo(new Rejected(reason));
    }

    @Test
    void threadsOfItsOwnDoWhatTheExecutorRejects() throws Exception {
        FlowerServer server = start(quick().executor(work -> {
            throw new RejectedExecutionException("full");
        }));
        WirePeer peer = joinSole(server);
        Task task = submit(server, task(server, TaskKind.FIT, 1));
        peer.awaitMessage();

        peer.send(WirePeer.fitted(MODEL, 1));

        update(finished(task));
        assertThat(listener.events(task))
                .filteredOn(RecordingListener.Finished.class::isInstance)
                .singleElement()
                .satisfies(event -> assertThat(
                                ((RecordingListener.Finished) event).thread().getName())
                        .startsWith("fedlearn-flower-"));
    }

    @Test
    void refusesANegativeShareOfTheHeap() {
        assertThatThrownBy(() -> builder().receiveHeapBytes(-1))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("bytes must be >= 0, was -1");
    }

    @Test
    void aModelBeyondTheMessageLimitFailsTheTaskAndNotTheClient() throws Exception {
        FlowerServer server = start(builder()
                .limits(FlowerLimits.defaults()
                        .withMaxMessageBytes(1000)
                        .withTimeouts(PATIENCE, Duration.ofMillis(100))));
        WirePeer peer = joinSole(server);
        Model model =
                Model.builder().trainable("w", Tensor.copyOf(new float[250])).build();

        ClientOutcome outcome = finished(submit(
                server, Task.builder(TaskKind.FIT, soleId(server)).model(model).build()));
        Task small = submit(server, task(server, TaskKind.FIT, 2));
        peer.awaitMessage();
        peer.send(WirePeer.fitted(MODEL, 1));

        assertThat(outcome).isInstanceOf(Failed.class);
        assertThat(outcome.reason()).contains("1000 (maxMessageBytes)");
        update(finished(small));
    }
}
