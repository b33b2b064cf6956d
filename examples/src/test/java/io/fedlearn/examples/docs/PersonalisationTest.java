package io.fedlearn.examples.docs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fedlearn.aggregators.FedAdam;
import io.fedlearn.aggregators.FedAvg;
import io.fedlearn.aggregators.personal.FedBN;
import io.fedlearn.aggregators.personal.FedPer;
import io.fedlearn.aggregators.personal.LocalTensors;
import io.fedlearn.aggregators.personal.PartialTransfer;
import io.fedlearn.aggregators.personal.TensorSelection;
import io.fedlearn.core.client.Client;
import io.fedlearn.core.client.PersonalModel;
import io.fedlearn.core.federation.Federation;
import io.fedlearn.core.federation.FineTuning;
import io.fedlearn.core.federation.Run;
import io.fedlearn.core.record.OutcomeRecord;
import io.fedlearn.core.strategy.Strategy;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.training.Evaluation;
import io.fedlearn.core.training.ExampleSource;
import io.fedlearn.core.training.LocalTrainingClient;
import io.fedlearn.core.training.Objective;
import io.fedlearn.core.training.TrainingSettings;
import io.fedlearn.dl4j.Dl4jModel;
import io.fedlearn.files.FileClientStateStore;
import io.fedlearn.files.FileRunStore;
import io.fedlearn.models.MultilayerPerceptron;
import io.fedlearn.models.table.Table;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.layers.BatchNormalization;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

/** Code of {@code docs/personalisation.md}. */
final class PersonalisationTest {
    private static final TrainingSettings TRAINING = TrainingSettings.defaults().withLocalEpochs(2);

    private static MultilayerPerceptron network() {
        return MultilayerPerceptron.builder(2).hidden(8).binary().standardizing();
    }

    private final Model initialModel =
            network().standardizing(Hospitals.statistics()).initialModel(1);

    private static Map<String, Client> hospitals() {
        Map<String, Client> hospitals = new TreeMap<>();
        for (String name : Hospitals.NAMES) {
            Table.Split patients = Hospitals.split(name);
            hospitals.put(
                    name, LocalTrainingClient.of(PersonalisationTest::network, patients.training(), patients.test()));
        }
        return hospitals;
    }

    private Run run(Strategy strategy) throws InterruptedException {
        return Federation.of(hospitals())
                .strategy(strategy)
                .initialModel(initialModel)
                .training(TRAINING)
                .rounds(3)
                .run();
    }

    @Test
    void keepsTheHeadAtTheHospital() throws Exception {
        // tag::fedper[]
        Run run = Federation.of(hospitals())
                .strategy(FedPer.withHead("layer2.*"))
                .initialModel(initialModel)
                .training(TrainingSettings.defaults().withLocalEpochs(2))
                .rounds(10)
                .run();
        for (OutcomeRecord hospital : run.records().get(9).evaluation().clients()) {
            System.out.println(hospital.clientId() + " " + hospital.metrics());
        }
        // end::fedper[]
        // 8 weights and a bias.
        assertThat(run.records().get(0).outcomes())
                .hasSize(3)
                .allSatisfy(outcome -> assertThat(outcome.savedBytes()).isEqualTo(36));
        assertThat(run.best().metrics().get("accuracy").orElseThrow()).isGreaterThan(0.7);
    }

    @Test
    void keepsBatchNormAtTheHospital() throws Exception {
        NeuralNetConfiguration.ListBuilder layers = new NeuralNetConfiguration.Builder().list();
        layers.layer(new BatchNormalization.Builder()
                        .name("norm")
                        .nIn(2)
                        .nOut(2)
                        .build())
                .layer(new DenseLayer.Builder()
                        .nIn(2)
                        .nOut(4)
                        .activation(Activation.TANH)
                        .build())
                .layer(new OutputLayer.Builder(LossFunction.XENT)
                        .nIn(4)
                        .nOut(1)
                        .activation(Activation.SIGMOID)
                        .build());
        Dl4jModel.Builder network = Dl4jModel.builder(
                layers.build(), Hospitals.split("north").training().featureShape(), Objective.BINARY);
        Map<String, Client> hospitals = new TreeMap<>();
        for (String name : Hospitals.NAMES) {
            Table.Split patients = Hospitals.split(name);
            hospitals.put(name, LocalTrainingClient.of(network::build, patients.training(), patients.test()));
        }
        // tag::fedbn[]
        Strategy layersWithBuffers = FedBN.create();
        Strategy statisticsAlone = FedBN.keeping(LocalTensors.buffers());
        Strategy byName = FedBN.keeping(LocalTensors.matching("*norm*"));
        // end::fedbn[]
        for (Strategy strategy : new Strategy[] {layersWithBuffers, statisticsAlone, byName}) {
            Run run = Federation.of(hospitals)
                    .strategy(strategy)
                    .training(TRAINING)
                    .rounds(2)
                    .run();
            Model initial = network.build().initialModel(0);
            assertThat(run.model().tensor("norm.mean").shape())
                    .isEqualTo(initial.tensor("norm.mean").shape());
            assertThat(run.model().tensor("norm.mean").toFloatArray()).containsOnly(0);
        }
    }

