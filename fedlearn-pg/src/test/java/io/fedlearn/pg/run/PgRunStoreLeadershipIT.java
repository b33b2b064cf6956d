package io.fedlearn.pg.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fedlearn.core.FedLearnException;
import io.fedlearn.core.store.Checkpoint;
import io.fedlearn.core.store.RunStoreException;
import io.fedlearn.core.store.SavedRun;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.pg.TestPostgres;
import io.fedlearn.pg.schema.PgSchema;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.postgresql.ds.PGSimpleDataSource;

/** Two coordinators on one run. */
class PgRunStoreLeadershipIT {
    private static final PGSimpleDataSource DATABASE = TestPostgres.newDatabase();
    private static final PgSchema SCHEMA = PgSchema.of(DATABASE).migrate();
    private static final Duration LONG = Duration.ofHours(12);
    private static final Duration PATIENCE = Duration.ofMinutes(1);

    private final List<PgRunStore> stores = new ArrayList<>();

    @AfterEach
    void closeAll() {
        stores.forEach(PgRunStore::close);
        TestPostgres.execute(DATABASE, "TRUNCATE fedlearn.run, fedlearn.run_lease, fedlearn.model CASCADE");
    }

    private PgRunStore open(PgSchema schema, String holder, Duration leaseTime) {
        PgRunStore store = PgRunStore.builder(schema, TrialRun.ID)
                .holder(holder)
                .leaseTime(leaseTime)
                .build();
        stores.add(store);
        return store;
    }

    /** A store that leads a run of three rounds. */
    private PgRunStore leader(PgSchema schema, Duration leaseTime) throws InterruptedException {
        PgRunStore north = open(schema, "north", leaseTime);
        assertThat(north.awaitLeadership(Duration.ZERO)).isTrue();
        assertThat(north.load()).isEmpty();
        north.create(TrialRun.header(), TrialRun.plain().checkpoint(0));
        TrialRun.plain().commit(north, 1, 3);
        return north;
    }

    private static void requireIn(PgRunStore store, SavedRun expected) {
        SavedRun saved = store.load().orElseThrow();
        assertThat(saved.latest()).isEqualTo(expected.latest());
        assertThat(saved.records()).isEqualTo(expected.records());
        assertThat(saved.notices()).isEmpty();
    }

    @Test
    void aStandbyLeadsWhenTheLeaderHasClosedItsStore() throws Exception {
        PgRunStore north = leader(SCHEMA, LONG);
        PgRunStore south = open(SCHEMA, "south", LONG);
        assertThat(south.awaitLeadership(Duration.ZERO)).isFalse();
        assertThat(south.isLeader()).isFalse();
        assertThatExceptionOfType(RunStoreException.class)
                .isThrownBy(south::load)
                .withMessageContaining("'north' in term 1");

        north.close();

        assertThat(south.awaitLeadership(PATIENCE)).isTrue();
        assertThat(south.isLeader()).isTrue();
        assertThat(south.leader().orElseThrow().holder()).isEqualTo("south");
        requireIn(south, TrialRun.plain().after(3));
    }

    @Test
    void aLeaderThatWasPausedForLongerThanItsLeaseSavesNothingMore() throws Exception {
        PgRunStore north = leader(SCHEMA, LONG);
        PgRunStore south = open(SCHEMA, "south", LONG);
        endLease();

        assertThat(south.awaitLeadership(PATIENCE)).isTrue();
        requireIn(south, TrialRun.plain().after(3));
        south.commit(TrialRun.ofAnother().checkpoint(4), true);

        for (int attempt = 0; attempt < 2; attempt++) {
            assertThatExceptionOfType(LeaseLostException.class)
                    .isThrownBy(() -> north.commit(TrialRun.plain().checkpoint(4), false))
                    .withMessageContaining("'south' in term 2");
        }
        assertThat(north.isLeader()).isFalse();
        north.close();
        assertThat(south.load().orElseThrow().latest())
                .isEqualTo(TrialRun.ofAnother().checkpoint(4));
        south.commit(TrialRun.ofAnother().checkpoint(5), true);
    }

    @Test
    void aLeaderThatWasCutOffInTheMiddleOfACommitSavesNothingMore() throws Exception {
        try (FarDatabase far = FarDatabase.of(DATABASE)) {
            PgRunStore north = leader(PgSchema.of(far.dataSource()), Duration.ofSeconds(2));
            PgRunStore south = open(SCHEMA, "south", Duration.ofSeconds(2));
            far.network().hold();
            CompletableFuture<Void> commit = CompletableFuture.runAsync(
                    () -> north.commit(TrialRun.plain().checkpoint(4), false));

            assertThat(south.awaitLeadership(PATIENCE)).isTrue();
            requireIn(south, TrialRun.plain().after(3));
            south.commit(TrialRun.ofAnother().checkpoint(4), true);
            far.network().release();

            assertThatThrownBy(() -> commit.get(60, TimeUnit.SECONDS)).hasCauseInstanceOf(FedLearnException.class);
            assertThat(south.load().orElseThrow().latest())
                    .isEqualTo(TrialRun.ofAnother().checkpoint(4));
            south.commit(TrialRun.ofAnother().checkpoint(5), true);
        }
    }

