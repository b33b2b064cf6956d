package io.fedlearn.testkit.fault;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.fedlearn.core.client.InMemoryClientStateStore;
import io.fedlearn.core.runtime.TaskRunner;
import io.fedlearn.core.task.ClientOutcome;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.task.Task;
import io.fedlearn.core.task.TaskKind;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.update.InvalidUpdateException;
import io.fedlearn.core.update.UpdateCheck;
import io.fedlearn.testkit.client.NoOpClient;
import io.fedlearn.testkit.generator.ModelGenerator;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class FaultyClientTest {
    private static final Model MODEL = ModelGenerator.of(1).nextModerate(ModelGenerator.networkSpec());

    private static ClientOutcome run(FaultyClient client, TaskKind kind, int round) {
        Task task = Task.builder(kind, "client").round(round).model(MODEL).build();
        return TaskRunner.of(InMemoryClientStateStore.create()).run(client, task, (done, total) -> {}, () -> false);
    }

    private static ClientOutcome run(Fault fault) {
        return run(FaultyClient.around(NoOpClient.withExamples(5)).always(fault), TaskKind.FIT, 1);
    }

    private static ClientUpdate update(Fault fault) {
        return ((ClientOutcome.Completed) run(fault)).update();
    }

    @Test
    void doesWhatItsClientDoesWhereNothingIsScripted() {
        FaultyClient client = FaultyClient.around(NoOpClient.withExamples(5))
                .inRound(3, Fault.throwing("round 3"))
                .always(TaskKind.EVALUATE, Fault.decline("never"));

        assertThat(run(client, TaskKind.FIT, 2)).isInstanceOf(ClientOutcome.Completed.class);
        assertThat(run(client, TaskKind.FIT, 3).word()).isEqualTo("failed");
        assertThat(run(client, TaskKind.FIT, 4)).isInstanceOf(ClientOutcome.Completed.class);
        assertThat(run(client, TaskKind.EVALUATE, 2)).isEqualTo(new ClientOutcome.Declined("never"));
    }

    @Test
    void faultOfARoundGoesBeforeOneThatIsThereAlways() {
        FaultyClient client = FaultyClient.around(NoOpClient.create())
                .always(Fault.throwing("always"))
                .inRound(2, Fault.decline("round 2"))
                .inRound(2, TaskKind.EVALUATE, Fault.decline("evaluation"));

        assertThat(run(client, TaskKind.FIT, 1).word()).isEqualTo("failed");
        assertThat(run(client, TaskKind.FIT, 2)).isEqualTo(new ClientOutcome.Declined("round 2"));
        assertThat(run(client, TaskKind.EVALUATE, 1)).isInstanceOf(ClientOutcome.Completed.class);
        assertThat(run(client, TaskKind.EVALUATE, 2)).isEqualTo(new ClientOutcome.Declined("evaluation"));
    }

    @Test
    void addingAFaultLeavesTheClientAsItWas() {
        FaultyClient good = FaultyClient.around(NoOpClient.create());

        good.always(Fault.throwing("broken")).inRound(1, Fault.nan());

        assertThat(run(good, TaskKind.FIT, 1)).isInstanceOf(ClientOutcome.Completed.class);
    }

    static Stream<Arguments> malformed() {
        return Stream.of(
                Arguments.of("NaN", Fault.nan(), "holds NaN at index 14"),
                Arguments.of("infinity", Fault.infinite(), "holds an infinite value at index 14"),
                Arguments.of("name", Fault.wrongName(), "'dense/weights-renamed' is not in the global model"),
                Arguments.of("shape", Fault.wrongShape(), "must have shape 5x3, had 2x5x3"),
                Arguments.of("type", Fault.wrongType(), "must be of type FLOAT32, was FLOAT64"),
                Arguments.of("role", Fault.wrongRole(), "must have role TRAINABLE, had BUFFER"),
                Arguments.of("missing", Fault.missingTensor(), "'norm/batches' is missing"),
                Arguments.of("extra", Fault.extraTensor(), "'extra' is not in the global model"),
                Arguments.of("order", Fault.wrongOrder(), "is out of order"),
                Arguments.of("no examples", Fault.exampleCount(0), "example count must be >= 1, was 0"),
                Arguments.of("negative count", Fault.exampleCount(-1), "was -1"),
                Arguments.of("huge count", Fault.exampleCount(Long.MAX_VALUE), "was 9223372036854775807"),
                Arguments.of("no model", Fault.noModel(), "holds no model"),
                Arguments.of("size", Fault.oversized(1L << 40), "bytes, at most"));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("malformed")
    void malformedAnswersAreStoppedAtTheBorder(String name, Fault fault, String reason) {
        ClientUpdate update = update(fault);
        UpdateCheck check = UpdateCheck.forModel(MODEL.spec());

        InvalidUpdateException refusal = catchThrowableOfType(InvalidUpdateException.class, () -> {
            check.checkSizes(update);
            check.checkModel(update, MODEL.spec());
        });

        assertThat(refusal).isNotNull().hasMessageContaining(reason);
    }

    @Test
    void throwsWhateverItIsTold() {
        assertThat(run(Fault.throwing(() -> new IOException("no disk"))).reason())
                .startsWith("java.io.IOException at ");
        assertThat(run(Fault.throwing(() -> new AssertionError("must not be"))).reason())
                .contains("AssertionError");
        assertThat(run(Fault.stackOverflow()).reason()).contains("StackOverflowError");
    }

    @Test
    void hangsUntilItIsInterrupted() throws Exception {
        CountDownLatch started = new CountDownLatch(1);
        CompletableFuture<ClientOutcome> outcome = new CompletableFuture<>();
        Thread thread = new Thread(() -> {
            started.countDown();
            outcome.complete(run(Fault.hang()));
        });
        thread.start();
        started.await();
        assertThat(outcome).isNotDone();

        thread.interrupt();

        assertThat(outcome.get(20, TimeUnit.SECONDS)).isInstanceOf(ClientOutcome.Failed.class);
    }

    @Test
    void deafClientsHearTheReleaseAlone() throws Exception {
        CountDownLatch release = new CountDownLatch(1);
        CompletableFuture<ClientOutcome> late = new CompletableFuture<>();
        CompletableFuture<ClientOutcome> deaf = new CompletableFuture<>();
        Thread first = new Thread(() -> late.complete(run(Fault.late(release))));
        Thread second = new Thread(() -> deaf.complete(run(Fault.hangDeaf(release))));
        first.start();
        second.start();

        first.interrupt();
        second.interrupt();
        assertThat(late).isNotDone();
        assertThat(deaf).isNotDone();
        release.countDown();

        assertThat(late.get(20, TimeUnit.SECONDS)).isInstanceOf(ClientOutcome.Completed.class);
        assertThat(deaf.get(20, TimeUnit.SECONDS)).isInstanceOf(ClientOutcome.Failed.class);
    }

    @Test
    void slowClientsAnswerAfterTheirDelay() {
        long start = System.nanoTime();

        assertThat(run(Fault.slow(Duration.ofMillis(5)))).isInstanceOf(ClientOutcome.Completed.class);
        assertThat(System.nanoTime() - start).isGreaterThanOrEqualTo(5_000_000);
    }
}
