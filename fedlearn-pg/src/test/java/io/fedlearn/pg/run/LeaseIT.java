package io.fedlearn.pg.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import io.fedlearn.pg.PgException;
import io.fedlearn.pg.TestPostgres;
import io.fedlearn.pg.internal.Database;
import io.fedlearn.pg.schema.PgSchema;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;
import javax.sql.DataSource;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.postgresql.ds.PGSimpleDataSource;

class LeaseIT {
    /** So long that nothing of it happens by itself within a test. */
    private static final Duration LONG = Duration.ofHours(12);

    private static final Duration SHORT = Duration.ofMillis(300);

    private static final PgSchema SCHEMA = TestPostgres.newSchema();

    private final Database database = SCHEMA.database();
    private final List<Lease> leases = new ArrayList<>();

    @AfterEach
    void closeAll() {
        leases.forEach(Lease::close);
        TestPostgres.execute(database.dataSource(), "DELETE FROM fedlearn.run_lease");
    }

    private Lease lease(String holder, Duration time) {
        return keep(Lease.of(database, "heart", holder, time));
    }

    private Lease keep(Lease lease) {
        leases.add(lease);
        return lease;
    }

    private void end() {
        TestPostgres.execute(
                database.dataSource(),
                "UPDATE fedlearn.run_lease SET expires_at = clock_timestamp() - interval '1 second'");
    }

    private boolean fence(Lease lease) {
        return database.inTransaction("a round cannot be saved", connection -> {
            lease.requireHeld(connection);
            return true;
        });
    }

    private static void await(BooleanSupplier condition) {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
        while (!condition.getAsBoolean()) {
            assertThat(System.nanoTime() - deadline)
                    .as("nanoseconds past the deadline")
                    .isNegative();
            Thread.onSpinWait();
        }
    }

    @Test
    void isHeldByOneAtATime() {
        Lease north = lease("north", LONG);
        Lease south = lease("south", LONG);

        assertThat(north.acquire()).isTrue();
        assertThat(south.acquire()).isFalse();

        assertThat(north.isHeld()).isTrue();
        assertThat(south.isHeld()).isFalse();
        assertThat(fence(north)).isTrue();
        assertThatIllegalStateException().isThrownBy(() -> fence(south)).withMessageContaining("not held here");
        RunLeader leader = south.leader().orElseThrow();
        assertThat(leader.holder()).isEqualTo("north");
        assertThat(leader.term()).isEqualTo(1);
        assertThat(leader.isOver()).isFalse();
        assertThat(leader.remaining()).isBetween(LONG.minusMinutes(1), LONG);
    }

    @Test
    void isOneForEachRun() {
        Lease heart = lease("north", LONG);
        Lease lung = keep(Lease.of(database, "lung", "south", LONG));

        assertThat(heart.acquire()).isTrue();
        assertThat(lung.acquire()).isTrue();
        assertThat(heart.leader().orElseThrow().holder()).isEqualTo("north");
        assertThat(lung.leader().orElseThrow().holder()).isEqualTo("south");
    }

    @Test
    void isConfirmedByWhoHoldsIt() {
        Lease north = lease("north", LONG);
        north.acquire();

        assertThat(north.acquire()).isTrue();
        assertThat(north.term()).isEqualTo(1);
    }

    @Test
    void isTakenOverWhenItHasEndedAndTheFormerHolderIsRefused() {
        Lease north = lease("north", LONG);
        Lease south = lease("south", LONG);
        north.acquire();
        end();

        assertThat(south.acquire()).isTrue();

        assertThat(south.term()).isEqualTo(2);
        assertThatExceptionOfType(LeaseLostException.class)
                .isThrownBy(() -> fence(north))
                .withMessageContaining("'heart'")
                .withMessageContaining("'north' in term 1")
                .withMessageContaining("'south' in term 2")
                .matches(e -> e.runId().equals("heart") && e.holder().equals("north") && e.term() == 1);
        assertThat(north.isHeld()).isFalse();
        assertThatExceptionOfType(LeaseLostException.class).isThrownBy(north::acquire);
        north.close();
        assertThat(fence(south)).isTrue();
    }

    @Test
    void anEndedLeaseThatNobodyTookHoldsAtTheNextCommit() {
        Lease north = lease("north", LONG);
        Lease south = lease("south", LONG);
        north.acquire();
        end();

        assertThat(fence(north)).isTrue();
        assertThat(south.acquire()).isFalse();
    }

    @Test
    void aNameThatAnotherHasTooDoesNotMakeItTheSame() {
        Lease north = lease("north", LONG);
        Lease other = lease("north", LONG);
        north.acquire();

        assertThat(other.acquire()).isFalse();
        end();
        assertThat(other.acquire()).isTrue();
        assertThatExceptionOfType(LeaseLostException.class).isThrownBy(() -> fence(north));
    }

