package io.fedlearn.pg.run;

import static org.assertj.core.api.Assertions.assertThat;

import io.fedlearn.core.federation.Run;
import io.fedlearn.core.random.SeededRandom;
import io.fedlearn.core.store.SavedRun;
import io.fedlearn.pg.TestPostgres;
import io.fedlearn.pg.schema.PgSchema;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.postgresql.ds.PGSimpleDataSource;

/** Coordinators and databases that are killed in the middle of a run, which must end as if nothing had happened. */
class CoordinatorKillIT {
    private static final Duration LEASE = Duration.ofSeconds(1);
    private static final Duration LONGER_LEASE = Duration.ofSeconds(3);
    private static final int MOST_STARTS = 5;

    @TempDir
    private Path directory;

    private static void spin(long nanos) {
        long end = System.nanoTime() + nanos;
        while (System.nanoTime() - end < 0) {
            Thread.onSpinWait();
        }
    }

    private static void requireUndisturbed(PGSimpleDataSource database, Run undisturbed) throws InterruptedException {
        String runId = undisturbed.header().runId();
        try (PgRunStore store = TrialFederation.store(database, runId, LEASE)) {
            assertThat(store.awaitLeadership(Duration.ofMinutes(1))).isTrue();
            SavedRun saved = store.load().orElseThrow();
            assertThat(saved.notices()).isEmpty();
            assertThat(saved.latest().model().digest())
                    .isEqualTo(undisturbed.model().digest());
            assertThat(TrialFederation.digests(saved.records()))
                    .isEqualTo(TrialFederation.digests(undisturbed.records()));
        }
    }

    private static ChildJvm coordinator(
            PGSimpleDataSource database, String runId, int rounds, Duration lease, String... more) throws IOException {
        List<String> arguments = new ArrayList<>(List.of(
                database.getURL(),
                Objects.toString(database.getUser(), ""),
                Objects.toString(database.getPassword(), ""),
                runId,
                Integer.toString(rounds),
                Long.toString(lease.toMillis())));
        arguments.addAll(List.of(more));
        return ChildJvm.start(TrialFederation.class, arguments.toArray(new String[0]));
    }

    /** Kills coordinators, each after at most so many of its rounds, and starts the next, until one ends. */
    private static void killCoordinators(int kills, int rounds, int mostRounds, long seed)
            throws IOException, InterruptedException {
        PGSimpleDataSource database = TestPostgres.newDatabase();
        PgSchema.of(database).migrate();
        String runId = "killed-" + seed;
        Run undisturbed = TrialFederation.undisturbed(runId, rounds);
        SeededRandom random = SeededRandom.of(seed);
        int killed = 0;
        boolean isDone = false;
        while (!isDone) {
            try (ChildJvm coordinator = coordinator(database, runId, rounds, LEASE)) {
                int left = killed < kills ? (int) (mostRounds * random.nextDouble()) : Integer.MAX_VALUE;
                Optional<String> line = coordinator.readLine();
                while (line.isPresent() && !line.get().startsWith(TrialFederation.DONE) && left-- > 0) {
                    line = coordinator.readLine();
                }
                assertThat(line).as("the coordinator's last line").isPresent();
                isDone = line.get().startsWith(TrialFederation.DONE);
                if (!isDone) {
                    // The kill comes at whatever it does by then.
                    spin((long) (20e6 * random.nextDouble()));
                    coordinator.kill();
                    killed++;
                } else {
                    assertThat(line.get())
                            .isEqualTo(
                                    TrialFederation.DONE + undisturbed.model().digest());
                }
            }
        }
        assertThat(killed).isPositive();
        requireUndisturbed(database, undisturbed);
    }

    private void killServers(int kills, int rounds, long seed) throws Exception {
        try (ServerProcess server = ServerProcess.in(directory.resolve("data"))) {
            PgSchema.of(server.database()).migrate();
            String runId = "bereft-" + seed;
            Run undisturbed = TrialFederation.undisturbed(runId, rounds);
            SeededRandom random = SeededRandom.of(seed);
            AtomicInteger finished = new AtomicInteger();
            CompletableFuture<Run> run = CompletableFuture.supplyAsync(() -> {
                try {
                    PgRunStore store = TrialFederation.store(server.database(), runId, LEASE);
                    return TrialFederation.of(runId, rounds)
                            .store(store)
                            .listener(TrialFederation.onRound(finished::incrementAndGet))
                            .run();
                } catch (InterruptedException e) {
                    throw new IllegalStateException(e);
                }
            });
            int killed = 0;
            while (killed < kills && !run.isDone()) {
                int until = finished.get() + 1 + (int) (rounds / (kills + 1.0) * random.nextDouble());
                while (finished.get() < until && !run.isDone()) {
                    Thread.onSpinWait();
                }
                spin((long) (20e6 * random.nextDouble()));
                server.kill();
                killed++;
                server.restart();
            }
            assertThat(run.get(5, TimeUnit.MINUTES).model().digest())
                    .isEqualTo(undisturbed.model().digest());
            assertThat(killed).isEqualTo(kills);
            requireUndisturbed(server.database(), undisturbed);
        }
    }

