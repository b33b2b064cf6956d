package io.fedlearn.grpc.flower;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Delayed;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class TimerTest {
    private static final Duration SOON = Duration.ofMillis(1);
    private static final Duration LATE = Duration.ofHours(1);

    private final ScheduledThreadPoolExecutor clock =
            new ScheduledThreadPoolExecutor(1, new ThreadPoolExecutor.DiscardPolicy());
    private final AtomicInteger executed = new AtomicInteger();
    private final Timer timer = Timer.of(clock, work -> {
        executed.incrementAndGet();
        work.run();
    });

    @AfterEach
    void close() {
        timer.close();
    }

    private static void await(CountDownLatch latch) throws InterruptedException {
        assertThat(latch.await(20, TimeUnit.SECONDS)).isTrue();
    }

    @Test
    void bringsAboutOnTheExecutorWhatAnAlarmIsFor() throws Exception {
        CountDownLatch goneOff = new CountDownLatch(1);

        timer.alarm().set(SOON, goneOff::countDown);

        await(goneOff);
        assertThat(executed).hasValue(1);
    }

    @Test
    void hasNoThreadBeforeTheFirstAlarm() {
        Timer.Alarm alarm = timer.alarm();
        assertThat(clock.getPoolSize()).isZero();

        alarm.set(LATE, () -> {});

        assertThat(clock.getPoolSize()).isOne();
    }

    @Test
    void keepsNothingOfAnAlarmThatIsTurnedOff() {
        Timer.Alarm alarm = timer.alarm();
        alarm.set(LATE, () -> {});
        assertThat(clock.getQueue()).hasSize(1);

        alarm.turnOff();
        alarm.turnOff();

        assertThat(clock.getQueue()).isEmpty();
    }

    @Test
    void leavesAnAlarmAsItIsThatIsSetAgain() {
        Timer.Alarm alarm = timer.alarm();
        alarm.set(LATE, () -> {});

        alarm.set(SOON, () -> {});

        assertThat(clock.getQueue())
                .singleElement()
                .satisfies(task ->
                        assertThat(((Delayed) task).getDelay(TimeUnit.MINUTES)).isPositive());
    }

    @Test
    void setsAnAlarmAnewThatHasGoneOffOrWasTurnedOff() throws Exception {
        CountDownLatch first = new CountDownLatch(1);
        CountDownLatch third = new CountDownLatch(1);
        Timer.Alarm alarm = timer.alarm();
        alarm.set(SOON, first::countDown);
        await(first);
        alarm.set(LATE, () -> {});
        alarm.turnOff();

        alarm.set(SOON, third::countDown);

        await(third);
    }

    @Test
    void setsNoAlarmWhenItIsClosed() {
        timer.close();

        timer.alarm().set(SOON, () -> {});

        assertThat(clock.getQueue()).isEmpty();
        assertThat(clock.isShutdown()).isTrue();
    }
}
