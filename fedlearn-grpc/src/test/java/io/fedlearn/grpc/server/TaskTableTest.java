package io.fedlearn.grpc.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fedlearn.core.runtime.TaskListener;
import io.fedlearn.core.task.ClientOutcome;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.task.Task;
import io.fedlearn.grpc.proto.v1.ServerMessage;
import io.fedlearn.grpc.proto.v1.TaskProgress;
import io.fedlearn.grpc.proto.v1.TaskStarted;
import io.fedlearn.testkit.runtime.RecordingListener;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Which tasks are offered to whom, one at a time, and what becomes of those that are given up. */
class TaskTableTest extends DeskTestBed {
    @Test
    void offersATaskAndTakesItsAnswerOnce() {
        Site site = site("a");
        Task task = submit("a", 1);
        site.started(task);

        site.send(site.update(task));
        site.send(site.update(task));

        assertThat(site.connection.offeredIds()).containsExactly(task.id());
        assertThat(site.connection.verdicts()).containsExactly("ACCEPTED", "DUPLICATE");
        assertThat(listener.events(task)).hasSize(2);
        assertThat(listener.events(task).get(0)).isInstanceOf(RecordingListener.Started.class);
        ClientUpdate update = ((ClientOutcome.Completed) listener.outcomes(task).get(0)).update();
        assertThat(update.model()).contains(SMALL);
        assertThat(update.exampleCount()).isEqualTo(3);
        assertThat(counted).containsExactly("task completed", "answer duplicate");
    }

    @Test
    void namesLargeModelsAndSendsSmallOnesAlong() {
        Site site = site("a");
        desk.submit(task("a", 1).toBuilder().model(LARGE).tensors("side", SMALL).build(), listener);

        var offer = site.connection.offers().get(0);
        assertThat(offer.getModel().hasValues()).isFalse();
        assertThat(offer.getTensors(0).getPayload().hasValues()).isTrue();
        assertThat(desk.model("a", offer.getModel().getDigest())).isPresent();
        assertThat(desk.model("b", offer.getModel().getDigest())).isEmpty();
    }

    @Test
    void holdsAModelOnceAndOnlyWhileATaskIsOpen() {
        Site a = site("a");
        Site b = site("b");
        Task first = submit("a", 1);
        Task second = submit("b", 1);
        assertThat(desk.modelCount()).isEqualTo(1);
        assertThat(a.connection.offers().get(0).getModel())
                .isSameAs(b.connection.offers().get(0).getModel());

        a.send(a.update(first));
        assertThat(desk.modelCount()).isEqualTo(1);
        desk.cancel(second);

        assertThat(desk.modelCount()).isZero();
    }

    @Test
    void hearsOfStartAndProgressInOrder() {
        Site site = site("a");
        Task task = submit("a", 1);

        desk.progress(site.live(), progress(task, 1));
        site.started(task);
        site.started(task);
        desk.progress(site.live(), progress(task, 2));
        site.send(site.update(task));
        desk.progress(site.live(), progress(task, 3));

        assertThat(listener.events(task))
                .extracting(event -> (Object) event.getClass())
                .containsExactly(
                        RecordingListener.Started.class,
                        RecordingListener.Progressed.class,
                        RecordingListener.Finished.class);
    }

    private static TaskProgress progress(Task task, long done) {
        return TaskProgress.newBuilder()
                .setTaskId(task.id())
                .setDone(done)
                .setTotal(9)
                .build();
    }

    @Test
    void tellsTheListenerThatATaskStartedThoughTheClientDidNot() {
        Site site = site("a");
        Task task = submit("a", 1);

        site.send(site.update(task));

        assertThat(listener.events(task).get(0)).isInstanceOf(RecordingListener.Started.class);
    }

    @Test
    void offersOneTaskAtATime() {
        Site site = site("a");
        Task first = submit("a", 1);
        Task second = submit("a", 2);
        assertThat(site.connection.offeredIds()).containsExactly(first.id());

        site.send(site.update(first));

        assertThat(site.connection.offeredIds()).containsExactly(first.id(), second.id());
        List<ServerMessage> sent = site.connection.sent;
        assertThat(sent.get(sent.size() - 2).hasReceipt())
                .as("the receipt comes before the next offer")
                .isTrue();
    }

    @Test
    void offersTheNextTaskOnlyWhenTheListenerHasTakenTheLastAnswer() {
        Site site = site("a");
        List<List<String>> offered = new ArrayList<>();
        TaskListener slow = new TaskListener() {
            @Override
            public void started(Task task) {}

            @Override
            public void progress(Task task, long done, long total) {}

            @Override
            public void finished(Task task, ClientOutcome outcome) {
                submit("a", 2);
                offered.add(site.connection.offeredIds());
            }
        };
        Task first = task("a", 1);
        desk.submit(first, slow);

        site.send(site.update(first));

        assertThat(offered).containsExactly(List.of(first.id()));
        assertThat(site.connection.offeredIds()).hasSize(2);
    }

