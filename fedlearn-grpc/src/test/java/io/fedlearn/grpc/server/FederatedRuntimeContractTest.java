package io.fedlearn.grpc.server;

import io.fedlearn.core.client.Client;
import io.fedlearn.core.client.ClientStateStore;
import io.fedlearn.core.runtime.Runtime;
import io.fedlearn.testkit.contract.RuntimeContract;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;

/** The rules of runtimes, between a server and clients over a real port. */
class FederatedRuntimeContractTest extends RuntimeContract {
    private final Sites sites = new Sites();

    @Override
    protected Runtime start(Map<String, Client> clients, ClientStateStore states) throws Exception {
        FederatedServer server = Sites.newServer().start();
        clients.forEach((id, client) ->
                sites.start(server, Sites.newClient(server, id, client).states(states)));
        Sites.awaitAll(server, clients.size());
        return server;
    }

    @AfterEach
    void closeSites() {
        sites.close();
    }
}
