package io.fedlearn.examples.docs;

import static org.assertj.core.api.Assertions.assertThat;

import io.fedlearn.aggregators.FedAvg;
import io.fedlearn.core.client.Client;
import io.fedlearn.core.federation.Federation;
import io.fedlearn.core.federation.Run;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.files.FileRunStore;
import io.fedlearn.pg.run.PgRunStore;
import io.fedlearn.pg.run.WhenUnreachable;
import io.fedlearn.pg.schema.PgSchema;
import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import javax.sql.DataSource;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Code of {@code docs/postgresql-high-availability.md}. */
final class HighAvailabilityIT {
    @TempDir
    Path folder;

    private final Map<String, Client> hospitals = Hospitals.all();
    private final Model initialModel = Hospitals.initialModel();

    // tag::coordinate[]
    Run coordinate(DataSource database) throws InterruptedException {
        PgRunStore store = PgRunStore.builder(PgSchema.of(database), "heart-2026")
                .leaseTime(Duration.ofSeconds(10))
                .whenUnreachable(WhenUnreachable.waiting(Duration.ofHours(1)))
                .build();
        while (!store.awaitLeadership(Duration.ofHours(1))) {
            System.out.println("standing by: " + store.leader());
        }
        return Federation.of(hospitals)
                .strategy(FedAvg.create())
                .initialModel(initialModel)
                .seed(42)
                .rounds(5)
                .runId("heart-2026")
                .store(store)
                .resume(true)
                .run();
    }
    // end::coordinate[]

    // tag::continue[]
    PgRunStore continuing(PgSchema schema, Path local) {
        return PgRunStore.builder(schema, "heart-2026")
                .whenUnreachable(WhenUnreachable.continuingOn(FileRunStore.at(local)))
                .build();
    }
    // end::continue[]

    @Test
    void twoCoordinatorsComeToTheSame() throws Exception {
        try (EmbeddedPostgres server = EmbeddedPostgres.builder().start()) {
            DataSource database = server.getPostgresDatabase();
            PgSchema schema = PgSchema.of(database).migrate();
            CompletableFuture<Run> one = CompletableFuture.supplyAsync(() -> unchecked(database));
            CompletableFuture<Run> other = CompletableFuture.supplyAsync(() -> unchecked(database));

            assertThat(one.get(2, TimeUnit.MINUTES).model().digest())
                    .isEqualTo(other.get(2, TimeUnit.MINUTES).model().digest());
            try (PgRunStore store = continuing(schema, folder)) {
                assertThat(store.load().orElseThrow().records()).hasSize(5);
                assertThat(store.reconcile()).isZero();
            }
        }
    }

    private Run unchecked(DataSource database) {
        try {
            return coordinate(database);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }
}
