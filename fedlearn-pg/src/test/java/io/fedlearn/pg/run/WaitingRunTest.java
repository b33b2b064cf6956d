package io.fedlearn.pg.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.fedlearn.core.store.RunStoreException;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class WaitingRunTest {
    private final FakeRunInDatabase database = new FakeRunInDatabase();

    private RunInDatabase.Front started(WhenUnreachable choice) {
        RunInDatabase.Front run = choice.over(database);
        run.create(TrialRun.header(), TrialRun.plain().checkpoint(0));
        database.attempts = 0;
        return run;
    }

    @Test
    void stopsAtOnceByDefault() {
        RunInDatabase.Front run = started(WhenUnreachable.stop());
        database.away = 1;

        assertThatExceptionOfType(RunStoreException.class)
                .isThrownBy(() -> TrialRun.plain().commit(run, 1, 1));

        assertThat(database.attempts).isEqualTo(1);
        TrialRun.plain().commit(run, 1, 2);
        assertThat(run.load().orElseThrow().latest()).isEqualTo(TrialRun.plain().checkpoint(2));
    }

    @Test
    void triesAgainUntilTheDatabaseIsBack() {
        RunInDatabase.Front run = started(WhenUnreachable.waiting(Duration.ofMinutes(5)));
        database.away = 2;

        TrialRun.plain().commit(run, 1, 1);

        assertThat(database.attempts).isEqualTo(3);
        assertThat(database.records).hasSize(1);
        database.away = 1;
        assertThat(run.load()).isPresent();
        database.away = 1;
        assertThat(run.model(1)).contains(TrialRun.plain().model(1));
    }

    @Test
    void givesUpWhenTheTimeIsOver() {
        AtomicLong nanos = new AtomicLong();
        WaitingRun run =
                new WaitingRun(database, Duration.ofSeconds(20), () -> nanos.getAndAdd(TimeUnit.SECONDS.toNanos(8)));
        database.away = Integer.MAX_VALUE;

        assertThatExceptionOfType(RunStoreException.class)
                .isThrownBy(run::load)
                .withMessageContaining("could not be loaded for PT20S")
                .withMessageContaining("the run");
        assertThat(database.attempts).isEqualTo(3);
    }

    @Test
    void waitsForEverIfThatIsSaid() {
        RunInDatabase.Front run = started(WhenUnreachable.waiting(Duration.ofSeconds(Long.MAX_VALUE)));
        database.away = 1;

        TrialRun.plain().commit(run, 1, 1);

        assertThat(database.attempts).isEqualTo(2);
    }

    @Test
    void doesNotWaitForWhatIsNoAbsence() {
        RunInDatabase.Front run = started(WhenUnreachable.waiting(Duration.ofMinutes(5)));

        assertThatExceptionOfType(RunStoreException.class)
                .isThrownBy(() -> TrialRun.plain().commit(run, 2, 2))
                .withMessageContaining("round 1 must be committed next");
        assertThat(database.attempts).isZero();
    }

    @Test
    void stopsWaitingWhenAnotherLeads() {
        RunInDatabase.Front run = started(WhenUnreachable.waiting(Duration.ofMinutes(5)));
        database.away = 1;
        database.isLost = true;

        assertThatExceptionOfType(LeaseLostException.class)
                .isThrownBy(() -> TrialRun.plain().commit(run, 1, 1));
    }

    @Test
    void anInterruptEndsTheWaiting() {
        RunInDatabase.Front run = started(WhenUnreachable.waiting(Duration.ofMinutes(5)));
        database.away = Integer.MAX_VALUE;

        Thread.currentThread().interrupt();
        assertThatExceptionOfType(RunStoreException.class)
                .isThrownBy(() -> TrialRun.plain().commit(run, 1, 1))
                .withMessageContaining("interrupted");
        assertThat(Thread.interrupted()).isTrue();
    }

    @Test
    void closingEndsTheWaiting() {
        RunInDatabase.Front run = started(WhenUnreachable.waiting(Duration.ofMinutes(5)));
        database.away = Integer.MAX_VALUE;
        CompletableFuture<Boolean> committed = CompletableFuture.supplyAsync(() -> {
            TrialRun.plain().commit(run, 1, 1);
            return true;
        });

        run.close();

        assertThatExceptionOfType(ExecutionException.class)
                .isThrownBy(() -> committed.get(60, TimeUnit.SECONDS))
                .withCauseInstanceOf(RunStoreException.class);
    }

    @Test
    void refusesToWaitForNoTime() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> WhenUnreachable.waiting(Duration.ZERO))
                .withMessageContaining("limit must be > 0");
    }
}
