package io.fedlearn.aggregators;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CoordinateSplitTest {
    private static final long MANY = 1L << 40;

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 15, 16, 17, 1000, Integer.MAX_VALUE - 8})
    void partsCoverAnArrayWithoutGapOrOverlap(int length) {
        for (int parts : new int[] {1, 2, 3, 7}) {
            CoordinateSplit split = CoordinateSplit.of(Runnable::run, parts);

            assertThat(split.start(length, 0)).isZero();
            assertThat(split.start(length, parts)).isEqualTo(length);
            for (int part = 0; part < parts; part++) {
                assertThat(split.start(length, part)).isLessThanOrEqualTo(split.start(length, part + 1));
            }
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {0, MANY})
    void doesEachPartOnce(long values) {
        ExecutorService executor = Executors.newFixedThreadPool(2);
        try {
            AtomicIntegerArray done = new AtomicIntegerArray(5);

            CoordinateSplit.of(executor, 5).run(values, done::incrementAndGet);

            assertThat(done).hasToString("[1, 1, 1, 1, 1]");
        } finally {
            executor.shutdownNow();
        }
    }

    @Test
    void handsOutAllPartsButOne() {
        List<Runnable> handedOut = new ArrayList<>();

        CoordinateSplit.of(handedOut::add, 4).run(MANY, part -> {});

        assertThat(handedOut).hasSize(3);
    }

    @Test
    void keepsSmallWorkOnTheCallersThread() {
        List<Runnable> handedOut = new ArrayList<>();

        CoordinateSplit.of(handedOut::add, 4).run(1000, part -> {});

        assertThat(handedOut).isEmpty();
    }

    @Test
    void doesWhatABusyExecutorDoesNotBeginAndNotTwice() {
        List<Runnable> waiting = new ArrayList<>();
        AtomicInteger done = new AtomicInteger();

        CoordinateSplit.of(waiting::add, 3).run(MANY, part -> done.incrementAndGet());
        waiting.forEach(Runnable::run);

        assertThat(done).hasValue(3);
    }

    @Test
    void doesWhatAnExecutorRefuses() {
        Executor closed = command -> {
            throw new RejectedExecutionException("closed");
        };
        AtomicInteger done = new AtomicInteger();

        CoordinateSplit.of(closed, 3).run(MANY, part -> done.incrementAndGet());

        assertThat(done).hasValue(3);
    }

    @Test
    void passesOnTheFailureOfAPartWhenAllAreDone() {
        AtomicInteger done = new AtomicInteger();

        assertThatIllegalStateException()
                .isThrownBy(() -> CoordinateSplit.of(Runnable::run, 3).run(MANY, part -> {
                    if (part == 1) {
                        throw new IllegalStateException("part 1");
                    }
                    done.incrementAndGet();
                }))
                .withMessage("part 1");
        assertThat(done).hasValue(2);
    }

    @Test
    void refusesNoThread() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> WeightedMean.onThreads(Runnable::run, 0))
                .withMessage("threads must be >= 1, was 0");
    }
}
