package io.fedlearn.grpc.server;

import static org.assertj.core.api.Assertions.assertThat;

import io.fedlearn.core.task.ClientOutcome;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.task.Task;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.grpc.internal.transfer.Admission;
import io.fedlearn.grpc.internal.transfer.AnswerReceiver;
import io.fedlearn.grpc.internal.wire.WireAnswers;
import io.fedlearn.grpc.internal.wire.WireModels;
import io.fedlearn.grpc.proto.v1.TaskAnswer;
import io.fedlearn.grpc.proto.v1.Verdict;
import io.fedlearn.testkit.runtime.RecordingListener;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Answers whose values travel in calls of their own. */
class UploadsTest extends DeskTestBed {
    private static TaskAnswer announce(Site site, Task task, Model model) {
        return WireAnswers.write(
                task.id(),
                site.fingerprint(task),
                new ClientOutcome.Completed(ClientUpdate.ofModel(model, 3)),
                WireModels::describe);
    }

    @Test
    void admitsAnUploadAndGoesOnWithItInTheNextCall() {
        Site site = site("a");
        Task task = task("a", 1).toBuilder().model(LARGE).build();
        desk.submit(task, listener);

        AnswerReceiver first = ((Admission.Admitted) desk.admit("a", announce(site, task, LARGE))).receiver();
        AnswerReceiver second = ((Admission.Admitted) desk.admit("a", announce(site, task, LARGE))).receiver();
        AnswerReceiver other = ((Admission.Admitted) desk.admit(
                        "a",
                        announce(site, task, LARGE).toBuilder()
                                .setUpdate(announce(site, task, LARGE).getUpdate().toBuilder()
                                        .setExampleCount(4))
                                .build()))
                .receiver();

        assertThat(second).isSameAs(first);
        assertThat(other).isNotSameAs(first);
        assertThat(listener.events(task)).containsExactly(new RecordingListener.Started(task.id()));
    }

    @Test
    void refusesUploadsThatCountForNothingBeforeTheirValuesTravel() {
        Site site = site("a");
        Task task = submit("a", 1);
        TaskAnswer announced = announce(site, task, SMALL);
        desk.cancel(task);

        Admission.Refused late = (Admission.Refused) desk.admit("a", announced);
        Admission.Refused foreign = (Admission.Refused) desk.admit("b", announced);

        assertThat(late.receipt().getVerdict()).isEqualTo(Verdict.VERDICT_LATE);
        assertThat(foreign.receipt().getVerdict()).isEqualTo(Verdict.VERDICT_FOREIGN);
        assertThat(listener.outcomes(task)).hasSize(1);
    }

    @Test
    void rejectsUploadsThatAnnounceTooMuch() {
        Site site = site("a");
        Task task = submit("a", 1);
        Model huge = Model.builder()
                .trainable("w", Tensor.copyOf(new float[400_000]))
                .build();

        Admission.Refused refused = (Admission.Refused) desk.admit("a", announce(site, task, huge));

        assertThat(refused.receipt().getVerdict()).isEqualTo(Verdict.VERDICT_TOO_LARGE);
        assertThat(listener.outcomes(task).get(0)).isInstanceOf(ClientOutcome.Rejected.class);
    }

    @Test
    void endsTheTaskOfAnUploadThatIsRejectedOnce() {
        Site site = site("a");
        Task task = submit("a", 1);
        AnswerReceiver receiver = ((Admission.Admitted) desk.admit("a", announce(site, task, SMALL))).receiver();

        Verdict first = desk.reject("a", receiver, Verdict.VERDICT_MALFORMED, "too short")
                .getVerdict();
        Verdict second = desk.reject("a", receiver, Verdict.VERDICT_MALFORMED, "too short")
                .getVerdict();

        assertThat(first).isEqualTo(Verdict.VERDICT_MALFORMED);
        assertThat(second).isEqualTo(Verdict.VERDICT_DUPLICATE);
        assertThat(listener.outcomes(task)).containsExactly(new ClientOutcome.Rejected("too short"));
    }

    @Test
    // Whoever waits in vain cannot be interrupted.
    @Timeout(value = 20, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
    void takesAnAnswerWithoutValuesOnTheCallsOwnThread() {
        // Whose threads are all at work, such as with calls like this one.
        desk = newDesk(ServerLimits.defaults(), work -> {});
        Site site = site("a");
        Task task = submit("a", 1);

        Admission.Refused answered =
                (Admission.Refused) desk.admit("a", site.answer(task, new ClientOutcome.Declined("not today")));

        assertThat(answered.receipt().getVerdict()).isEqualTo(Verdict.VERDICT_ACCEPTED);
        assertThat(listener.outcomes(task)).containsExactly(new ClientOutcome.Declined("not today"));
    }
}
