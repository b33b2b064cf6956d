package io.fedlearn.pg.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.fedlearn.core.store.RunStoreException;
import io.fedlearn.core.store.SavedRun;
import io.fedlearn.files.FileRunStore;
import io.fedlearn.pg.TestPostgres;
import io.fedlearn.pg.schema.PgSchema;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.postgresql.ds.PGSimpleDataSource;

/** A run whose database is away for a while. */
class PgRunStoreUnreachableIT {
    private static final PGSimpleDataSource DATABASE = TestPostgres.newDatabase();
    private static final PgSchema SCHEMA = PgSchema.of(DATABASE).migrate();
    private static final Duration LEASE = Duration.ofSeconds(2);

    @TempDir
    private Path directory;

    private final FarDatabase far = FarDatabase.of(DATABASE);
    private final List<PgRunStore> stores = new ArrayList<>();

    @AfterEach
    void closeAll() {
        stores.forEach(PgRunStore::close);
        far.close();
        TestPostgres.execute(DATABASE, "TRUNCATE fedlearn.run, fedlearn.run_lease, fedlearn.model CASCADE");
    }

    private PgRunStore open(WhenUnreachable choice) {
        PgRunStore store = PgRunStore.builder(PgSchema.of(far.dataSource()), TrialRun.ID)
                .holder("north")
                .leaseTime(LEASE)
                .answerTimeout(Duration.ofSeconds(5))
                .whenUnreachable(choice)
                .build();
        stores.add(store);
        return store;
    }

    private WhenUnreachable onFiles() {
        return WhenUnreachable.continuingOn(FileRunStore.at(directory));
    }

    private PgRunStore started(WhenUnreachable choice) {
        PgRunStore store = open(choice);
        assertThat(store.load()).isEmpty();
        store.create(TrialRun.header(), TrialRun.plain().checkpoint(0));
        TrialRun.plain().commit(store, 1, 3);
        return store;
    }

    private static PgRunStore direct() throws InterruptedException {
        PgRunStore store = PgRunStore.builder(SCHEMA, TrialRun.ID)
                .holder("south")
                .leaseTime(LEASE)
                .build();
        assertThat(store.awaitLeadership(Duration.ofMinutes(1))).isTrue();
        return store;
    }

    private static void requireInDatabase(SavedRun expected) throws InterruptedException {
        try (PgRunStore store = direct()) {
            SavedRun saved = store.load().orElseThrow();
            assertThat(saved.latest()).isEqualTo(expected.latest());
            assertThat(saved.records()).isEqualTo(expected.records());
            assertThat(saved.notices()).isEmpty();
            int best = expected.records().size() >= 6 ? 6 : 2;
            assertThat(store.model(best)).contains(TrialRun.plain().model(best));
        }
    }

    @Test
    void stopsUnlessItIsSaidOtherwise() throws Exception {
        PgRunStore store = started(WhenUnreachable.stop());
        far.takeAway();

        assertThatExceptionOfType(RunStoreException.class)
                .isThrownBy(() -> TrialRun.plain().commit(store, 4, 4))
                .withMessageContaining("round 4 of run 'heart' cannot be saved");

        far.bringBack();
        store.close();
        requireInDatabase(TrialRun.plain().after(3));
    }

    @Test
    void waitsUntilTheDatabaseIsBack() throws Exception {
        PgRunStore store = started(WhenUnreachable.waiting(Duration.ofMinutes(1)));
        far.takeAway();
        int refused = far.network().refusedConnections();
        CompletableFuture<Void> commits =
                CompletableFuture.runAsync(() -> TrialRun.plain().commit(store, 4, 5));
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
        while (far.network().refusedConnections() < refused + 3 && System.nanoTime() - deadline < 0) {
            Thread.onSpinWait();
        }
        assertThat(commits).isNotDone();

        far.bringBack();

        commits.get(60, TimeUnit.SECONDS);
        store.close();
        requireInDatabase(TrialRun.plain().after(5));
    }

    @Test
    void goesOnInFilesAndCopiesThemWhenTheDatabaseIsBack() throws Exception {
        PgRunStore store = started(onFiles());
        far.takeAway();
        TrialRun.plain().commit(store, 4, 8);
        assertThat(store.load().orElseThrow().notices())
                .singleElement()
                .asString()
                .contains("rounds 4 to 8");
        far.bringBack();
        assertThat(store.awaitLeadership(Duration.ofMinutes(1))).isTrue();

        TrialRun.plain().commit(store, 9, 9);

        assertThat(store.reconcile()).isZero();
        assertThat(store.load().orElseThrow().notices()).isEmpty();
        store.close();
        requireInDatabase(TrialRun.plain().after(9));
    }

    @Test
    void findsInFilesWhatAProcessThatEndedHadNotCopied() throws Exception {
        PgRunStore store = started(onFiles());
        far.takeAway();
        TrialRun.plain().commit(store, 4, 7);
        store.close();
        assertThatExceptionOfType(RunStoreException.class)
                .isThrownBy(() -> open(onFiles()).load());
        stores.forEach(PgRunStore::close);
        far.bringBack();

        PgRunStore again = open(onFiles());
        assertThat(again.awaitLeadership(Duration.ofMinutes(1))).isTrue();
        SavedRun saved = again.load().orElseThrow();

        assertThat(saved.latest()).isEqualTo(TrialRun.plain().checkpoint(7));
        assertThat(saved.notices()).singleElement().asString().contains("rounds 4 to 7", "copied");
        again.close();
        requireInDatabase(TrialRun.plain().after(7));
    }

    @Test
    void refusesToCopyWhatAnotherHasLedMeanwhile() throws Exception {
        PgRunStore store = started(onFiles());
        far.takeAway();
        TrialRun.plain().commit(store, 4, 5);
        try (PgRunStore south = direct()) {
            south.load();
            south.commit(TrialRun.ofAnother().checkpoint(4), false);
        }
        far.bringBack();

        assertThatExceptionOfType(LeaseLostException.class)
                .isThrownBy(() -> store.awaitLeadership(Duration.ofMinutes(1)));
        assertThatExceptionOfType(DivergedRunException.class)
                .isThrownBy(() -> store.commit(TrialRun.plain().checkpoint(6), false))
                .withMessageContaining("rounds 4 to 5 of run 'heart'");
        store.close();
        PgRunStore again = open(onFiles());
        assertThat(again.awaitLeadership(Duration.ofMinutes(1))).isTrue();
        assertThatExceptionOfType(DivergedRunException.class)
                .isThrownBy(again::load)
                .matches(e -> e.round() == 4);
        again.close();
        try (FileRunStore local = FileRunStore.at(directory)) {
            assertThat(local.load().orElseThrow().latest())
                    .isEqualTo(TrialRun.plain().checkpoint(5));
        }
        try (PgRunStore south = direct()) {
            assertThat(south.load().orElseThrow().latest())
                    .isEqualTo(TrialRun.ofAnother().checkpoint(4));
        }
    }
}
