package io.fedlearn.examples.docs;

// tag::main[]
import io.fedlearn.core.client.Client;
import io.fedlearn.core.training.LocalTrainingClient;
import io.fedlearn.grpc.client.Departure;
import io.fedlearn.grpc.client.FederatedClient;
import io.fedlearn.grpc.security.ClientSecurity;
import io.fedlearn.models.LogisticRegression;
import io.fedlearn.models.table.Label;
import io.fedlearn.models.table.Table;
import io.fedlearn.models.table.TableSchema;
import java.nio.file.Path;

/** Trains on one hospital's table: Hospital HOST PORT KEYS NAME TABLE. */
public final class Hospital {
    private Hospital() {}

    public static void main(String[] arguments) throws InterruptedException {
        Path keys = Path.of(arguments[2]);
        String name = arguments[3];
        ClientSecurity security = ClientSecurity.mutualTls(
                keys.resolve(name + ".pem"), keys.resolve(name + "-key.pem"), keys.resolve("ca.pem"));
        try (FederatedClient site = FederatedClient.builder()
                .server(arguments[0], Integer.parseInt(arguments[1]))
                .security(security)
                .client(client(Path.of(arguments[4])))
                .build()) {
            Departure departure = site.run();
            System.out.println(departure.cause() + ", tasks answered: " + departure.tasksAnswered());
            if (departure.cause() == Departure.Cause.RUN_FAILED) {
                throw new IllegalStateException("the run has failed: " + departure.reason());
            }
        }
    }

    private static Client client(Path table) {
        Table patients = TableSchema.builder()
                .numeric("age", "pressure")
                .label(Label.classes("ill", "0", "1"))
                .build()
                .read(table);
        Table.Split split = patients.stratifiedSplit(0.2, 1);
        return LocalTrainingClient.of(() -> LogisticRegression.of(2).standardizing(), split.training(), split.test());
    }
}
// end::main[]