    @Test
    void sendsTheReceiptThoughTheListenerThrows() {
        Site site = site("a");
        Task task = task("a", 1);
        desk.submit(task, new TaskListener() {
            @Override
            public void started(Task of) {
                throw new IllegalStateException("on purpose");
            }

            @Override
            public void progress(Task of, long done, long total) {}

            @Override
            public void finished(Task of, ClientOutcome outcome) {
                throw new IllegalStateException("on purpose");
            }
        });

        site.send(site.update(task));

        assertThat(site.connection.verdicts()).containsExactly("ACCEPTED");
    }

    @Test
    void failsTasksForClientsThatAreNotThere() {
        Task task = submit("nobody", 1);

        assertThat(listener.outcomes(task)).hasSize(1);
        assertThat(listener.outcomes(task).get(0))
                .isInstanceOf(ClientOutcome.Failed.class)
                .extracting(ClientOutcome::reason)
                .asString()
                .contains("nobody");
        assertThat(desk.modelCount()).isZero();
    }

    @Test
    void refusesATaskThatIsUnderWayAlready() {
        site("a");
        Task task = submit("a", 1);

        assertThatThrownBy(() -> desk.submit(task, listener))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining(task.id());
        assertThat(desk.modelCount()).isEqualTo(1);
    }

    @Test
    void takesATaskAgainThatHasEnded() {
        Site site = site("a");
        Task task = submit("a", 1);
        site.send(site.update(task));

        submit("a", 1);
        site.send(site.update(task));

        assertThat(site.connection.verdicts()).containsExactly("ACCEPTED", "ACCEPTED");
        assertThat(listener.outcomes(task)).hasSize(2);
    }

    @Test
    void carriesDeclinesAndFailures() {
        Site site = site("a");
        Task declined = submit("a", 1);
        site.send(site.answer(declined, new ClientOutcome.Declined("not today")));
        Task failed = submit("a", 2);
        site.send(site.answer(failed, new ClientOutcome.Failed("no disk")));

        assertThat(listener.outcomes(declined)).containsExactly(new ClientOutcome.Declined("not today"));
        assertThat(listener.outcomes(failed)).containsExactly(new ClientOutcome.Failed("no disk"));
    }

    // ---- Cancelling ----

    @Test
    void cancelsATaskThatWaitsWithoutAWordToItsClient() {
        Site site = site("a");
        Task first = submit("a", 1);
        Task second = submit("a", 2);

        desk.cancel(second);
        site.send(site.update(first));

        assertThat(site.connection.offeredIds()).containsExactly(first.id());
        assertThat(site.connection.cancelledIds()).isEmpty();
        assertThat(listener.outcomes(second)).isEmpty();
    }

    @Test
    void offersTheNextTaskWhenTheFirstIsCancelled() {
        Site site = site("a");
        Task first = submit("a", 1);
        Task second = submit("a", 2);

        desk.cancel(first);

        assertThat(site.connection.offeredIds()).containsExactly(first.id(), second.id());
        assertThat(site.connection.cancelledIds()).containsExactly(first.id());
    }

    @Test
    void tellsAClientThatComesBackWhatWasGivenUpMeanwhile() {
        Site site = site("a");
        Task task = submit("a", 1);
        desk.lost(site.live(), "cut");
        desk.cancel(task);

        site.join();

        assertThat(site.connection.cancelledIds()).containsExactly(task.id());
        assertThat(site.connection.offeredIds()).isEmpty();
    }

    @Test
    void stopsAClientThatBeginsWithATaskThatIsNotOpen() {
        Site site = site("a");

        desk.started(
                site.live(), TaskStarted.newBuilder().setTaskId("run/1/0-fit/a").build());

        assertThat(site.connection.cancelledIds()).containsExactly("run/1/0-fit/a");
    }

    @Test
    void remembersABoundedNumberOfEndedTasks() {
        Site site = site("a");
        EndedTasks ended = new EndedTasks();
        Task task = submit("a", 1);
        for (int i = 0; i <= EndedTasks.MAX_COUNT; i++) {
            ended.answered(new OpenTask(
                    task("a", i + 1), listener, site.connection.offers().get(0), 0));
        }

        assertThat(ended.find(task.id())).isEmpty();
        assertThat(ended.find(task("a", 2).id())).isPresent();
    }
}