    @Test
    void aLeaderThatStandsStillWhileItSendsAModelKeepsNothingFromTheNext() throws Exception {
        PgRunStore north = leader(SCHEMA, LONG);
        PgRunStore south = open(SCHEMA, "south", LONG);

        CompletableFuture<Void> commit = commitWhileAnotherTakesOver(
                north, south, () -> south.commit(TrialRun.ofAnother().checkpoint(4), true));

        assertThatThrownBy(() -> commit.get(60, TimeUnit.SECONDS)).hasCauseInstanceOf(LeaseLostException.class);
        assertThat(south.load().orElseThrow().latest())
                .isEqualTo(TrialRun.ofAnother().checkpoint(4));
        south.commit(TrialRun.ofAnother().checkpoint(5), true);
    }

    @Test
    void aFormerLeaderSavesNothingThoughTheNextHasSavedNothingYet() throws Exception {
        PgRunStore north = leader(SCHEMA, LONG);
        PgRunStore south = open(SCHEMA, "south", LONG);

        CompletableFuture<Void> commit = commitWhileAnotherTakesOver(north, south, () -> {});

        assertThatThrownBy(() -> commit.get(60, TimeUnit.SECONDS)).hasCauseInstanceOf(LeaseLostException.class);
        requireIn(south, TrialRun.plain().after(3));
        south.commit(TrialRun.ofAnother().checkpoint(4), true);
        assertThat(south.load().orElseThrow().latest())
                .isEqualTo(TrialRun.ofAnother().checkpoint(4));
    }

    /** Has the leader stand still while it sends its fourth round, until the other leads and has done this. */
    private static CompletableFuture<Void> commitWhileAnotherTakesOver(
            PgRunStore leader, PgRunStore other, Runnable meanwhile) throws InterruptedException {
        CountDownLatch still = new CountDownLatch(1);
        CountDownLatch movesOn = new CountDownLatch(1);
        Checkpoint sent = standingStill(TrialRun.plain().checkpoint(4), still, movesOn);
        CompletableFuture<Void> commit = CompletableFuture.runAsync(() -> leader.commit(sent, false));
        try {
            assertThat(still.await(60, TimeUnit.SECONDS)).isTrue();
            endLease();
            assertThat(other.awaitLeadership(PATIENCE)).isTrue();
            requireIn(other, TrialRun.plain().after(3));
            meanwhile.run();
        } finally {
            movesOn.countDown();
        }
        return commit;
    }

    /** As if its holder had stood still since: nothing has renewed it. */
    private static void endLease() {
        TestPostgres.execute(
                DATABASE, "UPDATE fedlearn.run_lease SET expires_at = clock_timestamp() - interval '1 second'");
    }

    /** The checkpoint with a model whose values are given the second time, to be sent, only when it is to move on. */
    private static Checkpoint standingStill(Checkpoint checkpoint, CountDownLatch still, CountDownLatch movesOn) {
        Model model = checkpoint.model();
        Tensor first = model.tensors().get(0);
        byte[] values = new byte[Math.toIntExact(first.byteCount())];
        first.encodeTo(0, ByteBuffer.wrap(values));
        int[] reads = {0};
        Tensor slow = Tensor.of(first.type(), first.shape(), (offset, target) -> {
            if (++reads[0] == 2) {
                still.countDown();
                try {
                    movesOn.await();
                } catch (InterruptedException e) {
                    throw new IllegalStateException(e);
                }
            }
            target.put(values, (int) offset, target.remaining());
        });
        return new Checkpoint(
                checkpoint.round(), Model.of(model.spec(), List.of(slow)), checkpoint.states(), checkpoint.record());
    }

    @Test
    void aRunThatWasSetBackIsNotGoneOnWithAsIfItWereNot() throws Exception {
        PgRunStore north = leader(SCHEMA, LONG);
        // As a promoted standby that lacks the last transactions has it.
        TestPostgres.execute(
                DATABASE,
                "DELETE FROM fedlearn.checkpoint WHERE round = 3",
                "DELETE FROM fedlearn.round WHERE round = 3",
                "UPDATE fedlearn.run SET latest_round = 2");

        assertThatExceptionOfType(RunStoreException.class)
                .isThrownBy(() -> north.commit(TrialRun.plain().checkpoint(4), false))
                .withMessageContaining("no longer at round 3");

        requireIn(north, TrialRun.plain().after(2));
        TrialRun.plain().commit(north, 3, 4);
        requireIn(north, TrialRun.plain().after(4));
    }

    @Test
    void whoeverAwaitsLeadershipAlsoWaitsForTheDatabase() throws Exception {
        try (FarDatabase far = FarDatabase.of(DATABASE)) {
            leader(SCHEMA, LONG).close();
            PgRunStore south = open(PgSchema.of(far.dataSource()), "south", LONG);
            far.takeAway();
            assertThat(south.awaitLeadership(Duration.ofMillis(1))).isFalse();

            far.bringBack();

            assertThat(south.awaitLeadership(PATIENCE)).isTrue();
            requireIn(south, TrialRun.plain().after(3));
        }
    }
}
