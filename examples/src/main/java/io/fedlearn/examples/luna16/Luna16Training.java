package io.fedlearn.examples.luna16;

import io.fedlearn.aggregators.FedAvg;
import io.fedlearn.core.client.Client;
import io.fedlearn.core.federation.Federation;
import io.fedlearn.core.federation.RoundListener;
import io.fedlearn.core.record.RoundRecord;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.training.LocalModelPool;
import io.fedlearn.core.training.LocalTrainingClient;
import io.fedlearn.examples.comparison.Comparison;
import io.fedlearn.examples.comparison.ModelScores;
import io.fedlearn.examples.console.ProgressBar;
import io.fedlearn.examples.run.RunOptions;
import io.fedlearn.luna16.network.Luna16Client;
import io.fedlearn.luna16.network.LunaNet;
import io.fedlearn.luna16.patch.Augmentation;
import io.fedlearn.luna16.patch.PatchExamples;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Sets up a federation over patches, whether of several hospitals, of one, or of all pooled. All clients of one federation
 * share as many networks as work at a time.
 *
 * @param network what is trained
 * @param negativesPerPositive how many other patches there are to each of a nodule in training
 * @param augmentation how patches are varied in training
 * @param options of the run
 */
record Luna16Training(LunaNet network, double negativesPerPositive, Augmentation augmentation, RunOptions options) {
    /** A federation of these hospitals that still needs its strategy. */
    Federation.Builder federation(List<Hospital> hospitals) {
        LocalModelPool models = LocalModelPool.of(network::create);
        Map<String, Client> clients = new LinkedHashMap<>();
        for (Hospital hospital : hospitals) {
            clients.put(hospital.name(), Luna16Client.of(models, examples(hospital), hospital.testExamples()));
        }
        Federation.Builder federation = Federation.of(clients);
        options.configure(federation);
        return federation.initialModel(initialModel());
    }

    private PatchExamples examples(Hospital hospital) {
        return hospital.trainingExamples(negativesPerPositive, augmentation);
    }

    private Model initialModel() {
        return network.create().initialModel(options.seed());
    }

    /**
     * Trains what there is to compare a federated model with: each hospital alone and all data pooled, several at a time.
     *
     * @param pooled the patches of all hospitals
     */
    Comparison comparison(ModelScores federated, List<Hospital> hospitals, Hospital pooled, int rounds, ProgressBar bar)
            throws InterruptedException {
        Map<String, PatchExamples> tests = tests(hospitals);
        List<Hospital> ways = new ArrayList<>(List.of(pooled));
        hospitals.stream().filter(hospital -> !hospital.isEmpty()).forEach(ways::add);
        AtomicInteger done = new AtomicInteger();
        RoundListener progress = new RoundListener() {
            @Override
            public void roundFinished(RoundRecord record) {
                bar.update(done.incrementAndGet(), (long) ways.size() * rounds);
            }
        };
        int threads = options.threads().orElse(Runtime.getRuntime().availableProcessors());
        ExecutorService executor = Executors.newFixedThreadPool(Math.min(threads, ways.size()));
        try {
            List<Callable<ModelScores>> tasks = new ArrayList<>();
            for (Hospital way : ways) {
                tasks.add(() -> ModelScores.of(network.create(), withoutOthers(way, rounds, progress), tests));
            }
            List<Future<ModelScores>> results = executor.invokeAll(tasks);
            Map<String, ModelScores> alone = new LinkedHashMap<>();
            for (int i = 1; i < ways.size(); i++) {
                alone.put(ways.get(i).name(), results.get(i).get());
            }
            return new Comparison(federated, alone, results.get(0).get(), "candidates");
        } catch (ExecutionException e) {
            if (e.getCause() instanceof RuntimeException failure) {
                throw failure;
            }
            throw new IllegalStateException("training for comparison failed", e.getCause());
        } finally {
            executor.shutdownNow();
        }
    }

    /** The test patches of each hospital. */
    static Map<String, PatchExamples> tests(List<Hospital> hospitals) {
        Map<String, PatchExamples> tests = new LinkedHashMap<>();
        hospitals.forEach(hospital -> tests.put(hospital.name(), hospital.testExamples()));
        return tests;
    }

    /**
     * The model that these patches alone give: a federation of one, which trains as a hospital does in a federation, for as
     * many rounds.
     */
    private Model withoutOthers(Hospital hospital, int rounds, RoundListener progress) throws InterruptedException {
        Client client = LocalTrainingClient.of(network::create, examples(hospital));
        return Federation.of(Map.of(hospital.name(), client))
                .strategy(FedAvg.create())
                .initialModel(initialModel())
                .training(options.training())
                .seed(options.seed())
                .rounds(rounds)
                .evaluateEvery(0)
                .listener(progress)
                .run()
                .model();
    }
}
