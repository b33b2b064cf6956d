package io.fedlearn.testkit.contract;

import io.fedlearn.core.client.Client;
import io.fedlearn.core.client.ClientStateStore;
import io.fedlearn.core.runtime.InProcessRuntime;
import io.fedlearn.core.runtime.Runtime;
import java.util.Map;
import java.util.OptionalInt;

class InProcessRuntimeTest extends RuntimeContract {
    private static final int PARALLELISM = 3;

    @Override
    protected Runtime start(Map<String, Client> clients, ClientStateStore states) {
        return InProcessRuntime.builder(clients)
                .parallelism(PARALLELISM)
                .clientStates(states)
                .build();
    }

    @Override
    protected OptionalInt parallelism() {
        return OptionalInt.of(PARALLELISM);
    }
}
