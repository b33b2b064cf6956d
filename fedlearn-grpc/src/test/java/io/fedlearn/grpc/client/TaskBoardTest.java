package io.fedlearn.grpc.client;

import static org.assertj.core.api.Assertions.assertThat;

import io.fedlearn.grpc.client.TaskBoard.Confirm;
import io.fedlearn.grpc.client.TaskBoard.Interrupt;
import io.fedlearn.grpc.client.TaskBoard.Key;
import io.fedlearn.grpc.client.TaskBoard.Refuse;
import io.fedlearn.grpc.client.TaskBoard.Send;
import io.fedlearn.grpc.client.TaskBoard.Start;
import io.fedlearn.grpc.client.TaskBoard.Step;
import io.fedlearn.grpc.client.TaskBoard.StopSending;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;

class TaskBoardTest {
    private static final Key A = new Key("a", "1");
    private static final Key OTHER_A = new Key("a", "2");
    private static final Key B = new Key("b", "1");
    private static final Key C = new Key("c", "1");
    private static final long GRACE = 1000;

    private final TaskBoard<String, String> board = new TaskBoard<>(Duration.ofNanos(GRACE));

    private List<Step<String, String>> offer(Key key) {
        return offer(key, 0);
    }

    private List<Step<String, String>> offer(Key key, long now) {
        return board.offered(key, "offer of " + key.taskId(), Optional.empty(), now);
    }

    private static Start<String, String> start(long job, Key key) {
        return new Start<>(job, key, "offer of " + key.taskId());
    }

    // ---- one task at a time ----

    @Test
    void beginsWithAnOfferAtOnce() {
        assertThat(offer(A)).containsExactly(start(1, A));
    }

    @Test
    void laterOffersWaitUntilTheServerHasTheAnswer() {
        offer(A);
        assertThat(offer(B)).isEmpty();
        assertThat(offer(C)).isEmpty();

        assertThat(board.answered(1, "answer", 0)).containsExactly(new Send<>(A, "answer"));
        assertThat(board.settled("a", 0)).containsExactly(start(2, B));
        assertThat(board.lost(2, "gone", 0)).containsExactly(new Refuse<>(B, "gone"), start(3, C));
    }

    @Test
    void refusesOffersBeyondTheMostThatMayWait() {
        offer(A);
        for (int i = 0; i < TaskBoard.MAX_WAITING; i++) {
            assertThat(offer(new Key("waiting" + i, "1"))).isEmpty();
        }

        assertThat(offer(B))
                .containsExactly(new Refuse<>(B, "more than " + TaskBoard.MAX_WAITING + " tasks wait for this client"));
    }

    @Test
    void anOfferThatWaitsIsNotQueuedTwice() {
        offer(A);
        offer(B);
        offer(B);
        board.answered(1, "answer", 0);

        assertThat(board.settled("a", 0)).containsExactly(start(2, B));
        assertThat(board.lost(2, "gone", 0)).containsExactly(new Refuse<>(B, "gone"));
    }

    // ---- offered again ----

    @Test
    void confirmsTheTaskAtWorkWhenItIsOfferedAgain() {
        offer(A);
        board.disconnected();

        assertThat(offer(A)).containsExactly(new Confirm<>(A));
        assertThat(board.answered(1, "answer", 0)).containsExactly(new Send<>(A, "answer"));
    }

    @Test
    void sendsTheAnswerAgainWhenTheConnectionBrokeBeforeItsReceipt() {
        offer(A);
        board.answered(1, "answer", 0);
        board.disconnected();

        assertThat(offer(A)).containsExactly(new Confirm<>(A), new Send<>(A, "answer"));
        assertThat(offer(A)).as("offered twice on one connection").isEmpty();
    }

    @Test
    void keepsAnAnswerThatComesWhileCutOffUntilItsTaskIsOffered() {
        offer(A);
        board.disconnected();

        assertThat(board.answered(1, "answer", 0)).isEmpty();
        assertThat(offer(A)).containsExactly(new Confirm<>(A), new Send<>(A, "answer"));
    }

    @Test
    void sendsTheSameAnswerAgainAfterItsReceipt() {
        offer(A);
        board.answered(1, "answer", 0);
        board.settled("a", 0);
        board.disconnected();

        assertThat(offer(A)).containsExactly(new Confirm<>(A), new Send<>(A, "answer"));
        assertThat(board.settled("a", 0)).isEmpty();
        assertThat(offer(A)).containsExactly(new Confirm<>(A), new Send<>(A, "answer"));
    }

    @Test
    void forgetsTheLastAnswerWhenAnotherTaskBegins() {
        offer(A);
        board.answered(1, "answer", 0);
        board.settled("a", 0);
        assertThat(offer(B)).containsExactly(start(2, B));
        board.answered(2, "answer to b", 0);
        board.settled("b", 0);

        assertThat(offer(A)).containsExactly(start(3, A));
    }

    @Test
    void anAnswerThatNobodyAsksForAgainMakesRoomForTheNextTask() {
        offer(A);
        board.answered(1, "answer", 0);
        board.disconnected();

        assertThat(offer(B)).containsExactly(start(2, B));
    }

