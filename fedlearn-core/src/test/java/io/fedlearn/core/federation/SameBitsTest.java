package io.fedlearn.core.federation;

import static org.assertj.core.api.Assertions.assertThat;

import io.fedlearn.core.client.Client;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Invariant 1: the same bits, whatever the order of arrival, the threads, and whether updates wait on the heap or on disk. */
class SameBitsTest {
    private static final int CLIENTS = 9;
    private static final String DIGEST = undisturbed();

    private static Federation.Builder federation(Federation.Builder builder) {
        return builder.strategy(PlainMean.strategy()).rounds(3).seed(5).initialModel(DriftClient.model(20_000));
    }

    private static String undisturbed() {
        try {
            return federation(Federation.of(named()))
                    .parallelism(1)
                    .run()
                    .model()
                    .digest();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    private static Map<String, Client> named() {
        Map<String, Client> named = new TreeMap<>();
        List<Client> clients = DriftClient.several(CLIENTS);
        for (int i = 0; i < CLIENTS; i++) {
            named.put("site-" + i, clients.get(i));
        }
        return named;
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 8})
    void numberOfThreadsDoesNotMatter(int parallelism) throws Exception {
        assertThat(federation(Federation.of(named()))
                        .parallelism(parallelism)
                        .run()
                        .model()
                        .digest())
                .isEqualTo(DIGEST);
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
    void orderOfArrivalDoesNotMatter(long order) throws Exception {
        Run run =
                federation(Federation.of(new ReorderingRuntime(named(), order))).run();
        assertThat(run.model().digest()).isEqualTo(DIGEST);
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void updatesThatWaitOnDiskDoNotMatter(long order) throws Exception {
        Run run = federation(Federation.of(new ReorderingRuntime(named(), order)))
                .inFlightBytes(0)
                .run();
        assertThat(run.model().digest()).isEqualTo(DIGEST);
    }

    @Test
    void executorOfTheCallerDoesNotMatter() throws Exception {
        ExecutorService executor = Executors.newFixedThreadPool(3);
        try {
            assertThat(federation(Federation.of(named()))
                            .executor(executor)
                            .run()
                            .model()
                            .digest())
                    .isEqualTo(DIGEST);
        } finally {
            executor.shutdown();
        }
        assertThat(federation(Federation.of(named()))
                        .executor(Runnable::run)
                        .inFlightBytes(0)
                        .run()
                        .model()
                        .digest())
                .isEqualTo(DIGEST);
    }

    @Test
    void anotherSeedGivesOtherBits() throws Exception {
        assertThat(federation(Federation.of(named())).seed(6).run().model().digest())
                .isNotEqualTo(DIGEST);
    }
}
