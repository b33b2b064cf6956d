package io.fedlearn.pg.run;

import io.fedlearn.aggregators.FedAdam;
import io.fedlearn.core.federation.Federation;
import io.fedlearn.core.federation.RoundListener;
import io.fedlearn.core.federation.Run;
import io.fedlearn.core.record.RoundRecord;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.files.FileRunStore;
import io.fedlearn.pg.schema.PgSchema;
import io.fedlearn.testkit.client.DriftClient;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.stream.IntStream;
import org.postgresql.ds.PGSimpleDataSource;

/**
 * A small federation whose every bit follows from its seed, so that a run that was killed any number of times must end as one that was
 * not. As a program it leads the run as soon as it may, prints each round once it is committed, and the digest at the end.
 */
final class TrialFederation {
    /** What a line starts with that says a round was committed: {@value}. */
    static final String ROUND = "round ";

    /** What the last line starts with: {@value}. */
    static final String DONE = "done ";

    private static final int PARAMETERS = 20_000;

    private TrialFederation() {}

    static Federation.Builder of(String runId, int rounds) {
        float[] values = new float[PARAMETERS];
        for (int i = 0; i < PARAMETERS; i++) {
            values[i] = (float) StrictMath.sin(i);
        }
        return Federation.of(IntStream.rangeClosed(1, 4)
                        .mapToObj(i -> DriftClient.withExamples(10L * i))
                        .toList())
                .runId(runId)
                .seed(7)
                .strategy(FedAdam.withServerLearningRate(0.01))
                .initialModel(Model.builder()
                        .trainable("weights", Tensor.copyOf(values))
                        .build())
                .rounds(rounds);
    }

    /** The run as it is if nothing happens to it. */
    static Run undisturbed(String runId, int rounds) throws InterruptedException {
        return of(runId, rounds).run();
    }

    /** What must be the same of two runs: the models after all rounds. */
    static List<String> digests(List<RoundRecord> records) {
        return records.stream().map(RoundRecord::modelDigest).toList();
    }

    /** The store of a coordinator that waits for its database. */
    static PgRunStore store(PGSimpleDataSource database, String runId, Duration leaseTime) {
        return store(database, runId, leaseTime, WhenUnreachable.waiting(Duration.ofMinutes(2)));
    }

    private static PgRunStore store(
            PGSimpleDataSource database, String runId, Duration leaseTime, WhenUnreachable choice) {
        return PgRunStore.builder(PgSchema.of(database), runId)
                .leaseTime(leaseTime)
                .whenUnreachable(choice)
                .build();
    }

    static RoundListener onRound(Runnable action) {
        return new RoundListener() {
            @Override
            public void roundFinished(RoundRecord record) {
                action.run();
            }
        };
    }

    private static void awaitStep() {
        try {
            System.in.read();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * Arguments: URL, user, password, run, number of rounds, milliseconds of the lease. With a seventh it goes on in that directory
     * while the database is away, and after each round waits for a byte from its input.
     */
    public static void main(String[] arguments) throws InterruptedException {
        PGSimpleDataSource database = new PGSimpleDataSource();
        database.setUrl(arguments[0]);
        database.setUser(arguments[1]);
        database.setPassword(arguments[2]);
        WhenUnreachable choice = arguments.length > 6
                ? WhenUnreachable.continuingOn(FileRunStore.at(Path.of(arguments[6])))
                : WhenUnreachable.waiting(Duration.ofMinutes(2));
        PgRunStore store = store(database, arguments[3], Duration.ofMillis(Long.parseLong(arguments[5])), choice);
        if (!store.awaitLeadership(Duration.ofMinutes(2))) {
            throw new IllegalStateException("somebody else leads: " + store.leader());
        }
        RoundListener listener = new RoundListener() {
            @Override
            public void roundFinished(RoundRecord record) {
                System.out.println(ROUND + record.round());
                if (arguments.length > 6) {
                    awaitStep();
                }
            }
        };
        Run run = of(arguments[3], Integer.parseInt(arguments[4]))
                .store(store)
                .resume(true)
                .listener(listener)
                .run();
        System.out.println(DONE + run.model().digest());
    }
}
