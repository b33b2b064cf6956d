package io.fedlearn.examples.luna16;

import io.fedlearn.aggregators.FedAvg;
import io.fedlearn.core.client.Client;
import io.fedlearn.core.federation.CentralEvaluation;
import io.fedlearn.core.federation.Federation;
import io.fedlearn.core.federation.RoundListener;
import io.fedlearn.core.metric.Metrics;
import io.fedlearn.core.record.RoundRecord;
import io.fedlearn.core.runtime.Runtime;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.TensorSpec;
import io.fedlearn.core.training.Evaluation;
import io.fedlearn.core.training.LocalModelPool;
import io.fedlearn.dl4j.Dl4jModel;
import io.fedlearn.examples.comparison.Comparison;
import io.fedlearn.examples.comparison.ModelScores;
import io.fedlearn.examples.console.ProgressBar;
import io.fedlearn.examples.protection.PatientPrivacy;
import io.fedlearn.examples.report.Figures;
import io.fedlearn.examples.report.Grid;
import io.fedlearn.examples.run.RunOptions;
import io.fedlearn.luna16.network.Luna16Client;
import io.fedlearn.luna16.network.LunaNet;
import io.fedlearn.luna16.patch.PatchExamples;
import io.fedlearn.luna16.patch.PreparationListener;
import io.fedlearn.privacy.site.PersonExamples;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;

/**
 * Sets up a federation over patches, whether of several hospitals, of one, or of all pooled. All clients of one federation
 * share as many networks as work at a time.
 *
 * @param settings what is trained, and on patches cut how
 * @param recipe how patches become what a hospital trains on
 * @param isFlipped whether mirror images are averaged when scans are scored
 * @param options of the run
 */
record Luna16Training(NetworkSettings settings, Recipe recipe, boolean isFlipped, RunOptions options) {
    /** How long processes of hospitals may take until they are there. */
    private static final Duration START = Duration.ofMinutes(10);

    private LunaNet network() {
        return settings.network();
    }

    /** A federation of these hospitals that still needs its strategy. */
    Federation.Builder federation(List<Hospital> hospitals) {
        LocalModelPool models = LocalModelPool.of(network()::create);
        Map<String, Client> clients = new LinkedHashMap<>();
        for (Hospital hospital : hospitals) {
            clients.put(hospital.name(), Luna16Client.of(models, examples(hospital), hospital.testExamples()));
        }
        Federation.Builder federation = Federation.of(clients);
        options.configure(federation);
        return federation.initialModel(initialModel());
    }

    /** A federation of these hospitals in processes of their own, which still needs its strategy. */
    Federation.Builder remoteFederation(Runtime hospitals, int count) {
        Federation.Builder federation = Federation.of(hospitals);
        options.configure(federation);
        return federation.initialModel(initialModel()).minClients(count).clientWait(START);
    }

    /**
     * A federation of hospitals that protect their patients, and that still needs its strategy. Patches are neither repeated nor
     * varied: how often one is repeated would depend on the patches of others.
     *
     * @param lastLayer whether only the network's last layer is trained
     */
    Federation.Builder privateFederation(List<Hospital> hospitals, PatientPrivacy privacy, boolean lastLayer) {
        LocalModelPool models = LocalModelPool.of(network()::create);
        Map<String, Client> clients = new LinkedHashMap<>();
        for (Hospital hospital : hospitals) {
            PatchExamples patches = PatchExamples.of(hospital.training());
            // One scan, one patient.
            List<String> patients = IntStream.range(0, hospital.training().size())
                    .mapToObj(hospital.training()::seriesUid)
                    .toList();
            clients.put(
                    hospital.name(),
                    hospital.isEmpty()
                            ? Luna16Client.of(models, patches, hospital.testExamples())
                            : privacy.client(
                                    hospital.name(),
                                    models,
                                    PersonExamples.of(patches, patients),
                                    hospital.testExamples(),
                                    lastLayer ? new String[] {lastLayer()} : new String[0]));
        }
        Federation.Builder federation = Federation.of(clients);
        options.configure(federation);
        privacy.describeTo(federation);
        return federation.initialModel(initialModel()).setting("dp.lastLayer", lastLayer);
    }

    /** What the names of the last layer's tensors start with. */
    private String lastLayer() {
        List<TensorSpec> tensors = initialModel().spec().tensors();
        String last = tensors.get(tensors.size() - 1).name();
        return last.substring(0, last.lastIndexOf('.') + 1);
    }

    /** How many parameters are trained. */
    long parameters() {
        return initialModel().spec().trainableCount();
    }

    /** What a network is worth on the test scans of all hospitals, which count as published. */
    CentralEvaluation publicEvaluation(List<Hospital> hospitals) {
        Dl4jModel evaluator = network().create();
        return model -> {
            ModelScores scores = ModelScores.of(evaluator, model, tests(hospitals));
            Metrics metrics =
                    Metrics.of(Evaluation.LOSS, scores.mean(Evaluation.LOSS).orElseThrow());
            OptionalDouble auc = scores.auc();
            if (auc.isPresent()) {
                metrics = metrics.with(Evaluation.AUC, auc.getAsDouble());
            }
            OptionalDouble sensitivity = scores.scores().sensitivityAt(0.9);
            return sensitivity.isPresent()
                    ? metrics.with(Evaluation.SENSITIVITY_AT_90, sensitivity.getAsDouble())
                    : metrics;
        };
    }

