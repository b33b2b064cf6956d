package io.fedlearn.examples.heart;

import io.fedlearn.aggregators.FedAvg;
import io.fedlearn.core.client.Client;
import io.fedlearn.core.federation.CentralEvaluation;
import io.fedlearn.core.federation.Federation;
import io.fedlearn.core.federation.RoundListener;
import io.fedlearn.core.federation.RoundPolicy;
import io.fedlearn.core.metric.Metrics;
import io.fedlearn.core.record.OutcomeRecord;
import io.fedlearn.core.task.TaskKind;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.training.Evaluation;
import io.fedlearn.core.training.FeatureStatistics;
import io.fedlearn.core.training.InMemoryExamples;
import io.fedlearn.core.training.LocalModelPool;
import io.fedlearn.core.training.LocalTrainingClient;
import io.fedlearn.examples.comparison.Comparison;
import io.fedlearn.examples.comparison.ModelScores;
import io.fedlearn.examples.protection.PatientPrivacy;
import io.fedlearn.examples.run.RunOptions;
import io.fedlearn.privacy.site.PersonExamples;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.function.BiConsumer;
import java.util.stream.IntStream;

/**
 * Sets up a federation over patients, whether of four hospitals, of one, or of all pooled.
 *
 * @param kind of model
 * @param options of the run
 */
record HeartTraining(HeartModel kind, RunOptions options) {
    /** A client for each hospital. */
    Map<String, Client> clients(List<Hospital> hospitals) {
        Map<String, Client> clients = new LinkedHashMap<>();
        for (Hospital hospital : hospitals) {
            clients.put(hospital.name(), LocalTrainingClient.of(kind::create, hospital.training(), hospital.test()));
        }
        return clients;
    }

    /** A client for each hospital that protects its patients. */
    Map<String, Client> privateClients(List<Hospital> hospitals, PatientPrivacy privacy) {
        Map<String, Client> clients = clients(hospitals);
        for (Hospital hospital : hospitals) {
            if (!hospital.isEmpty()) {
                // Each row of a file is a patient.
                clients.put(
                        hospital.name(),
                        privacy.client(
                                hospital.name(),
                                LocalModelPool.of(kind::create),
                                PersonExamples.of(hospital.training(), patients(hospital)),
                                hospital.test()));
            }
        }
        return clients;
    }

    /** A number for each row: nobody has two. */
    private static List<Integer> patients(Hospital hospital) {
        return IntStream.range(0, (int) hospital.training().exampleCount())
                .boxed()
                .toList();
    }

    /** A federation that starts from a model which standardises its inputs by a declared scale, and needs its strategy. */
    Federation.Builder declaredFederation(Map<String, Client> clients) {
        return resumedFederation(clients).initialModel(declaredModel());
    }

    /** How many parameters are trained. */
    long parameters() {
        return declaredModel().spec().trainableCount();
    }

    private Model declaredModel() {
        return kind.create().standardizing(DeclaredScale.statistics()).initialModel(options.seed());
    }

    /** What a model is worth on the test patients of all hospitals, which count as published. */
    CentralEvaluation publicEvaluation(HeartData data) {
        return model -> {
            ModelScores scores = ModelScores.of(kind.create(), model, data.tests());
            Metrics metrics = Metrics.none();
            for (String name : List.of(Evaluation.LOSS, Evaluation.ACCURACY)) {
                metrics = metrics.with(name, scores.mean(name).orElseThrow());
            }
            OptionalDouble auc = scores.auc();
            return auc.isPresent() ? metrics.with(Evaluation.AUC, auc.getAsDouble()) : metrics;
        };
    }

    /**
     * A federation that goes on from the model that its store holds, and still needs its strategy. No client is asked
     * for statistics: the saved model has them.
     */
    Federation.Builder resumedFederation(Map<String, Client> clients) {
        Federation.Builder federation = Federation.of(clients);
        options.configure(federation);
        return federation;
    }

    /**
     * A federation that starts from a model which standardises its inputs by the statistics of all clients together,
     * and still needs its strategy.
     *
     * @param silent is told each client that gave no statistics, and why
     */
    Federation.Builder newFederation(Map<String, Client> clients, BiConsumer<String, String> silent)
            throws InterruptedException {
        // The deadline is that of the rounds: it must not decide by whose statistics inputs are scaled.
        Map<String, String> reasons = new ConcurrentSkipListMap<>();
        Federation.Builder asking = Federation.of(clients)
                .seed(options.seed())
                .policy(RoundPolicy.defaults().withQuorum(options.quorum()))
                .listener(new RoundListener() {
                    @Override
                    public void clientFinished(int round, TaskKind kind, OutcomeRecord outcome) {
                        if (!outcome.isCompleted()) {
                            reasons.put(outcome.clientId(), outcome.outcome() + ": " + outcome.reason());
                        }
                    }
                });
        options.threads().ifPresent(asking::parallelism);
        Model start = startingModel(asking.build());
        reasons.forEach(silent);
        return resumedFederation(clients).initialModel(start);
    }

    /** Trains what there is to compare a federated model with. */
    Comparison comparison(ModelScores federated, HeartData data, int rounds) throws InterruptedException {
        Map<String, ModelScores> alone = new LinkedHashMap<>();
        for (Hospital hospital : data.present()) {
            alone.put(
                    hospital.name(),
                    ModelScores.of(kind.create(), withoutOthers(hospital.training(), rounds), data.tests()));
        }
        InMemoryExamples all =
                Hospital.join(data.present().stream().map(Hospital::training).toList());
        ModelScores pooled = ModelScores.of(kind.create(), withoutOthers(all, rounds), data.tests());
        return new Comparison(federated, alone, pooled, "patients");
    }

    /**
     * The model that these examples alone give: a federation of one, which trains as a hospital does in a federation,
     * for as many rounds.
     */
    private Model withoutOthers(InMemoryExamples examples, int rounds) throws InterruptedException {
        Map<String, Client> client = Map.of("only", LocalTrainingClient.of(kind::create, examples));
        return Federation.of(client)
                .strategy(FedAvg.create())
                .initialModel(startingModel(Federation.of(client).build()))
                .training(options.training())
                .learningRateSchedule(options.schedule())
                .seed(options.seed())
                .rounds(rounds)
                .evaluateEvery(0)
                .run()
                .model();
    }

    private Model startingModel(Federation federation) throws InterruptedException {
        FeatureStatistics statistics = federation.featureStatistics(HeartTable.SCHEMA.featureCount());
        return kind.create().standardizing(statistics).initialModel(options.seed());
    }
}