    @Test
    void isReleasedByClosing() {
        Lease north = lease("north", LONG);
        Lease south = lease("south", LONG);
        north.acquire();

        north.close();
        north.close();

        assertThat(north.isHeld()).isFalse();
        assertThat(south.leader().orElseThrow().isOver()).isTrue();
        assertThat(south.acquire()).isTrue();
        assertThat(south.term()).isEqualTo(2);
        assertThatIllegalStateException().isThrownBy(() -> fence(north));
    }

    @Test
    void oneOfManyThatComeAtOnceGetsIt() throws Exception {
        ExecutorService threads = Executors.newFixedThreadPool(8);
        try {
            for (int attempt = 1; attempt <= 5; attempt++) {
                CountDownLatch start = new CountDownLatch(1);
                List<Future<Boolean>> acquired = new ArrayList<>();
                for (int i = 0; i < 8; i++) {
                    Lease lease = lease("coordinator-" + i, LONG);
                    acquired.add(threads.submit(() -> {
                        start.await();
                        return lease.acquire();
                    }));
                }
                start.countDown();
                int holders = 0;
                for (Future<Boolean> one : acquired) {
                    holders += one.get(60, TimeUnit.SECONDS) ? 1 : 0;
                }
                assertThat(holders).isEqualTo(1);
                assertThat(lease("reader", LONG).leader().orElseThrow().term()).isEqualTo(attempt);
                end();
            }
        } finally {
            threads.shutdownNow();
        }
    }

    @Test
    void isRenewedByItself() {
        Lease north = lease("north", Duration.ofSeconds(1));
        north.acquire();
        TestPostgres.execute(
                database.dataSource(), "UPDATE fedlearn.run_lease SET expires_at = clock_timestamp() + interval '1 h'");

        // Renewed, it ends when it should.
        await(() -> north.leader().orElseThrow().remaining().toSeconds() <= 1);

        assertThat(north.leader().orElseThrow().term()).isEqualTo(1);
        // Not at each moment, on a machine that stands still for a second.
        await(north::isHeld);
    }

