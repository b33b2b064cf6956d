package io.fedlearn.pg.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import io.fedlearn.core.store.Checkpoint;
import io.fedlearn.core.store.Retention;
import io.fedlearn.core.store.RunStoreException;
import io.fedlearn.core.store.SavedRun;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.pg.PgException;
import io.fedlearn.pg.TestPostgres;
import io.fedlearn.pg.schema.PgRole;
import io.fedlearn.pg.schema.PgSchema;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.postgresql.ds.PGSimpleDataSource;

class PgRunStoreIT {
    private static final PgSchema SCHEMA = TestPostgres.newSchema();

    private final List<PgRunStore> stores = new ArrayList<>();

    @BeforeEach
    void empty() {
        execute("TRUNCATE fedlearn.run, fedlearn.run_lease, fedlearn.model CASCADE");
    }

    @AfterEach
    void close() {
        stores.forEach(PgRunStore::close);
        execute("DROP TRIGGER IF EXISTS trouble ON fedlearn.round_client");
    }

    private static void execute(String... statements) {
        TestPostgres.execute(SCHEMA.database().dataSource(), statements);
    }

    private PgRunStore open(PgRunStore.Builder builder) {
        PgRunStore store = builder.build();
        stores.add(store);
        return store;
    }

    private PgRunStore open() {
        return open(PgRunStore.builder(SCHEMA, TestRuns.RUN));
    }

    private static PgRunStore withRounds(PgRunStore store, int rounds) {
        store.create(TestRuns.header(), TestRuns.checkpoint(0));
        for (int round = 1; round <= rounds; round++) {
            store.commit(TestRuns.checkpoint(round), round == 1);
        }
        return store;
    }

    private static String text(String query) {
        return TestPostgres.text(SCHEMA, query);
    }

