package io.fedlearn.grpc.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import io.fedlearn.core.task.ClientOutcome;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.task.Task;
import io.fedlearn.grpc.proto.v1.TaskAnswer;
import org.junit.jupiter.api.Test;

/** Which answers count. */
class AnswersTest extends DeskTestBed {
    @Test
    void refusesAnswersToTasksThatNobodyKnows() {
        Site site = site("a");

        site.send(TaskAnswer.newBuilder().setTaskId("run/9/0-fit/a").build());

        assertThat(site.connection.verdicts()).containsExactly("UNKNOWN_TASK");
    }

    @Test
    void refusesAnotherClientsAnswer() {
        Site a = site("a");
        Site b = site("b");
        Task task = submit("a", 1);

        b.send(a.update(task));
        a.send(a.update(task));
        b.send(a.update(task));

        assertThat(b.connection.verdicts()).containsExactly("FOREIGN", "FOREIGN");
        assertThat(a.connection.verdicts()).containsExactly("ACCEPTED");
        assertThat(listener.outcomes(task)).hasSize(1);
    }

    @Test
    void refusesTheAnswerToAnEarlierTaskOfTheSameId() {
        Site site = site("a");
        Task task = submit("a", 1);
        TaskAnswer stale = site.update(task);
        desk.cancel(task);
        desk.submit(task.toBuilder().seed(99).build(), listener);

        site.send(stale);
        site.send(site.update(task));
        site.send(stale);

        assertThat(site.connection.verdicts()).containsExactly("STALE", "ACCEPTED", "STALE");
        assertThat(listener.outcomes(task)).hasSize(1);
    }

    @Test
    void tellsALateAnswerOnceAndWithoutItsValues() {
        Site site = site("a");
        Task task = submit("a", 1);
        site.started(task);
        desk.cancel(task);

        site.send(site.update(task));
        site.send(site.update(task));

        assertThat(site.connection.cancelledIds()).containsExactly(task.id());
        assertThat(site.connection.verdicts()).containsExactly("LATE", "LATE");
        assertThat(counted).containsExactly("task cancelled", "answer late", "answer late");
        assertThat(listener.outcomes(task)).hasSize(1);
        ClientUpdate late = ((ClientOutcome.Completed) listener.outcomes(task).get(0)).update();
        assertThat(late.model()).isEmpty();
        assertThat(late.byteCount()).isZero();
    }

    @Test
    void doesNotTellThatALateClientDeclined() {
        Site site = site("a");
        Task task = submit("a", 1);
        desk.cancel(task);

        site.send(site.answer(task, new ClientOutcome.Declined("no")));

        assertThat(site.connection.verdicts()).containsExactly("LATE");
        assertThat(listener.outcomes(task)).isEmpty();
    }

    @Test
    void rejectsMalformedAnswers() {
        Site site = site("a");
        Task task = submit("a", 1);
        TaskAnswer good = site.update(task);
        TaskAnswer bad = good.toBuilder()
                .setUpdate(good.getUpdate().toBuilder()
                        .setModel(good.getUpdate().getModel().toBuilder().setByteCount(9)))
                .build();

        site.send(bad);
        site.send(good);

        assertThat(site.connection.verdicts()).containsExactly("MALFORMED", "DUPLICATE");
        assertThat(listener.outcomes(task)).hasSize(1);
        assertThat(listener.outcomes(task).get(0)).isInstanceOf(ClientOutcome.Rejected.class);
    }

    @Test
    void rejectsAnswersThatAreTooLargeBeforeLookingAtThem() {
        Site site = site("a");
        Task task = submit("a", 1);
        TaskAnswer good = site.update(task);

        site.send(good.toBuilder()
                .setUpdate(good.getUpdate().toBuilder()
                        .setModel(good.getUpdate().getModel().toBuilder().setByteCount(1L << 40)))
                .build());

        assertThat(site.connection.verdicts()).containsExactly("TOO_LARGE");
        assertThat(counted).contains("answer too-large");
        assertThat(listener.outcomes(task).get(0)).isInstanceOf(ClientOutcome.Rejected.class);
    }

    @Test
    void asksForADamagedAnswerAgain() {
        Site site = site("a");
        Task task = submit("a", 1);
        TaskAnswer good = site.update(task);
        TaskAnswer damaged = good.toBuilder()
                .setUpdate(good.getUpdate().toBuilder()
                        .setModel(good.getUpdate().getModel().toBuilder()
                                .setValues(ByteString.copyFrom(new byte[] {0, 0, 1, 1, 0, 0, 1, 1}))))
                .build();

        site.send(damaged);
        assertThat(listener.outcomes(task)).isEmpty();
        site.send(good);

        assertThat(site.connection.verdicts()).containsExactly("CORRUPT", "ACCEPTED");
        assertThat(listener.outcomes(task)).hasSize(1);
    }
}
