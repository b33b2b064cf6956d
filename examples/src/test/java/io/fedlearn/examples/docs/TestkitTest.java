package io.fedlearn.examples.docs;

import static org.assertj.core.api.Assertions.assertThat;

import io.fedlearn.aggregators.FedAvg;
import io.fedlearn.core.client.Client;
import io.fedlearn.core.federation.Federation;
import io.fedlearn.core.federation.RoundPolicy;
import io.fedlearn.core.federation.Run;
import io.fedlearn.core.runtime.InProcessRuntime;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.training.ExampleSource;
import io.fedlearn.testkit.client.DriftClient;
import io.fedlearn.testkit.contract.ClientContract;
import io.fedlearn.testkit.contract.ExampleSourceContract;
import io.fedlearn.testkit.fault.Fault;
import io.fedlearn.testkit.fault.FaultyClient;
import io.fedlearn.testkit.runtime.ShuffledRuntime;
import java.time.Duration;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

/** Code of {@code docs/testing.md}. */
final class TestkitTest {
    // tag::client-contract[]
    @Nested
    final class StayClientContract extends ClientContract {
        @Override
        protected Client create() {
            return new YourOwnClientTest.StayClient(3, 5, 4, 8);
        }

        @Override
        protected Model global() {
            return Model.builder()
                    .trainable("mean", Tensor.copyOf(new float[] {0}, 1))
                    .build();
        }
    }
    // end::client-contract[]

    // tag::source-contract[]
    @Nested
    final class AdmissionsContract extends ExampleSourceContract {
        @Override
        protected ExampleSource create() {
            return new YourOwnClientTest.Admissions(IntStream.range(0, 25)
                    .mapToObj(i -> new YourOwnClientTest.Admission(i, i % 3, i / 2f))
                    .toList());
        }
    }
    // end::source-contract[]

    @Test
    void goesOnWhenASiteMisbehaves() throws Exception {
        // tag::faults[]
        Map<String, Client> hospitals = new TreeMap<>(Hospitals.all());
        hospitals.computeIfPresent(
                "south",
                (id, client) -> FaultyClient.around(client)
                        .inRound(1, Fault.throwing("disk full"))
                        .inRound(2, Fault.nan())
                        .inRound(3, Fault.hang()));
        Run run = Federation.of(hospitals)
                .strategy(FedAvg.create())
                .initialModel(Hospitals.initialModel())
                .policy(RoundPolicy.defaults().withQuorum(2).withClientDeadline(Duration.ofSeconds(2)))
                .rounds(3)
                .run();
        assertThat(run.records().stream().map(record -> record.outcomes().get(1).outcome()))
                .containsExactly("failed", "rejected", "timed-out");
        // end::faults[]
    }

    @Test
    void doesNotDependOnTheOrderOfArrival() throws Exception {
        // tag::shuffled[]
        assertThat(digestOfRun(1)).isEqualTo(digestOfRun(2));
        // end::shuffled[]
    }

    // tag::shuffled-run[]
    private static String digestOfRun(long orderSeed) throws InterruptedException {
        Map<String, Client> clients = Map.of(
                "a", DriftClient.withExamples(3), "b", DriftClient.withExamples(5), "c", DriftClient.withExamples(7));
        try (var runtime = ShuffledRuntime.around(InProcessRuntime.of(clients), orderSeed)) {
            return Federation.of(runtime)
                    .strategy(FedAvg.create())
                    .initialModel(Hospitals.initialModel())
                    .run()
                    .model()
                    .digest();
        }
    }
    // end::shuffled-run[]
}
