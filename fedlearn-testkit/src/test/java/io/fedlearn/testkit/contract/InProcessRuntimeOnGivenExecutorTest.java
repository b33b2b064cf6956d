package io.fedlearn.testkit.contract;

import io.fedlearn.core.client.Client;
import io.fedlearn.core.client.ClientStateStore;
import io.fedlearn.core.runtime.InProcessRuntime;
import io.fedlearn.core.runtime.Runtime;
import java.util.Map;
import java.util.OptionalInt;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.AfterEach;

class InProcessRuntimeOnGivenExecutorTest extends RuntimeContract {
    private static final int PARALLELISM = 2;

    private final ExecutorService executor = Executors.newFixedThreadPool(PARALLELISM);

    @AfterEach
    void shutDown() {
        executor.shutdownNow();
    }

    @Override
    protected Runtime start(Map<String, Client> clients, ClientStateStore states) {
        return InProcessRuntime.builder(clients)
                .parallelism(PARALLELISM)
                .executor(executor)
                .clientStates(states)
                .build();
    }

    @Override
    protected OptionalInt parallelism() {
        return OptionalInt.of(PARALLELISM);
    }

    @Override
    protected boolean releasesDeafClients() {
        return false;
    }
}
