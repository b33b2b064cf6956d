package io.fedlearn.examples.docs;

// tag::main[]
import io.fedlearn.aggregators.FedAvg;
import io.fedlearn.core.federation.Federation;
import io.fedlearn.core.federation.RoundPolicy;
import io.fedlearn.core.federation.Run;
import io.fedlearn.core.training.FeatureStatistics;
import io.fedlearn.files.FileRunStore;
import io.fedlearn.grpc.security.ServerSecurity;
import io.fedlearn.grpc.server.FederatedServer;
import io.fedlearn.models.LogisticRegression;
import java.nio.file.Path;
import java.time.Duration;

/** Combines what three hospitals train: Coordinator PORT KEYS RUN. */
public final class Coordinator {
    private static final int HOSPITALS = 3;
    private static final Duration WAIT = Duration.ofHours(1);

    private Coordinator() {}

    public static void main(String[] arguments) throws InterruptedException {
        int port = Integer.parseInt(arguments[0]);
        Path keys = Path.of(arguments[1]);
        Path folder = Path.of(arguments[2]);
        ServerSecurity security = ServerSecurity.mutualTls(
                keys.resolve("server.pem"), keys.resolve("server-key.pem"), keys.resolve("ca.pem"));
        try (FederatedServer server = FederatedServer.builder()
                .listen("0.0.0.0", port)
                .security(security)
                .start()) {
            try {
                Run run = train(server, folder);
                System.out.println(
                        "round " + run.best().round() + ": " + run.best().metrics());
            } catch (RuntimeException e) {
                server.closeFailed("the coordinator's log says why");
                throw e;
            }
        }
    }

    private static Run train(FederatedServer server, Path folder) throws InterruptedException {
        RoundPolicy policy = RoundPolicy.defaults().withQuorum(HOSPITALS);
        // Count, mean and deviation of age and pressure at each hospital, put together.
        FeatureStatistics statistics =
                Federation.of(server).policy(policy).clientWait(WAIT).build().featureStatistics(2);
        return Federation.of(server)
                .strategy(FedAvg.create())
                .initialModel(LogisticRegression.of(2).standardizing(statistics).initialModel(1))
                .policy(policy)
                .clientWait(WAIT)
                .rounds(10)
                .store(FileRunStore.at(folder))
                .resume(true)
                .run();
    }
}
// end::main[]
