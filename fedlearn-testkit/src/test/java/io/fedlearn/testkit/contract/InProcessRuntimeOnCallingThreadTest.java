package io.fedlearn.testkit.contract;

import io.fedlearn.core.client.Client;
import io.fedlearn.core.client.ClientStateStore;
import io.fedlearn.core.runtime.InProcessRuntime;
import io.fedlearn.core.runtime.Runtime;
import java.util.Map;
import java.util.OptionalInt;

class InProcessRuntimeOnCallingThreadTest extends RuntimeContract {
    private static final int PARALLELISM = 2;

    @Override
    protected Runtime start(Map<String, Client> clients, ClientStateStore states) {
        return InProcessRuntime.builder(clients)
                .parallelism(PARALLELISM)
                .executor(Runnable::run)
                .clientStates(states)
                .build();
    }

    @Override
    protected OptionalInt parallelism() {
        return OptionalInt.of(PARALLELISM);
    }

    @Override
    protected boolean runsOnSubmittingThread() {
        return true;
    }

    @Override
    protected boolean releasesDeafClients() {
        return false;
    }
}