    @Test
    void dropsWorkWhenAConnectionBeginsWithAnotherTask() {
        offer(A);
        board.disconnected();

        assertThat(offer(B)).containsExactly(new Interrupt<>(1, A, "the server asks for another task instead"));
        assertThat(board.lost(1, "interrupted", 0)).containsExactly(start(2, B));
        assertThat(offer(A)).as("known after all, it is another's turn").isEmpty();
        board.answered(2, "answer", 0);
        assertThat(board.settled("b", 0)).containsExactly(start(3, A));
    }

    @Test
    void offersThatWaitedAreForgottenWithTheirConnection() {
        offer(A);
        offer(B);
        board.disconnected();
        offer(A);
        board.answered(1, "answer", 0);

        assertThat(board.settled("a", 0)).isEmpty();
        assertThat(offer(B)).containsExactly(start(2, B));
    }

    @Test
    void sendsAgainWhenSendingBrokeOffAndTheServerAsksAgain() {
        offer(A);
        board.answered(1, "answer", 0);
        assertThat(board.unsent("a", 0)).isEmpty();

        assertThat(offer(A)).containsExactly(new Confirm<>(A), new Send<>(A, "answer"));
    }

    // ---- another fingerprint ----

    @Test
    void anotherFingerprintIsAnotherTaskWhileAtWork() {
        offer(A);

        assertThat(offer(OTHER_A)).containsExactly(new Interrupt<>(1, A, "it is another task now"));
        assertThat(board.answered(1, "answer to the old one", 0)).containsExactly(start(2, OTHER_A));
        assertThat(board.answered(2, "answer", 0)).containsExactly(new Send<>(OTHER_A, "answer"));
    }

    @Test
    void anotherFingerprintIsAnotherTaskAfterTheAnswer() {
        offer(A);
        board.answered(1, "answer", 0);
        board.settled("a", 0);

        assertThat(offer(OTHER_A)).containsExactly(start(2, OTHER_A));
    }

    @Test
    void stopsSendingAnAnswerWhoseTaskIsAnotherNow() {
        offer(A);
        board.answered(1, "answer", 0);

        assertThat(offer(OTHER_A)).containsExactly(new StopSending<>(A), start(2, OTHER_A));
    }

    @Test
    void anotherFingerprintReplacesAnOfferThatWaits() {
        offer(B);
        offer(A);
        offer(OTHER_A);
        board.answered(1, "answer", 0);

        assertThat(board.settled("b", 0)).containsExactly(start(2, OTHER_A));
        assertThat(board.lost(2, "gone", 0)).containsExactly(new Refuse<>(OTHER_A, "gone"));
    }

    // ---- cancel ----

    @Test
    void interruptsCancelledWorkAndDropsItsAnswer() {
        offer(A);

        assertThat(board.cancelled("a", "enough others", 0)).containsExactly(new Interrupt<>(1, A, "enough others"));
        assertThat(board.answered(1, "answer", 0)).isEmpty();
        assertThat(offer(A)).as("offered anew").containsExactly(start(2, A));
    }

    @Test
    void aCancelledTaskThatWaitsNeverBegins() {
        offer(A);
        offer(B);
        assertThat(board.cancelled("b", "enough others", 0)).isEmpty();
        board.answered(1, "answer", 0);

        assertThat(board.settled("a", 0)).isEmpty();
    }

    @Test
    void aTaskThatWaitsIsCancelledWhileAnEarlierAnswerIsKept() {
        offer(A);
        board.answered(1, "answer", 0);
        board.settled("a", 0);
        offer(B);
        offer(C);

        assertThat(board.cancelled("c", "enough others", 0)).isEmpty();
        assertThat(board.lost(2, "gone", 0)).containsExactly(new Refuse<>(B, "gone"));
    }

    @Test
    void stopsSendingTheAnswerToACancelledTask() {
        offer(A);
        board.answered(1, "answer", 0);

        assertThat(board.cancelled("a", "too late", 0)).containsExactly(new StopSending<>(A));
        assertThat(board.settled("a", 0)).isEmpty();
        assertThat(offer(A)).containsExactly(start(2, A));
    }

    @Test
    void cancellingATaskWhoseAnswerTheServerHasKeepsTheAnswer() {
        offer(A);
        board.answered(1, "answer", 0);
        board.settled("a", 0);
        assertThat(board.cancelled("a", "round is over", 0)).isEmpty();

        assertThat(offer(A)).containsExactly(new Confirm<>(A), new Send<>(A, "answer"));
    }

    @Test
    void ignoresCancelsAndReceiptsOfTasksThatItDoesNotKnow() {
        assertThat(board.cancelled("a", "", 0)).isEmpty();
        assertThat(board.settled("a", 0)).isEmpty();
        offer(A);

        assertThat(board.cancelled("b", "", 0)).isEmpty();
        assertThat(board.settled("a", 0)).isEmpty();
        assertThat(board.answered(1, "answer", 0)).containsExactly(new Send<>(A, "answer"));
    }

