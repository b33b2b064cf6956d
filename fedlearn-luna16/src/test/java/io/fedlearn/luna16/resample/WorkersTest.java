package io.fedlearn.luna16.resample;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicIntegerArray;
import org.junit.jupiter.api.Test;

class WorkersTest {
    @Test
    void doesEachPartOnce() {
        ExecutorService executor = Executors.newFixedThreadPool(3);
        try {
            AtomicIntegerArray done = new AtomicIntegerArray(1000);
            Workers.of(4, executor).run(1000, done::incrementAndGet);
            for (int i = 0; i < 1000; i++) {
                assertThat(done.get(i)).isOne();
            }
        } finally {
            executor.shutdownNow();
        }
    }

    @Test
    void doesAllItselfIfTheExecutorNeverBegins() {
        List<Runnable> never = new ArrayList<>();
        AtomicIntegerArray done = new AtomicIntegerArray(10);
        Workers.of(3, never::add).run(10, done::incrementAndGet);
        assertThat(done).hasToString("[1, 1, 1, 1, 1, 1, 1, 1, 1, 1]");
        assertThat(never).hasSize(2);
        // Begun too late, there is nothing left to do.
        never.forEach(Runnable::run);
        assertThat(done).hasToString("[1, 1, 1, 1, 1, 1, 1, 1, 1, 1]");
    }

    @Test
    void doesAllItselfIfTheExecutorRejects() {
        AtomicIntegerArray done = new AtomicIntegerArray(3);
        Workers.of(3, task -> {
                    throw new RejectedExecutionException("full");
                })
                .run(3, done::incrementAndGet);
        assertThat(done).hasToString("[1, 1, 1]");
    }

    @Test
    void throwsOnWhatAPartThrows() {
        ExecutorService executor = Executors.newFixedThreadPool(2);
        try {
            assertThatThrownBy(() -> Workers.of(3, executor).run(50, part -> {
                        if (part == 7) {
                            throw new IllegalStateException("seventh");
                        }
                    }))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessage("seventh");
        } finally {
            executor.shutdownNow();
        }
    }

    @Test
    void keepsAnInterruption() {
        Thread.currentThread().interrupt();
        AtomicIntegerArray done = new AtomicIntegerArray(2);
        Workers.caller().run(2, done::incrementAndGet);
        assertThat(Thread.interrupted()).isTrue();
        assertThat(done).hasToString("[1, 1]");
    }

    @Test
    void refusesNoThreads() {
        assertThatThrownBy(() -> Workers.of(0, Runnable::run))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("threads must be >= 1, was 0");
    }
}