    @Test
    void keepsTensorsUnderAnyStrategy() throws Exception {
        // tag::any[]
        Strategy strategy = LocalTensors.matching("layer2.*").leftOut().appliedTo(FedAdam.withServerLearningRate(0.01));
        // end::any[]
        assertThat(run(strategy).header().strategy()).isEqualTo("FedAdam");
        // tag::refused[]
        assertThatThrownBy(() -> run(LocalTensors.matching("head/*").appliedTo(FedAvg.create())))
                .hasMessage("no tensor of the model is 'head/*': it has input.mean, input.scale,"
                        + " layer1.weight, layer1.bias, layer2.weight, layer2.bias");
        // end::refused[]
        // tag::selection[]
        TensorSelection local = TensorSelection.matching("layer2.*").and(TensorSelection.layersWithBuffers());
        // end::selection[]
        assertThat(local).isEqualTo(TensorSelection.parse("layer2.*,@layers-with-buffers"));
    }

    @Test
    void sendsPartOfTheModel() throws Exception {
        // tag::frozen[]
        Strategy strategy = PartialTransfer.without(TensorSelection.matching("layer1.*"))
                .addedTo(FedAvg.create().toBuilder())
                .build();
        // end::frozen[]
        Run run = run(strategy);
        assertThat(run.records().get(0).outcomes())
                .allSatisfy(outcome -> assertThat(outcome.savedBytes()).isEqualTo(96));
    }

    @Test
    void fineTunesAfterTheRun(@TempDir Path folder) throws Exception {
        String runId;
        int rounds;
        try (FileClientStateStore states = FileClientStateStore.at(folder.resolve("state"))) {
            // tag::fine-tune[]
            Federation federation = Federation.of(hospitals())
                    .strategy(FedAvg.create())
                    .initialModel(initialModel)
                    .rounds(5)
                    .store(FileRunStore.at(folder.resolve("run")))
                    .clientStates(states)
                    .build();
            Run run = federation.run();

            FineTuning tuned = federation.fineTune(
                    run, TrainingSettings.defaults().withLocalEpochs(10).withLearningRate(0.01));
            for (FineTuning.Site hospital : tuned.sites()) {
                System.out.println(hospital.clientId() + " "
                        + hospital.outcome().outcome() + " " + hospital.before().get("loss") + " "
                        + hospital.after().get("loss"));
            }
            // end::fine-tune[]
            runId = tuned.runId();
            rounds = tuned.round();
            assertThat(tuned.sites()).hasSize(3).allSatisfy(hospital -> {
                assertThat(hospital.outcome().isCompleted()).isTrue();
                assertThat(hospital.before().get("loss")).isPresent();
                assertThat(hospital.after().get("loss")).isPresent();
            });
            // tag::read-back[]
            Model personal = tuned.personalModel(states, "north").orElseThrow();
            // end::read-back[]
            assertThat(personal.spec()).isEqualTo(run.model().spec());
            assertThat(personal).isNotEqualTo(run.model());
        }
        assertThat(rounds).isEqualTo(5);
        try (Stream<Path> files = Files.list(folder.resolve("state/run-" + runId + "/client-north"))) {
            assertThat(files.map(file -> file.getFileName().toString()))
                    .containsExactly("state-personal-model.000005.safetensors");
        }
        ExampleSource patients = Hospitals.split("north").test();
        MultilayerPerceptron model = network();
        // tag::at-the-site[]
        try (FileClientStateStore states = FileClientStateStore.at(folder.resolve("state"))) {
            model.load(PersonalModel.load(states, runId, "north", rounds).orElseThrow());
        }
        // end::at-the-site[]
        assertThat(Evaluation.of(model, patients).exampleCount()).isEqualTo(patients.exampleCount());
    }
}