    @Test
    void showsRoundsClientsAndPrivacyInViews() {
        withRounds(open(), 2);

        assertThat(text("SELECT round, status, is_best, loss, metrics ->> 'auc', train_metrics ->> 'loss', seconds FROM"
                        + " fedlearn.run_progress WHERE run_id = 'heart' ORDER BY round"))
                .isEqualTo("1|completed|t|0.5|0.75|0.75|2.5\n2|completed|f|0.25|0.8125|0.375|2.5");
        assertThat(text(
                        "SELECT client_id, rounds_asked, rounds_completed, examples, mean_weight_share, update_bytes, seconds"
                                + " FROM fedlearn.client_contribution ORDER BY client_id"))
                .isEqualTo("cleveland|2|2|600|0.875|8000|3\nz\u00fcrich\uFFFD|2|1|100|0.25|2000|1");
        assertThat(text("SELECT round, epsilon, privacy_delta FROM fedlearn.run_privacy ORDER BY round"))
                .isEqualTo("1|0.5|1e-06\n2|1|1e-06");
        assertThat(
                        text(
                                "SELECT strategy, seed, settings ->> 'serverLearningRate', latest_round, best_round FROM fedlearn.run"))
                .isEqualTo("FedAdam|7|0.1|2|1");
        assertThat(text("SELECT reason FROM fedlearn.round_client WHERE outcome = 'failed'"))
                .isEqualTo("out of \uFFFD memory\uFFFD");
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 3, 1})
    void keepsTheCheckpointsThatItsRetentionSays(int interval) {
        Retention retention = interval == 0 ? Retention.latestAndBest() : Retention.every(interval);
        PgRunStore store =
                withRounds(open(PgRunStore.builder(SCHEMA, TestRuns.RUN).retention(retention)), 7);

        List<Integer> kept = IntStream.rangeClosed(0, 7)
                .boxed()
                .filter(round -> store.model(round).isPresent())
                .toList();

        assertThat(kept)
                .isEqualTo(
                        interval == 0
                                ? List.of(1, 6, 7)
                                : interval == 3 ? List.of(0, 1, 3, 6, 7) : List.of(0, 1, 2, 3, 4, 5, 6, 7));
        // Of each checkpoint but the first a model and a state; nothing else is left.
        assertThat(text("SELECT count(*) FROM fedlearn.model"))
                .isEqualTo(Integer.toString(2 * kept.size() - (kept.contains(0) ? 1 : 0)));
        assertThat(text("SELECT count(DISTINCT digest) FROM fedlearn.model_chunk"))
                .isEqualTo(text("SELECT count(*) FROM fedlearn.model"));
    }

    @Test
    void loadsModelsThatAreTooLargeForTheHeap() {
        withRounds(open(), 1).close();

        PgRunStore store = open(PgRunStore.builder(SCHEMA, TestRuns.RUN).maxHeapModelBytes(0));
        SavedRun run = store.load().orElseThrow();
        store.close();

        assertThat(run.latest().model().heapBytes()).isZero();
        assertThat(run.latest().model()).isEqualTo(TestRuns.model(1));
        assertThat(run.latest().states()).isEqualTo(TestRuns.checkpoint(1).states());
    }

    @Test
    void isLedByOneAndTakenOverByTheNext() {
        PgRunStore first =
                withRounds(open(PgRunStore.builder(SCHEMA, TestRuns.RUN).holder("north")), 1);
        PgRunStore second = open(PgRunStore.builder(SCHEMA, TestRuns.RUN).holder("south"));
        assertThatExceptionOfType(RunStoreException.class)
                .isThrownBy(second::load)
                .withMessageContaining("run 'heart' cannot be used: it is led by 'north' in term 1");

        // As if the first had been silent for too long.
        execute("UPDATE fedlearn.run_lease SET expires_at = clock_timestamp() - interval '1 second'");
        assertThat(second.load().orElseThrow().latest().round()).isEqualTo(1);
        second.commit(TestRuns.checkpoint(2), false);

        assertThatExceptionOfType(LeaseLostException.class)
                .isThrownBy(() -> first.commit(TestRuns.checkpoint(2), false))
                .withMessageContaining("'south' in term 2");
        assertThat(text("SELECT round, term FROM fedlearn.round ORDER BY round"))
                .isEqualTo("1|1\n2|2");
        assertThat(second.leader().orElseThrow().holder()).isEqualTo("south");
        assertThat(first.model(2)).contains(TestRuns.model(2));
    }

    @Test
    void isAsBeforeWhenTheServerEndsTheConnectionInTheMiddle() {
        PgRunStore store = withRounds(open(), 1);

        assertThatExceptionOfType(RunStoreException.class)
                .isThrownBy(() -> store.commit(withTrouble(2, PgRunStoreIT::kill), false))
                .withMessageContaining("round 2 of run 'heart' cannot be saved")
                .withCauseInstanceOf(PgException.class);

        isAtRoundOneAndGoesOn(store);
    }

    /** The checkpoint of a round with a tensor that does something when its values are read for the second time, to be saved. */
    private static Checkpoint withTrouble(int round, Runnable trouble) {
        Checkpoint checkpoint = TestRuns.checkpoint(round);
        List<Tensor> tensors = new ArrayList<>(checkpoint.model().tensors());
        Tensor first = tensors.get(0);
        byte[] values = new byte[Math.toIntExact(first.byteCount())];
        first.encodeTo(0, ByteBuffer.wrap(values));
        int[] reads = {0};
        tensors.set(0, Tensor.of(first.type(), first.shape(), (offset, target) -> {
            if (offset == 0 && ++reads[0] == 2) {
                trouble.run();
            }
            target.put(values, (int) offset, target.remaining());
        }));
        Model model = Model.of(checkpoint.model().spec(), tensors);
        return new Checkpoint(round, model, checkpoint.states(), checkpoint.record());
    }

    private static void kill() {
        assertThat(text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
                        + " AND pid <> pg_backend_pid() AND backend_type = 'client backend'"))
                .contains("t");
    }

    private void isAtRoundOneAndGoesOn(PgRunStore store) {
        assertThat(text("SELECT max(round) FROM fedlearn.round")).isEqualTo("1");
        assertThat(text("SELECT max(round) FROM fedlearn.checkpoint")).isEqualTo("1");
        assertThat(text("SELECT count(*) FROM fedlearn.round_client WHERE round = 2"))
                .isEqualTo("0");
        assertThat(text("SELECT count(*) FROM fedlearn.model WHERE digest = '"
                        + TestRuns.model(2).digest() + "'"))
                .isEqualTo("0");
        execute("DROP TRIGGER IF EXISTS trouble ON fedlearn.round_client");
        store.commit(TestRuns.checkpoint(2), false);
        store.close();
        SavedRun run = open().load().orElseThrow();
        assertThat(run.latest()).isEqualTo(TestRuns.checkpoint(2));
        assertThat(run.notices()).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"53100", "42501", "57014"})
    void isAsBeforeWhenAStatementFailsInTheMiddle(String state) {
        PgRunStore store = withRounds(open(), 1);
        execute(
                "CREATE OR REPLACE FUNCTION fedlearn.trouble() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
                        + " RAISE EXCEPTION 'could not extend file: no space left on device' USING ERRCODE = '" + state
                        + "'; END $$",
                "CREATE TRIGGER trouble BEFORE INSERT ON fedlearn.round_client FOR EACH ROW EXECUTE FUNCTION"
                        + " fedlearn.trouble()");

        assertThatExceptionOfType(RunStoreException.class)
                .isThrownBy(() -> store.commit(TestRuns.checkpoint(2), true))
                .withMessage("round 2 of run 'heart' cannot be saved: could not extend file: no space left on device ("
                        + state + ")");

        assertThat(store.load().orElseThrow().latest()).isEqualTo(TestRuns.checkpoint(1));
        isAtRoundOneAndGoesOn(store);
    }

    @Test
    void savesNothingWithoutTheRight() {
        PGSimpleDataSource as =
                TestPostgres.asNewRole((PGSimpleDataSource) SCHEMA.database().dataSource());
        assertThatExceptionOfType(RunStoreException.class)
                .isThrownBy(() ->
                        open(PgRunStore.builder(PgSchema.of(as), TestRuns.RUN)).load());
        SCHEMA.grant(PgRole.COORDINATOR, String.valueOf(as.getUser()));
        PgRunStore store = withRounds(open(PgRunStore.builder(PgSchema.of(as), TestRuns.RUN)), 4);
        assertThat(store.load().orElseThrow().latest()).isEqualTo(TestRuns.checkpoint(4));
        execute("REVOKE INSERT ON fedlearn.checkpoint FROM " + as.getUser());

        assertThatExceptionOfType(RunStoreException.class)
                .isThrownBy(() -> store.commit(TestRuns.checkpoint(5), false))
                .withMessageContaining("round 5 of run 'heart' cannot be saved")
                .withMessageContaining("permission denied for table checkpoint (42501)");

        assertThat(text("SELECT max(round) FROM fedlearn.round")).isEqualTo("4");
        execute("GRANT INSERT ON fedlearn.checkpoint TO " + as.getUser());
        store.commit(TestRuns.checkpoint(5), false);
    }

    @Test
    void refusesASchemaThatIsMissingOrNewer() {
        assertThatExceptionOfType(RunStoreException.class)
                .isThrownBy(() -> open(PgRunStore.builder(PgSchema.of(TestPostgres.newDatabase()), "heart"))
                        .load())
                .withMessageContaining("PgSchema.migrate");
        PgSchema newer = TestPostgres.newSchema();
        TestPostgres.execute(
                newer.database().dataSource(),
                "INSERT INTO fedlearn.schema_version SELECT 99, '99', description, type, script, checksum, installed_by,"
                        + " installed_on, execution_time, success FROM fedlearn.schema_version WHERE version = '1'");
        assertThatExceptionOfType(RunStoreException.class)
                .isThrownBy(() -> open(PgRunStore.builder(newer, "heart")).load())
                .withMessageContaining("has version 99");
    }

    @Test
    void passesOverWhatIsDamaged() {
        for (String damage : new String[] {
            "DELETE FROM fedlearn.model_chunk WHERE digest = (SELECT digest FROM fedlearn.checkpoint_state WHERE round = 3)",
            "UPDATE fedlearn.checkpoint SET states = replace(states, 'step', 'stop') WHERE round = 3",
            "UPDATE fedlearn.round SET record = replace(record, 'cleveland', 'clevelend') WHERE round = 3",
            "UPDATE fedlearn.round SET record = (SELECT record FROM fedlearn.round WHERE round = 2) WHERE round = 3",
            "DELETE FROM fedlearn.round WHERE round = 3",
            "DELETE FROM fedlearn.checkpoint WHERE round = 3"
        }) {
            empty();
            withRounds(open(), 3).close();
            execute(damage);
            PgRunStore store = open();

            SavedRun run = store.load().orElseThrow();

            assertThat(run.latest()).as(damage).isEqualTo(TestRuns.checkpoint(2));
            assertThat(run.records()).hasSize(2);
            assertThat(run.notices()).as(damage).hasSize(1);
            assertThat(run.notices().get(0)).contains("round");
            assertThat(store.load().orElseThrow().notices()).isEmpty();
            store.commit(TestRuns.checkpoint(3), false);
            store.close();
            assertThat(open().load().orElseThrow().latest()).isEqualTo(TestRuns.checkpoint(3));
            stores.forEach(PgRunStore::close);
        }
    }

    @Test
    void setsRightWhatTheRunsRowSaysOfItsLatestRound() {
        for (int wrong : new int[] {2, 4}) {
            empty();
            withRounds(open(), 3).close();
            execute("UPDATE fedlearn.run SET latest_round = " + wrong);
            PgRunStore store = open();

            SavedRun run = store.load().orElseThrow();

            assertThat(run.latest()).isEqualTo(TestRuns.checkpoint(3));
            assertThat(run.notices()).singleElement().asString().contains("was at round " + wrong + " by its row");
            assertThat(store.load().orElseThrow().notices()).isEmpty();
            store.commit(TestRuns.checkpoint(4), false);
            stores.forEach(PgRunStore::close);
        }
    }

    @Test
    void saysWhenNothingIsWhole() {
        withRounds(open(), 3).close();
        execute("DELETE FROM fedlearn.model_chunk");

        assertThatExceptionOfType(RunStoreException.class)
                .isThrownBy(open()::load)
                .withMessageContaining("no checkpoint of run 'heart' is whole: round 3: model ")
                .withMessageContaining("chunk 0 is missing; round 2: ");
        assertThat(text("SELECT count(*) FROM fedlearn.round")).isEqualTo("3");

        close();
        execute("UPDATE fedlearn.run SET header = replace(header, 'FedAdam', 'FedAvg')");
        assertThatExceptionOfType(RunStoreException.class)
                .isThrownBy(() -> open().load())
                .withMessageContaining("the header of run 'heart' does not have the checksum");
    }

    @Test
    void findsACommitThatWasMadeAlthoughTheConnectionWasLost() {
        PgRunStore store = withRounds(open(), 1);
        LossyCommit lossy = new LossyCommit(SCHEMA.database().dataSource());
        store.close();
        PgRunStore cut = open(PgRunStore.builder(PgSchema.of(lossy), TestRuns.RUN));
        assertThat(cut.load()).isPresent();

        // Committed, and known at once.
        lossy.loseAnswers(1, true, 0);
        cut.commit(TestRuns.checkpoint(2), false);
        assertThat(text("SELECT max(round) FROM fedlearn.round")).isEqualTo("2");

        // Committed, and the database cannot be reached to ask.
        lossy.loseAnswers(1, true, 1);
        assertThatExceptionOfType(RunStoreException.class)
                .isThrownBy(() -> cut.commit(TestRuns.checkpoint(3), false))
                .withMessageContaining("may have been committed");
        cut.commit(TestRuns.checkpoint(3), false);
        cut.commit(TestRuns.checkpoint(4), false);

        // Not committed.
        lossy.loseAnswers(1, false, 0);
        assertThatExceptionOfType(RunStoreException.class).isThrownBy(() -> cut.commit(TestRuns.checkpoint(5), false));
        cut.commit(TestRuns.checkpoint(5), false);
        assertThatExceptionOfType(RunStoreException.class)
                .isThrownBy(() -> cut.commit(TestRuns.checkpoint(5), false))
                .withMessageContaining("round 6 of run 'heart' must be committed next, was 5");
        cut.close();
        assertThat(text("SELECT count(*), max(round) FROM fedlearn.round")).isEqualTo("5|5");
        assertThat(open().load().orElseThrow().latest()).isEqualTo(TestRuns.checkpoint(5));
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void startsARunOnceThoughTheAnswerToItWasLost(boolean isCommitted) {
        LossyCommit lossy = new LossyCommit(SCHEMA.database().dataSource());
        PgRunStore store = open(PgRunStore.builder(PgSchema.of(lossy), TestRuns.RUN)
                .whenUnreachable(WhenUnreachable.waiting(Duration.ofMinutes(1))));
        lossy.loseAnswers(1, isCommitted, 1);

        store.create(TestRuns.header(), TestRuns.checkpoint(0));

        store.commit(TestRuns.checkpoint(1), true);
        assertThat(store.load().orElseThrow().latest()).isEqualTo(TestRuns.checkpoint(1));
        assertThatExceptionOfType(RunStoreException.class)
                .isThrownBy(() -> store.create(TestRuns.header(), TestRuns.checkpoint(0)))
                .withMessageContaining("holds run 'heart' already");
    }

    @Test
    void refusesWhatCannotBeARun() {
        for (String runId : new String[] {"", "a\0b", "a\nb", "\uD800", "x".repeat(256)}) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> PgRunStore.of(SCHEMA, runId))
                    .withMessageContaining("runId must be");
        }
        assertThatIllegalArgumentException()
                .isThrownBy(() -> PgRunStore.builder(SCHEMA, "heart").maxHeapModelBytes(-1));
        assertThatIllegalArgumentException()
                .isThrownBy(() -> PgRunStore.builder(SCHEMA, "heart")
                        .leaseTime(Duration.ofMillis(1))
                        .build());
        assertThatIllegalArgumentException()
                .isThrownBy(() ->
                        open(PgRunStore.builder(SCHEMA, "lung")).create(TestRuns.header(), TestRuns.checkpoint(0)))
                .withMessageContaining("must be called 'lung'");
        PgRunStore store = open();
        assertThatIllegalArgumentException().isThrownBy(() -> store.create(TestRuns.header(), TestRuns.checkpoint(1)));
        Checkpoint first = TestRuns.checkpoint(1);
        withRounds(store, 0);
        assertThatIllegalArgumentException()
                .isThrownBy(
                        () -> store.commit(new Checkpoint(1, TestRuns.model(2), first.states(), first.record()), false))
                .withMessageContaining("must have its model's digest");
        assertThat(store.load().orElseThrow().latest().round()).isZero();
        store.close();
        assertThatIllegalStateException().isThrownBy(store::load).withMessageContaining("is closed");
        assertThat(Optional.of(store.runId())).contains("heart");
    }
}
