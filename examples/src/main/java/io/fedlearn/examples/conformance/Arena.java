package io.fedlearn.examples.conformance;

import io.fedlearn.core.client.Client;
import io.fedlearn.core.federation.CentralEvaluation;
import io.fedlearn.core.federation.Federation;
import io.fedlearn.core.federation.QuorumNotReachedException;
import io.fedlearn.core.metric.Metrics;
import io.fedlearn.core.partition.Partition;
import io.fedlearn.core.partition.Partitioner;
import io.fedlearn.core.random.SeededRandom;
import io.fedlearn.core.record.RoundRecord;
import io.fedlearn.core.strategy.Strategy;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.training.Evaluation;
import io.fedlearn.core.training.ExampleSource;
import io.fedlearn.core.training.LocalModelPool;
import io.fedlearn.core.training.LocalTrainingClient;
import io.fedlearn.core.training.TrainingSettings;
import io.fedlearn.models.DenseModel;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Supplier;

/**
 * Twenty sites, some of which attack. Immutable.
 *
 * @param images divided among the sites
 * @param partitioner how
 * @param attackers how many of the sites attack, a divisor of their number
 * @param network that they train
 * @param training how
 * @param rounds for how long
 * @param seed where everything starts
 * @param threads how many clients work at a time
 */
record Arena(
        Images images,
        Partitioner partitioner,
        int attackers,
        Supplier<? extends DenseModel> network,
        TrainingSettings training,
        int rounds,
        long seed,
        int threads) {
    /** How many sites there are. */
    static final int SITES = 20;

    /** Over how many of the last rounds accuracies are averaged, as some rules leap about. */
    static final int LAST_ROUNDS = 5;

    private Partition parts() {
        return partitioner.partition(images.classes(), SITES, SeededRandom.derive(seed, "partition"));
    }

    /** How many examples a site has on average. */
    long meanExamples() {
        return images.classes().length / SITES;
    }

    /** A client with a small clean data set of the server's own, which no site has. */
    Client root() {
        return LocalTrainingClient.of(network, images.root());
    }

    /**
     * The accuracy on the test images after training under attack, as the mean of the last {@value #LAST_ROUNDS} rounds; 0 if the
     * model was driven so far that no client could train it.
     */
    double accuracy(Strategy strategy, Attack attack) throws InterruptedException {
        DenseModel tester = network.get();
        CentralEvaluation evaluation = new CentralEvaluation() {
            private int round;

            @Override
            public Metrics evaluate(Model model) {
                round++;
                if (round <= rounds - LAST_ROUNDS) {
                    return Metrics.none();
                }
                tester.load(model);
                return Metrics.of(Evaluation.ACCURACY, Accuracy.of(tester, images.test()));
            }
        };
        try {
            return Federation.of(clients(attack))
                    .strategy(strategy)
                    .training(training)
                    .initialModel(network.get().initialModel(seed))
                    .rounds(rounds)
                    .seed(seed)
                    .parallelism(threads)
                    .federatedEvaluation(false)
                    .centralEvaluation(evaluation)
                    .run()
                    .records()
                    .stream()
                    .map(RoundRecord::metrics)
                    .flatMapToDouble(metrics -> metrics.get(Evaluation.ACCURACY).stream())
                    .average()
                    .orElseThrow();
        } catch (QuorumNotReachedException e) {
            return 0;
        }
    }

    private Map<String, Client> clients(Attack attack) {
        LocalModelPool models = LocalModelPool.of(network);
        List<ExampleSource> sources = images.divided(parts());
        Map<String, Client> clients = new TreeMap<>();
        Map<String, Site> hostile = new TreeMap<>();
        for (int i = 0; i < SITES; i++) {
            String id = String.format(Locale.ROOT, "site-%02d", i);
            Site site = new Site(models, sources.get(i));
            clients.put(id, site.honest());
            if (i % (SITES / attackers) == 0) {
                hostile.put(id, site);
            }
        }
        clients.putAll(attack.by(hostile));
        return clients;
    }
}
