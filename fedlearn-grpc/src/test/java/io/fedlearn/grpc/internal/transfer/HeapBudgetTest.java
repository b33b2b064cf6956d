package io.fedlearn.grpc.internal.transfer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

class HeapBudgetTest {
    @Test
    void oneAlwaysMayHoweverLarge() throws InterruptedException {
        HeapBudget budget = HeapBudget.of(10);

        assertThat(budget.reserve(1000, Duration.ZERO)).isTrue();
        assertThat(budget.reserve(1, Duration.ZERO)).isFalse();
        assertThat(budget.reserved()).isEqualTo(1000);
    }

    @Test
    void severalMayUpToTheLimit() throws InterruptedException {
        HeapBudget budget = HeapBudget.of(10);

        assertThat(budget.reserve(4, Duration.ZERO)).isTrue();
        assertThat(budget.reserve(6, Duration.ZERO)).isTrue();
        assertThat(budget.reserve(1, Duration.ofNanos(1))).isFalse();
    }

    @Test
    void whoWaitsGetsWhatIsReleased() throws Exception {
        HeapBudget budget = HeapBudget.of(10);
        budget.overdraw(25);
        CompletableFuture<Boolean> waiting = CompletableFuture.supplyAsync(() -> {
            try {
                return budget.reserve(10, Duration.ofMinutes(1));
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
        });

        budget.release(25);

        assertThat(waiting.get()).isTrue();
        assertThat(budget.reserved()).isEqualTo(10);
    }

    @Test
    void refusesANegativeLimit() {
        assertThatThrownBy(() -> HeapBudget.of(-1))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("bytes must be >= 0, was -1");
    }
}
