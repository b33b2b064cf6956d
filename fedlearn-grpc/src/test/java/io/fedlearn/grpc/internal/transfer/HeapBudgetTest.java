package io.fedlearn.grpc.internal.transfer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class HeapBudgetTest {
    @Test
    void oneAlwaysMayHoweverLarge() throws InterruptedException {
        HeapBudget budget = HeapBudget.of(10);

        assertThat(budget.reserve("a", 1000, Duration.ZERO)).isTrue();
        assertThat(budget.reserve("a", 1, Duration.ZERO)).isFalse();
        assertThat(budget.reserved()).isEqualTo(1000);
    }

    @Test
    void severalMayUpToTheLimit() throws InterruptedException {
        HeapBudget budget = HeapBudget.of(10);

        assertThat(budget.reserve("a", 4, Duration.ZERO)).isTrue();
        assertThat(budget.reserve("a", 6, Duration.ZERO)).isTrue();
        assertThat(budget.reserve("a", 1, Duration.ofNanos(1))).isFalse();
    }

    @Test
    void whoWaitsGetsWhatIsReleased() throws Exception {
        HeapBudget budget = HeapBudget.of(10);
        budget.overdraw(25);
        CompletableFuture<Boolean> waiting = CompletableFuture.supplyAsync(() -> {
            try {
                return budget.reserve("a", 10, Duration.ofMinutes(1));
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
        });

        budget.release(25);

        assertThat(waiting.get()).isTrue();
        assertThat(budget.reserved()).isEqualTo(10);
    }

    @Test
    void roomIsGivenInTheOrderOfNames() throws Exception {
        HeapBudget budget = HeapBudget.of(10);
        budget.overdraw(10);
        List<String> order = Collections.synchronizedList(new ArrayList<>());
        ExecutorService threads = Executors.newFixedThreadPool(3);
        for (String name : List.of("c", "a", "b")) {
            threads.execute(() -> {
                try {
                    assertThat(budget.reserve(name, 10, Duration.ofMinutes(1))).isTrue();
                    order.add(name);
                    budget.release(10);
                } catch (InterruptedException e) {
                    throw new AssertionError(e);
                }
            });
        }
        while (budget.waiting() < 3) {
            Thread.onSpinWait();
        }

        budget.release(10);

        threads.shutdown();
        assertThat(threads.awaitTermination(1, TimeUnit.MINUTES)).isTrue();
        assertThat(order).containsExactly("a", "b", "c");
        assertThat(budget.reserved()).isZero();
    }

    @Test
    void twoOfOneNameBothGetRoom() throws Exception {
        HeapBudget budget = HeapBudget.of(10);
        budget.overdraw(10);
        ExecutorService threads = Executors.newFixedThreadPool(2);
        List<Future<Boolean>> waiting = new ArrayList<>();
        for (int i = 0; i < 2; i++) {
            waiting.add(threads.submit(() -> {
                boolean hasRoom = budget.reserve("a", 10, Duration.ofMinutes(1));
                budget.release(10);
                return hasRoom;
            }));
        }
        long deadline = System.nanoTime() + Duration.ofSeconds(30).toNanos();
        while (budget.waiting() < 2 && System.nanoTime() < deadline) {
            Thread.onSpinWait();
        }
        assertThat(budget.waiting()).isEqualTo(2);

        budget.release(10);

        for (Future<Boolean> each : waiting) {
            assertThat(each.get(1, TimeUnit.MINUTES)).isTrue();
        }
        threads.shutdown();
        assertThat(budget.reserved()).isZero();
    }

    @Test
    void refusesANegativeLimit() {
        assertThatThrownBy(() -> HeapBudget.of(-1))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("bytes must be >= 0, was -1");
    }
}
