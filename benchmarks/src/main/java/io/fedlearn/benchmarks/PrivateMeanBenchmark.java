package io.fedlearn.benchmarks;

import io.fedlearn.aggregators.FedAvg;
import io.fedlearn.core.budget.InMemoryPrivacyLedger;
import io.fedlearn.core.federation.Federation;
import io.fedlearn.core.strategy.Aggregator;
import io.fedlearn.core.strategy.Strategy;
import io.fedlearn.core.strategy.WeightedUpdate;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.task.Config;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.privacy.accounting.NeighboringRelation;
import io.fedlearn.privacy.accounting.RdpAccountant;
import io.fedlearn.privacy.budget.Composition;
import io.fedlearn.privacy.budget.LedgerBudget;
import io.fedlearn.privacy.central.CentralPrivacy;
import io.fedlearn.privacy.central.ClientSampling;
import io.fedlearn.privacy.central.Clipping;
import io.fedlearn.testkit.client.NoOpClient;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * What does privacy cost a round at the coordinator: clipping and summing updates of 10M float32 parameters, and noise once at the
 * end, beside the mean that FedAvg takes of the same updates?
 *
 * <p>In turn, in one run, on one thread:
 *
 * <pre>
 *   mvn -q -pl benchmarks -am package -DskipTests
 *   java -Xms3g -Xmx3g -XX:+AlwaysPreTouch -cp "benchmarks/target/classes:$(cat benchmarks/target/classpath)" \
 *       io.fedlearn.benchmarks.PrivateMeanBenchmark [turns [clients [parameters [file for the samples]]]]
 * </pre>
 */
public final class PrivateMeanBenchmark {
    private static final String SCOPE = "benchmark";
    private static final String MEAN = "WeightedMean";
    private static final String PRIVATE = "private mean";
    private static final String NOISE = "of that, clearing and noise";
    private static final String TREE = "noise of a tree of 16 rounds, on average";
    private static final String ROUND = "a round of FedAvg, no-op clients in this process";
    private static final String PRIVATE_ROUND = "the same round, private";
    private static final int TREE_ROUNDS = 16;

    private PrivateMeanBenchmark() {}

    /** A rule, outside of any round. */
    private record Rule(Aggregator.Streaming aggregator, Model global) {
        static Rule of(CentralPrivacy privacy, Model global) {
            return new Rule(
                    (Aggregator.Streaming) privacy.appliedTo(FedAvg.create())
                            .start(Config.empty())
                            .aggregator(),
                    global);
        }

        Model round(List<WeightedUpdate> updates) {
            aggregator.begin(global);
            aggregator.accumulate(updates);
            return aggregator.finish().toModel(global);
        }
    }

    private static CentralPrivacy.Builder privacy(int clients) {
        return CentralPrivacy.builder(SCOPE)
                .clipping(Clipping.fixed(1))
                .noiseMultiplier(1)
                .expectedCohort(clients);
    }

    /** One round of a federation whose clients send the model back. */
    private static void round(int clients, Model global, Strategy strategy) throws InterruptedException {
        Federation.of(Collections.nCopies(clients, NoOpClient.withExamples(100)))
                .strategy(strategy)
                .initialModel(global)
                .privacyBudget(LedgerBudget.builder(
                                InMemoryPrivacyLedger.create(),
                                Composition.sameEvent(RdpAccountant.of(NeighboringRelation.REPLACE_SPECIAL)))
                        .limit(SCOPE, 100, 1e-5)
                        .build())
                .evaluateEvery(0)
                .rounds(1)
                .run();
    }

    /** Measures and prints a table. */
    public static void main(String[] arguments) throws Exception {
        int turns = arguments.length > 0 ? Integer.parseInt(arguments[0]) : 15;
        int clients = arguments.length > 1 ? Integer.parseInt(arguments[1]) : 10;
        int parameters = arguments.length > 2 ? Integer.parseInt(arguments[2]) : 10_000_000;
        System.out.println(Machine.description());
        Updates arrays = Updates.of(clients, parameters, 1);
        List<ClientUpdate> all =
                IntStream.range(0, clients).mapToObj(arrays::update).toList();
        Model global = Model.zeros(all.get(0).model().orElseThrow().spec());
        List<WeightedUpdate> weighted = new ArrayList<>();
        for (int k = 0; k < clients; k++) {
            weighted.add(new WeightedUpdate("client-" + k, all.get(k), 1));
        }
        MeanOfUpdates mean = new MeanOfUpdates(all, global);
        CentralPrivacy privacy =
                privacy(clients).sampling(ClientSampling.asSelected()).build();
        Rule fresh = Rule.of(privacy, global);
        Rule tree = Rule.of(
                privacy(clients)
                        .sampling(ClientSampling.separated(TREE_ROUNDS))
                        .restartEvery(TREE_ROUNDS)
                        .build(),
                global);
        Map<String, Samples.Work> ways = new LinkedHashMap<>();
        ways.put(MEAN, () -> mean.inLists(32));
        ways.put(PRIVATE, () -> fresh.round(weighted));
        ways.put(NOISE, () -> {
            fresh.aggregator().begin(global);
            fresh.aggregator().finish();
        });
        ways.put(TREE, () -> {
            for (int round = 0; round < TREE_ROUNDS; round++) {
                tree.aggregator().begin(global);
                tree.aggregator().finish();
            }
        });
        ways.put(ROUND, () -> round(clients, global, FedAvg.create()));
        ways.put(PRIVATE_ROUND, () -> round(clients, global, privacy.appliedTo(FedAvg.create())));
        Samples samples = Samples.inTurn(ways, 3, turns);
        print(clients, parameters, turns, samples);
        if (arguments.length > 3) {
            Files.writeString(
                    Path.of(arguments[3]),
                    "{\"machine\": \"" + Machine.description() + "\", \"unit\": \"s\", \"samples\": " + samples.toJson()
                            + "}\n");
        }
    }

    private static void print(int clients, int parameters, int turns, Samples samples) {
        System.out.printf("%n%d x %d float32, medians of %d turns%n%n", clients, parameters, turns);
        System.out.println("| way | s | least s | times WeightedMean | ns for a parameter |");
        System.out.println("|---|---|---|---|---|");
        for (String name : List.of(MEAN, PRIVATE, NOISE, TREE, ROUND, PRIVATE_ROUND)) {
            int rounds = name.equals(TREE) ? TREE_ROUNDS : 1;
            System.out.printf(
                    Locale.ROOT,
                    "| %s | %.4f | %.4f | %.2f | %.2f |%n",
                    name,
                    samples.median(name) / rounds,
                    samples.least(name) / rounds,
                    samples.ratio(name, MEAN) / rounds,
                    samples.median(name) / rounds / parameters * 1e9);
        }
        double perUpdate = (samples.median(PRIVATE) - samples.median(NOISE)) / clients;
        System.out.printf(Locale.ROOT, "%nclipping and adding one update, about: %.4f s%n", perUpdate);
        System.out.printf(
                Locale.ROOT,
                "the private mean's share of its round: %.2f%n",
                samples.median(PRIVATE) / samples.median(PRIVATE_ROUND));
    }
}