    /**
     * A coordinator that has said its first round. To begin it needs the database, which a busy machine may take away from it for being
     * slow: then it ends, and is started again, as whoever runs it would.
     */
    private static ChildJvm begun(PGSimpleDataSource database, String runId, int rounds, Path local)
            throws IOException {
        for (int start = 0; start < MOST_STARTS; start++) {
            ChildJvm coordinator = coordinator(database, runId, rounds, LONGER_LEASE, local.toString());
            if (coordinator.readLine().isPresent()) {
                return coordinator;
            }
            coordinator.close();
        }
        throw new IllegalStateException("no coordinator begins");
    }

    /** Awaits so many rounds of a coordinator that waits after each, and lets it begin the one after them. */
    private static void advance(ChildJvm coordinator, int rounds) throws IOException {
        for (int i = 0; i < rounds; i++) {
            assertThat(coordinator.readLine())
                    .as("a round")
                    .hasValueSatisfying(line -> assertThat(line).startsWith(TrialFederation.ROUND));
            coordinator.step();
        }
    }

    /**
     * Kills a server, and then the coordinator that goes on in files meanwhile: in turn while the server is away, and when it is back, so
     * that it may be copying. Then starts it again.
     */
    private void killBoth(int kills, int rounds, long seed) throws Exception {
        Path local = directory.resolve("local");
        String runId = "left-alone-" + seed;
        Run undisturbed = TrialFederation.undisturbed(runId, rounds);
        SeededRandom random = SeededRandom.of(seed);
        try (ServerProcess server = ServerProcess.in(directory.resolve("data"))) {
            PgSchema.of(server.database()).migrate();
            for (int killed = 0; killed < kills; killed++) {
                try (ChildJvm coordinator = begun(server.database(), runId, rounds, local)) {
                    coordinator.step();
                    advance(coordinator, (int) (4 * random.nextDouble()));
                    server.kill();
                    int before = roundsIn(local);
                    while (roundsIn(local) <= before) {
                        advance(coordinator, 1);
                    }
                    advance(coordinator, (int) (4 * random.nextDouble()));
                    if (killed % 2 == 1) {
                        server.restart();
                        // What is in files is copied by the first commit after the lease was renewed.
                        spin((long) (LONGER_LEASE.toNanos() * random.nextDouble()));
                        advance(coordinator, 1);
                    }
                    spin((long) (20e6 * random.nextDouble()));
                    coordinator.kill();
                    if (killed % 2 == 0) {
                        server.restart();
                    }
                }
            }
            try (ChildJvm coordinator = begun(server.database(), runId, rounds, local)) {
                coordinator.endSteps();
                Optional<String> line = coordinator.readLine();
                while (line.isPresent() && !line.get().startsWith(TrialFederation.DONE)) {
                    line = coordinator.readLine();
                }
                assertThat(line)
                        .contains(TrialFederation.DONE + undisturbed.model().digest());
            }
            requireUndisturbed(server.database(), undisturbed);
        }
    }

    /** How many rounds a local store holds, by its file of records: the store itself is the other process's. */
    private static int roundsIn(Path local) throws IOException {
        Path records = local.resolve("records.jsonl");
        return Files.exists(records) ? Files.readAllLines(records).size() : 0;
    }

    @Test
    void aRunWhoseCoordinatorsAreKilledEndsWithTheSameBits() throws Exception {
        killCoordinators(2, 10, 4, 1);
    }

    @Test
    void aRunWhoseDatabaseIsKilledEndsWithTheSameBits() throws Exception {
        killServers(1, 10, 1);
    }

    @Test
    void aRunWhoseCoordinatorIsKilledWhileItGoesOnInFilesEndsWithTheSameBits() throws Exception {
        killBoth(2, 30, 1);
    }

    @Tag("slow")
    @Test
    void aRunWhoseCoordinatorsAreKilledManyTimesEndsWithTheSameBits() throws Exception {
        killCoordinators(50, 200, 6, System.nanoTime());
    }

    @Tag("slow")
    @Test
    void aRunWhoseDatabaseIsKilledManyTimesEndsWithTheSameBits() throws Exception {
        killServers(20, 200, System.nanoTime());
    }

    @Tag("slow")
    @Test
    void aRunWhoseCoordinatorIsKilledManyTimesWhileItGoesOnInFilesEndsWithTheSameBits() throws Exception {
        killBoth(30, 450, System.nanoTime());
    }
}