    // ---- work that does not heed its interruption ----

    @Test
    void theNextTaskWaitsForInterruptedWorkToEnd() {
        offer(A);
        board.cancelled("a", "", 0);

        assertThat(offer(B, 10)).isEmpty();
        assertThat(board.lost(1, "interrupted", 20)).containsExactly(start(2, B));
    }

    @Test
    void theNextTaskFailsWhenInterruptedWorkDoesNotEnd() {
        offer(A);
        board.cancelled("a", "", 5);
        offer(B, 10);

        assertThat(board.nextTick()).isEqualTo(OptionalLong.of(5 + GRACE));
        assertThat(board.tick(4 + GRACE)).isEmpty();
        assertThat(board.tick(5 + GRACE))
                .containsExactly(new Refuse<>(B, "the client is still busy with an earlier task"));
        assertThat(offer(C, 6 + GRACE))
                .containsExactly(new Refuse<>(C, "the client is still busy with an earlier task"));
    }

    @Test
    void takesTasksAgainOnceDeafWorkHasEnded() {
        offer(A);
        board.cancelled("a", "", 0);
        offer(B, 2 * GRACE);
        assertThat(board.answered(1, "answer", 3 * GRACE)).isEmpty();

        assertThat(offer(C, 3 * GRACE)).containsExactly(start(2, C));
    }

    // ---- time limits ----

    @Test
    void stopsWorkWhoseTimeIsUpEvenWhenCutOff() {
        board.offered(A, "offer", Optional.of(Duration.ofNanos(100)), 50);
        board.disconnected();

        assertThat(board.nextTick()).isEqualTo(OptionalLong.of(150));
        assertThat(board.tick(149)).isEmpty();
        assertThat(board.tick(150)).containsExactly(new Interrupt<>(1, A, "its time limit has passed"));
        assertThat(board.lost(1, "interrupted", 160)).isEmpty();
        assertThat(board.tick(150 + GRACE)).as("nobody to tell").isEmpty();
        assertThat(board.nextTick()).isEmpty();
    }

    @Test
    void takesTheNextTaskAtOnceWhenAServerThatWasLostDoesNotWaitForWorkWhoseTimeWasUp() {
        board.offered(A, "offer", Optional.of(Duration.ofNanos(100)), 0);
        board.disconnected();
        offer(B, 50);
        board.tick(100);

        assertThat(board.lost(1, "interrupted", 110)).containsExactly(start(2, B));
    }

    @Test
    void doesNotSayOnTheNextConnectionThatTheTimeWasUp() {
        board.offered(A, "offer", Optional.of(Duration.ofNanos(100)), 0);
        board.tick(100);
        board.disconnected();

        assertThat(board.tick(100 + GRACE)).isEmpty();
        assertThat(board.nextTick()).isEmpty();
    }

    @Test
    void saysThatTheTimeWasUpIfTheServerDoesNot() {
        board.offered(A, "offer", Optional.of(Duration.ofNanos(100)), 0);
        board.tick(100);
        board.answered(1, "answer of an interrupted client", 110);

        assertThat(board.nextTick()).isEqualTo(OptionalLong.of(100 + GRACE));
        assertThat(board.tick(100 + GRACE)).containsExactly(new Refuse<>(A, "the task's time limit has passed"));
    }

    @Test
    void staysSilentWhenTheServerCancelsWhatTookTooLong() {
        board.offered(A, "offer", Optional.of(Duration.ofNanos(100)), 0);
        board.tick(100);

        assertThat(board.cancelled("a", "deadline", 110)).isEmpty();
        assertThat(board.tick(100 + GRACE)).isEmpty();
    }

    @Test
    void beginsAnewWhenATaskWhoseTimeWasUpIsOfferedAgain() {
        board.offered(A, "offer of a", Optional.of(Duration.ofNanos(100)), 0);
        board.tick(100);
        board.disconnected();

        assertThat(offer(A, 150)).as("the old work has not ended").isEmpty();
        assertThat(board.lost(1, "interrupted", 160)).containsExactly(start(2, A));
    }

    @Test
    void theClockMayPassItsLargestValue() {
        long start = Long.MAX_VALUE - 10;
        board.offered(A, "offer", Optional.of(Duration.ofNanos(100)), start);

        assertThat(board.tick(start + 99)).isEmpty();
        assertThat(board.tick(start + 100)).containsExactly(new Interrupt<>(1, A, "its time limit has passed"));
    }

    // ---- work that comes to nothing ----

    @Test
    void doesNotKeepThatAModelCouldNotBeHad() {
        offer(A);
        assertThat(board.lost(1, "no such model", 0)).containsExactly(new Refuse<>(A, "no such model"));

        assertThat(offer(A)).containsExactly(start(2, A));
    }

    @Test
    void saysNothingWhenAModelCouldNotBeHadFromAServerThatWasRestarted() {
        offer(A);
        board.disconnected();

        assertThat(board.lost(1, "no such model", 0)).isEmpty();
        assertThat(offer(A)).containsExactly(start(2, A));
    }
}
