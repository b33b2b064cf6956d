package io.fedlearn.pg.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.fedlearn.core.store.RunStoreException;
import io.fedlearn.core.store.SavedRun;
import io.fedlearn.files.FileRunStore;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ContinuedRunTest {
    private static final int FOREVER = Integer.MAX_VALUE;

    @TempDir
    private Path directory;

    private final FakeRunInDatabase database = new FakeRunInDatabase();
    private final List<RunInDatabase.Front> runs = new ArrayList<>();

    @AfterEach
    void closeAll() {
        runs.forEach(RunInDatabase.Front::close);
    }

    private RunInDatabase.Front open() {
        RunInDatabase.Front run =
                WhenUnreachable.continuingOn(FileRunStore.at(directory)).over(database);
        runs.add(run);
        return run;
    }

    /** A run that has lost its database after three rounds, and two more in the local store. */
    private RunInDatabase.Front fiveRounds() {
        RunInDatabase.Front run = open();
        assertThat(run.load()).isEmpty();
        run.create(TrialRun.header(), TrialRun.plain().checkpoint(0));
        TrialRun.plain().commit(run, 1, 3);
        database.away = FOREVER;
        TrialRun.plain().commit(run, 4, 5);
        assertThat(database.records).hasSize(3);
        return run;
    }

    private void requireInDatabase(int rounds) {
        SavedRun expected = TrialRun.plain().after(rounds);
        assertThat(database.records).isEqualTo(expected.records());
        assertThat(database.checkpoints).containsEntry(rounds, expected.latest());
        for (int round = 1; round <= rounds; round++) {
            assertThat(database.bests.contains(round)).as("round " + round).isEqualTo(TrialRun.isBest(round));
        }
    }

    /** As a process that was killed leaves them: closed, but without what closing copies. */
    private void crash() {
        database.away = FOREVER;
        runs.forEach(RunInDatabase.Front::close);
    }

    @Test
    void usesOnlyTheDatabaseWhileItIsThere() {
        RunInDatabase.Front run = open();
        assertThat(run.load()).isEmpty();
        run.create(TrialRun.header(), TrialRun.plain().checkpoint(0));
        TrialRun.plain().commit(run, 1, 3);

        requireInDatabase(3);
        assertThat(run.reconcile()).isZero();
        run.close();
        try (FileRunStore local = FileRunStore.at(directory)) {
            assertThat(local.load()).isEmpty();
        }
    }

    @Test
    void goesOnInTheLocalStoreAndSaysSo() {
        RunInDatabase.Front run = fiveRounds();

        SavedRun saved = run.load().orElseThrow();

        assertThat(saved.latest()).isEqualTo(TrialRun.plain().checkpoint(5));
        assertThat(saved.records()).isEqualTo(TrialRun.plain().after(5).records());
        assertThat(saved.notices()).singleElement().asString().contains("rounds 4 to 5", directory.toString(), "only");
        assertThat(run.model(5)).contains(TrialRun.plain().model(5));
        assertThatExceptionOfType(RunStoreException.class).isThrownBy(run::reconcile);
    }

    @Test
    void copiesAtTheNextCommit() {
        RunInDatabase.Front run = fiveRounds();
        TrialRun.plain().commit(run, 6, 7);

        database.away = 0;
        TrialRun.plain().commit(run, 8, 8);

        requireInDatabase(8);
        assertThat(run.load().orElseThrow().notices()).isEmpty();
        assertThat(run.model(6)).contains(TrialRun.plain().model(6));
    }

    @Test
    void copiesWhenAsked() {
        RunInDatabase.Front run = fiveRounds();
        database.away = 0;

        assertThat(run.reconcile()).isEqualTo(2);

        requireInDatabase(5);
        assertThat(run.reconcile()).isZero();
        TrialRun.plain().commit(run, 6, 6);
        requireInDatabase(6);
    }

    @Test
    void copiesWhenClosed() {
        RunInDatabase.Front run = fiveRounds();
        database.away = 0;

        run.close();
        run.close();

        requireInDatabase(5);
        assertThat(database.isClosed).isTrue();
    }

    @Test
    void findsAfterACrashWhatWasNotCopied() {
        fiveRounds();
        crash();
        database.away = 0;

        RunInDatabase.Front again = open();
        SavedRun saved = again.load().orElseThrow();

        requireInDatabase(5);
        assertThat(saved.latest()).isEqualTo(TrialRun.plain().checkpoint(5));
        assertThat(saved.notices()).singleElement().asString().contains("rounds 4 to 5", "copied");
        TrialRun.plain().commit(again, 6, 6);
        requireInDatabase(6);
    }

    @Test
    void copiesTheCheckpointsThatTheLocalStoreKeptAndTheRecordsOfAll() {
        RunInDatabase.Front run = fiveRounds();
        TrialRun.plain().commit(run, 6, 8);
        database.away = 0;

        run.reconcile();

        requireInDatabase(8);
        // Round 6 is the best, and 8 the latest.
        assertThat(database.checkpoints).containsKeys(6, 8).doesNotContainKeys(4, 5);
    }

    @Test
    void goesOnWithACopyThatWasCutShort() {
        RunInDatabase.Front run = fiveRounds();
        TrialRun.plain().commit(run, 6, 8);
        crash();
        database.away = 0;
        database.commit(
                TrialRun.plain().after(5).records().subList(3, 5),
                TrialRun.plain().checkpoint(6),
                TrialRun::isBest);

        assertThat(open().load().orElseThrow().latest())
                .isEqualTo(TrialRun.plain().checkpoint(8));

        requireInDatabase(8);
    }

    @Test
    void countsARoundOnceThatWasCommittedAlthoughTheConnectionWasLost() {
        RunInDatabase.Front run = open();
        run.load();
        run.create(TrialRun.header(), TrialRun.plain().checkpoint(0));
        database.isCommittedAllTheSame = true;
        database.away = 1;

        TrialRun.plain().commit(run, 1, 1);
        TrialRun.plain().commit(run, 2, 2);

        requireInDatabase(2);
    }

    @Test
    void standsInAgainAfterItWasReconciled() {
        RunInDatabase.Front run = fiveRounds();
        database.away = 0;
        TrialRun.plain().commit(run, 6, 9);
        database.away = FOREVER;
        TrialRun.plain().commit(run, 10, 11);
        assertThat(database.records).hasSize(9);
        database.away = 0;
        TrialRun.plain().commit(run, 12, 12);

        requireInDatabase(12);
    }

    @Test
    void refusesToCopyWhatAnotherHasLedSince() {
        RunInDatabase.Front run = fiveRounds();
        database.away = 0;
        database.isLost = true;

        assertThatExceptionOfType(DivergedRunException.class)
                .isThrownBy(() -> TrialRun.plain().commit(run, 6, 6))
                .withMessageContaining("rounds 4 to 5 of run 'heart'")
                .withMessageContaining("'south' in term 2")
                .matches(e -> e.runId().equals("heart") && e.round() == 4);
        run.close();
        assertThat(database.records).hasSize(3);
        try (FileRunStore local = FileRunStore.at(directory)) {
            assertThat(local.load().orElseThrow().latest())
                    .isEqualTo(TrialRun.plain().checkpoint(5));
        }
    }

    @Test
    void refusesABranchAfterACrash() {
        fiveRounds();
        crash();
        database.away = 0;
        database.commit(List.of(), TrialRun.ofAnother().checkpoint(4), round -> false);

        RunInDatabase.Front again = open();

        assertThatExceptionOfType(DivergedRunException.class)
                .isThrownBy(again::load)
                .withMessageContaining("rounds 4 to 5 of run 'heart' in " + directory)
                .matches(e -> e.round() == 4);
        again.close();
        assertThat(database.records).hasSize(4);
        try (FileRunStore local = FileRunStore.at(directory)) {
            assertThat(local.load().orElseThrow().latest())
                    .isEqualTo(TrialRun.plain().checkpoint(5));
        }
    }

    @Test
    void stopsIfTheLocalStoreCannotTakeItEither() {
        try (FileRunStore other = FileRunStore.at(directory)) {
            other.create(TrialRun.header("lung"), TrialRun.plain().checkpoint(0));
        }
        RunInDatabase.Front run = open();
        database.create(TrialRun.header(), TrialRun.plain().checkpoint(0));

        assertThatExceptionOfType(RunStoreException.class)
                .isThrownBy(run::load)
                .withMessageContaining("holds run 'lung', so it cannot stand in for run 'heart'");
    }

    @Test
    void refusesToStartARunWhereTheLocalStoreHoldsOne() {
        try (FileRunStore other = FileRunStore.at(directory)) {
            other.create(TrialRun.header("lung"), TrialRun.plain().checkpoint(0));
        }
        RunInDatabase.Front run = open();

        assertThatExceptionOfType(RunStoreException.class)
                .isThrownBy(run::load)
                .withMessageContaining("'lung', of which the database has nothing");
        assertThatExceptionOfType(RunStoreException.class)
                .isThrownBy(() -> run.create(TrialRun.header(), TrialRun.plain().checkpoint(0)))
                .withMessageContaining("'lung' already");
        assertThat(database.checkpoints).isEmpty();
    }

    @Test
    void neitherStartsNorLoadsARunWithoutTheDatabase() {
        RunInDatabase.Front run = open();
        database.away = FOREVER;

        assertThatExceptionOfType(RunStoreException.class).isThrownBy(run::load);
        assertThatExceptionOfType(RunStoreException.class)
                .isThrownBy(() -> run.create(TrialRun.header(), TrialRun.plain().checkpoint(0)));
    }

    @Test
    void doesNotHideWhatIsNoAbsence() {
        RunInDatabase.Front run = open();
        run.load();
        run.create(TrialRun.header(), TrialRun.plain().checkpoint(0));

        assertThatExceptionOfType(RunStoreException.class)
                .isThrownBy(() -> TrialRun.plain().commit(run, 2, 2))
                .withMessageContaining("round 1 must be committed next");
    }
}
