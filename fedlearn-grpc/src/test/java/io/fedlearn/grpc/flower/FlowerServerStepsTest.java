package io.fedlearn.grpc.flower;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fedlearn.core.runtime.TaskListener;
import io.fedlearn.core.task.ClientOutcome;
import io.fedlearn.core.task.ClientOutcome.Failed;
import io.fedlearn.core.task.ClientOutcome.Rejected;
import io.fedlearn.core.task.Task;
import io.fedlearn.core.task.TaskKind;
import io.fedlearn.grpc.internal.netty.Logged;
import io.fedlearn.grpc.proto.flower.ClientMessage;
import io.fedlearn.grpc.proto.flower.Reason;
import io.grpc.Status;
import java.util.logging.LogRecord;
import org.junit.jupiter.api.Test;

/** Clients that are out of step, leave or die, and tasks that are cancelled. */
class FlowerServerStepsTest extends OneClientScene {
    @Test
    void anAnswerToAnotherInstructionIsRejectedAndEndsTheCall() throws Exception {
        Task task = ask(TaskKind.FIT, 1);
        Task queued = submit(TaskKind.EVALUATE, 1);

        peer.send(ClientMessage.EvaluateRes.newBuilder().setNumExamples(1));

        assertThat(finished(task)).isEqualTo(new Rejected("the answer must be fit_res, was evaluate_res"));
        assertThat(finished(queued)).isInstanceOf(Failed.class);
        assertThat(peer.awaitEnd().getCode()).isEqualTo(Status.Code.FAILED_PRECONDITION);
        assertThat(server.clients()).isEmpty();
    }

    @Test
    void aMessageWithoutAnyAnswerIsRejected() throws Exception {
        Task task = ask(TaskKind.FIT, 1);

        peer.send(ClientMessage.getDefaultInstance());

        assertThat(finished(task)).isEqualTo(new Rejected("the answer must be fit_res, was empty"));
    }

    @Test
    void aMessageThatNobodyAskedForEndsTheCallAndAnswersNothing() throws Exception {
        Task first = ask(TaskKind.FIT, 1);
        peer.send(WirePeer.fitted(MODEL, 1));
        update(finished(first));

        peer.send(WirePeer.fitted(MODEL, 1_000_000));

        assertThat(peer.awaitEnd().getDescription()).contains("without having been asked");
        assertThat(server.clients()).isEmpty();
        assertThat(listener.finishedIds()).containsExactly(first.id());
    }

    @Test
    void instructionsAreSentOneByOne() throws Exception {
        Task fit = submit(TaskKind.FIT, 1);
        Task evaluate = submit(TaskKind.EVALUATE, 1);
        assertThat(peer.awaitMessage().hasFitIns()).isTrue();
        assertThat(listener.events(evaluate)).isEmpty();
        assertThat(peer.hasMessage()).isFalse();

        peer.send(WirePeer.fitted(MODEL, 1));

        assertThat(peer.awaitMessage().hasEvaluateIns()).isTrue();
        update(finished(fit));
        assertThat(listener.outcomes(evaluate)).isEmpty();
    }

    // ---- Gone, late, cancelled

    @Test
    void aClientThatDiesAtWorkHasFailedAndIsGone() throws Exception {
        Task task = ask(TaskKind.FIT, 1);

        peer.close();

        assertThat(finished(task)).isEqualTo(new Failed("the client is gone: its connection has ended"));
        assertThat(server.clients()).isEmpty();
        String id = task.clientId();
        ClientOutcome outcome =
                finished(submit(Task.builder(TaskKind.FIT, id).round(2).build()));
        assertThat(outcome).isEqualTo(new Failed("there is no client '" + id + "'"));
    }

    @Test
    void aClientThatEndsItsSideHasLeft() throws Exception {
        peer.halfClose();

        assertThat(peer.awaitEnd().isOk()).isTrue();
        assertThat(server.clients()).isEmpty();
    }

    @Test
    void aGoodbyeInsteadOfAnAnswerFailsTheTask() throws Exception {
        Task task = ask(TaskKind.FIT, 1);

        peer.send(ClientMessage.newBuilder()
                .setDisconnectRes(ClientMessage.DisconnectRes.newBuilder().setReason(Reason.POWER_DISCONNECTED))
                .build());

        assertThat(finished(task)).isEqualTo(new Failed("the client is gone: it has left (POWER_DISCONNECTED)"));
        assertThat(server.clients()).isEmpty();
    }

    @Test
    void cancellingEndsTheCallOfAClientAtWork() throws Exception {
        Task task = ask(TaskKind.FIT, 1);

        server.cancel(task);

        assertThat(peer.awaitEnd().getCode()).isEqualTo(Status.Code.DEADLINE_EXCEEDED);
        assertThat(server.clients()).isEmpty();
        assertThat(listener.outcomes(task)).isEmpty();
    }

    @Test
    void cancellingAQueuedTaskLeavesTheClientAlone() throws Exception {
        Task fit = ask(TaskKind.FIT, 1);
        Task queued = submit(TaskKind.EVALUATE, 1);

        server.cancel(queued);
        peer.send(WirePeer.fitted(MODEL, 1));

        update(finished(fit));
        Task next = submit(TaskKind.FIT, 2);
        assertThat(peer.awaitMessage().hasFitIns()).isTrue();
        assertThat(listener.outcomes(queued)).isEmpty();
        assertThat(listener.outcomes(next)).isEmpty();
    }

    @Test
    void logsNameNoTask() throws Exception {
        Task first = task(TaskKind.FIT, 1);
        try (Logged log = Logged.of(FlowerServer.class)) {
            server.submit(first, new TaskListener() {
                @Override
                public void started(Task task) {
                    throw new IllegalStateException(task.id());
                }

                @Override
                public void progress(Task task, long done, long total) {}

                @Override
                public void finished(Task task, ClientOutcome outcome) {}
            });

            LogRecord failure = log.await("the listener of a task has failed (java.lang.IllegalStateException)");
            assertThat(failure.getMessage()).doesNotContain(first.id());
            assertThat(failure.getThrown()).isNull();
            peer.awaitMessage();
            server.cancel(first);
            assertThat(log.await("is gone").getMessage()).doesNotContain(first.id());
        }
    }

    @Test
    void refusesATaskThatIsUnderWay() throws Exception {
        Task task = submit(TaskKind.FIT, 1);

        assertThatThrownBy(() -> server.submit(task, listener))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("under way");
    }
}