    @Test
    void isAwaitedUntilTheHolderFallsSilent() throws Exception {
        Lease north = lease("north", LONG);
        Lease south = lease("south", LONG);
        north.acquire();
        CompletableFuture<Boolean> awaited = CompletableFuture.supplyAsync(() -> {
            try {
                return south.await(Duration.ofMinutes(1), Duration.ofMillis(20));
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        });
        end();

        assertThat(awaited.get(60, TimeUnit.SECONDS)).isTrue();
        assertThat(south.isHeld()).isTrue();
        assertThatExceptionOfType(LeaseLostException.class).isThrownBy(() -> fence(north));
    }

    @Test
    void isNotAwaitedForLongerThanWasSaid() throws Exception {
        Lease north = lease("north", LONG);
        Lease south = lease("south", LONG);
        north.acquire();

        assertThat(south.await(Duration.ZERO, LONG)).isFalse();
        assertThat(south.await(Duration.ofMillis(1), LONG)).isFalse();
        assertThat(north.await(Duration.ZERO, LONG)).isTrue();
    }

    @Test
    void closingEndsTheWaiting() throws Exception {
        Lease north = lease("north", LONG);
        Lease south = lease("south", LONG);
        north.acquire();
        CompletableFuture<Boolean> awaited = CompletableFuture.supplyAsync(() -> {
            try {
                return south.await(LONG, LONG);
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        });
        south.close();

        assertThatExceptionOfType(ExecutionException.class)
                .isThrownBy(() -> awaited.get(60, TimeUnit.SECONDS))
                .withMessageContaining("closed while");
    }

    @Test
    void isNotTakenByOneThatWasClosedBefore() {
        Lease north = lease("north", LONG);
        Lease south = lease("south", LONG);
        north.close();

        assertThat(north.acquire()).isFalse();
        assertThatIllegalStateException().isThrownBy(() -> north.await(LONG, LONG));
        assertThat(north.isHeld()).isFalse();
        assertThat(south.acquire()).isTrue();
    }

    @Test
    void isNotHeldPastTheHoldersOwnDeadlineUntilTheDatabaseConfirmsIt() {
        ScheduledExecutorService executor = Executors.newSingleThreadScheduledExecutor();
        AtomicLong nanos = new AtomicLong();
        try {
            Lease north = keep(Lease.of(database, "heart", "north", LONG, executor, nanos::get));
            north.acquire();
            nanos.set(LONG.toNanos() * 9 / 10 - 1);
            assertThat(north.isHeld()).isTrue();
            nanos.incrementAndGet();
            assertThat(north.isHeld()).isFalse();

            north.confirm();

            assertThat(north.isHeld()).isTrue();
        } finally {
            executor.shutdownNow();
        }
    }

    @Test
    void aHolderThatIsCutOffStopsAndLosesIt() throws Exception {
        try (FarDatabase far = FarDatabase.of((PGSimpleDataSource) database.dataSource())) {
            Lease north = keep(Lease.of(Database.of(far.dataSource(), SCHEMA.name()), "heart", "north", SHORT));
            Lease south = lease("south", SHORT);
            assertThat(north.acquire()).isTrue();

            far.network().hold();

            await(() -> !north.isHeld());
            assertThat(south.await(Duration.ofMinutes(1), Duration.ofMillis(20)))
                    .isTrue();
            assertThat(south.term()).isEqualTo(2);
            far.network().release();
            await(() -> {
                try {
                    north.confirm();
                    return false;
                } catch (LeaseLostException e) {
                    return true;
                } catch (PgException e) {
                    return false;
                }
            });
        }
    }

    @Test
    void aHolderThatFallsSilentBeforeItsCommitDoesNotLockOutOthers() throws Exception {
        Lease north = lease("north", SHORT);
        Lease south = lease("south", SHORT);
        north.acquire();
        try (Connection silent = database.dataSource().getConnection()) {
            silent.setAutoCommit(false);
            north.requireHeld(silent);
            // The renewals of the one that fell silent would be waiting too.
            north.close();

            assertThat(south.await(Duration.ofMinutes(1), Duration.ofMillis(20)))
                    .isTrue();

            assertThatExceptionOfType(SQLException.class).isThrownBy(silent::commit);
        }
        assertThat(fence(south)).isTrue();
    }

    @ParameterizedTest
    @ValueSource(ints = {2, 3})
    void whoeverFallsSilentWhileTakingOrReleasingItDoesNotLockOutOthers(int commits) throws Exception {
        CountDownLatch still = new CountDownLatch(1);
        CountDownLatch movesOn = new CountDownLatch(1);
        ScheduledExecutorService executor = Executors.newSingleThreadScheduledExecutor();
        // So that nothing is renewed, which would commit too.
        executor.submit(() -> {
            movesOn.await();
            return true;
        });
        Database silent = Database.of(standingStill(database.dataSource(), commits, still, movesOn), database.schema());
        Lease north = keep(Lease.of(silent, "heart", "north", SHORT, executor));
        Lease south = lease("south", SHORT);
        // It asks who leads, takes the lease, and releases it: a transaction each.
        CompletableFuture<Void> taken = CompletableFuture.runAsync(() -> {
            north.acquire();
            north.close();
        });
        try {
            assertThat(still.await(60, TimeUnit.SECONDS)).isTrue();

            assertThat(south.await(Duration.ofMinutes(1), Duration.ofMillis(20)))
                    .isTrue();
        } finally {
            movesOn.countDown();
            executor.shutdown();
        }
        taken.handle((nothing, failure) -> true).get(60, TimeUnit.SECONDS);
        assertThat(fence(south)).isTrue();
    }

    /** A source whose connections stand still before the commit of this number. */
    private static DataSource standingStill(
            DataSource source, int number, CountDownLatch still, CountDownLatch movesOn) {
        AtomicLong commits = new AtomicLong();
        return (DataSource) wrapped(DataSource.class, (unused, method, arguments) -> {
            Object result = invoke(source, method, arguments);
            if (!(result instanceof Connection)) {
                return result;
            }
            return wrapped(Connection.class, (self, called, values) -> {
                if (called.getName().equals("commit") && commits.incrementAndGet() == number) {
                    still.countDown();
                    movesOn.await();
                }
                return invoke(result, called, values);
            });
        });
    }

    private static Object wrapped(Class<?> type, InvocationHandler handler) {
        return Proxy.newProxyInstance(LeaseIT.class.getClassLoader(), new Class<?>[] {type}, handler);
    }

    private static Object invoke(Object target, Method method, Object[] arguments) throws Throwable {
        try {
            return method.invoke(target, arguments);
        } catch (InvocationTargetException e) {
            throw e.getTargetException();
        }
    }

    @Test
    void saysWhoLeadsARunThatNobodyLed() {
        assertThat(lease("north", LONG).leader()).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(longs = {-1, 0, 99, 86_400_001})
    void refusesTimesThatAreTooShortOrTooLong(long millis) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Lease.of(database, "heart", "north", Duration.ofMillis(millis)))
                .withMessageContaining("leaseTime must be");
    }

    @Test
    void namesHoldersApart() {
        assertThat(Lease.newHolder()).isNotEqualTo(Lease.newHolder()).contains("/");
    }
}