    private PatchExamples examples(Hospital hospital) {
        return hospital.trainingExamples(recipe);
    }

    private Model initialModel() {
        return network().create().initialModel(options.seed());
    }

    /**
     * What a network is worth that was trained in one way.
     *
     * @param patches scores of test patches
     * @param scans scores of all candidates of the test scans, if there are any
     */
    record Worth(ModelScores patches, Optional<ScanScores> scans) {
        private OptionalDouble cpm(String hospital) {
            return scans.map(own -> own.cpm(hospital)).orElse(OptionalDouble.empty());
        }

        private OptionalDouble cpm() {
            return scans.map(ScanScores::cpm).orElse(OptionalDouble.empty());
        }
    }

    /** What a model is worth on the test patches and the test scans of all hospitals. */
    Worth worth(Model model, Luna16Data data, int threads, PreparationListener listener) throws InterruptedException {
        Optional<ScanScores> scans = Optional.empty();
        if (data.tests().isPresent()) {
            scans = Optional.of(data.tests().get().score(settings, model, isFlipped, threads, listener));
        }
        return new Worth(ModelScores.of(network().create(), model, tests(data.hospitals())), scans);
    }

    /** Trains what there is to compare a federated model with: each hospital alone and all data pooled, several at a time. */
    Comparison comparison(Worth federated, Luna16Data data, int rounds, ProgressBar bar) throws InterruptedException {
        List<Hospital> ways = new ArrayList<>(List.of(data.pooled()));
        data.hospitals().stream().filter(hospital -> !hospital.isEmpty()).forEach(ways::add);
        AtomicInteger done = new AtomicInteger();
        RoundListener progress = new RoundListener() {
            @Override
            public void roundFinished(RoundRecord record) {
                bar.update(done.incrementAndGet(), (long) ways.size() * rounds);
            }
        };
        int threads = options.threads().orElse(java.lang.Runtime.getRuntime().availableProcessors());
        ExecutorService executor = Executors.newFixedThreadPool(Math.min(threads, ways.size()));
        try {
            List<Callable<Worth>> tasks = new ArrayList<>();
            for (Hospital way : ways) {
                // Several ways are tried at a time, so that one takes one thread.
                tasks.add(() -> worth(withoutOthers(way, rounds, progress), data, 1, (scans, all) -> {}));
            }
            List<Future<Worth>> results = executor.invokeAll(tasks);
            Map<String, Worth> alone = new LinkedHashMap<>();
            for (int i = 1; i < ways.size(); i++) {
                alone.put(ways.get(i).name(), results.get(i).get());
            }
            return compared(federated, alone, results.get(0).get());
        } catch (ExecutionException e) {
            if (e.getCause() instanceof RuntimeException failure) {
                throw failure;
            }
            throw new IllegalStateException("training for comparison failed", e.getCause());
        } finally {
            executor.shutdownNow();
        }
    }

    private static Comparison compared(Worth federated, Map<String, Worth> alone, Worth pooled) {
        Map<String, ModelScores> patches = new LinkedHashMap<>();
        alone.forEach((hospital, worth) -> patches.put(hospital, worth.patches()));
        Comparison comparison = new Comparison(federated.patches(), patches, pooled.patches(), "candidates");
        if (federated.cpm().isEmpty()) {
            return comparison;
        }
        Grid grid = Grid.of("CPM, tested at", "federated", "alone", "pooled");
        for (String hospital :
                federated.scans().orElseThrow().tests().hospitals().keySet()) {
            grid = grid.with(
                    hospital,
                    Figures.metric(federated.cpm(hospital)),
                    Figures.metric(Optional.ofNullable(alone.get(hospital))
                            .map(own -> own.cpm(hospital))
                            .orElse(OptionalDouble.empty())),
                    Figures.metric(pooled.cpm(hospital)));
        }
        OptionalDouble mean = alone.values().stream()
                .map(Worth::cpm)
                .flatMapToDouble(OptionalDouble::stream)
                .average();
        grid = grid.with(
                "all hospitals",
                Figures.metric(federated.cpm()),
                Figures.metric(mean) + " (mean)",
                Figures.metric(pooled.cpm()));
        return comparison.with(
                "The challenge's score (CPM) in the three ways, over all candidates of the test scans", grid);
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
        Client client =
                Luna16Client.of(LocalModelPool.of(network()::create), examples(hospital), hospital.testExamples());
        return Federation.of(Map.of(hospital.name(), client))
                .strategy(recipe.appliedTo(FedAvg.create()))
                .initialModel(initialModel())
                .training(options.training())
                .learningRateSchedule(options.schedule())
                .seed(options.seed())
                .rounds(rounds)
                .evaluateEvery(0)
                .listener(progress)
                .run()
                .model();
    }
}
