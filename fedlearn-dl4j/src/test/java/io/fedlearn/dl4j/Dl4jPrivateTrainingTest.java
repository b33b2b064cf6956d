package io.fedlearn.dl4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.fedlearn.core.budget.PrivacyBudget;
import io.fedlearn.core.budget.PrivacyCharge;
import io.fedlearn.core.budget.PrivacySpent;
import io.fedlearn.core.random.SeededRandom;
import io.fedlearn.core.task.Task;
import io.fedlearn.core.task.TaskKind;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.TensorRole;
import io.fedlearn.core.training.InMemoryExamples;
import io.fedlearn.core.training.LocalModel;
import io.fedlearn.core.training.Objective;
import io.fedlearn.core.training.TrainingSettings;
import io.fedlearn.privacy.site.DpSgdClient;
import io.fedlearn.privacy.site.PersonExamples;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;

/** DP-SGD over DL4J's networks. */
class Dl4jPrivateTrainingTest {
    private static final double SILENT = 1e-9;
    private static final int RECORDS = 24;

    private static PersonExamples persons() {
        SeededRandom random = SeededRandom.of(5);
        float[] features = new float[RECORDS * 6];
        float[] targets = new float[RECORDS];
        List<Integer> personOf = new ArrayList<>();
        for (int i = 0; i < features.length; i++) {
            features[i] = (float) random.nextGaussian();
        }
        for (int i = 0; i < RECORDS; i++) {
            targets[i] = i % 3;
            personOf.add(i / 4);
        }
        return PersonExamples.of(InMemoryExamples.wrap(Networks.FEATURES, features, targets), personOf);
    }

    private static final class Unlimited implements PrivacyBudget {
        @Override
        public PrivacySpent debit(PrivacyCharge charge) {
            return spent(charge.scope());
        }

        @Override
        public PrivacySpent spent(String scope) {
            return new PrivacySpent(0, 0);
        }
    }

    private static DpSgdClient.Builder client(Supplier<? extends LocalModel> model, double noise) {
        return DpSgdClient.builder(model, persons())
                .clippingNorm(0.2)
                .noiseMultiplier(noise)
                .samplingRate(1)
                .declaredPersons(6)
                .budget(new Unlimited(), "test");
    }

    private static Model fit(DpSgdClient client, Model start) throws Exception {
        Task task = Task.builder(TaskKind.FIT, "site")
                .model(start)
                .config(TrainingSettings.defaults().withLocalEpochs(3).toConfig())
                .build();
        return client.fit(task, new IdleContext()).model().orElseThrow();
    }

    /** The model as one that gives no gradients of single examples. */
    private static LocalModel microbatched(LocalModel model) {
        return (LocalModel) Proxy.newProxyInstance(
                LocalModel.class.getClassLoader(),
                new Class<?>[] {LocalModel.class},
                (proxy, method, arguments) -> method.invoke(model, arguments));
    }

    @Test
    void microbatchesOfPersonsGiveWhatPerExampleGradientsGive() throws Exception {
        Dl4jModel.Builder dense = Dl4jModel.builder(Networks.dense(), Networks.FEATURES, Objective.MULTICLASS);
        Model start = dense.build().initialModel(3);

        float[] perExample = fit(client(dense::build, SILENT).build(), start).trainablesToFloatArray();
        float[] batched = fit(client(() -> microbatched(dense.build()), SILENT).build(), start)
                .trainablesToFloatArray();

        assertThat(perExample).isNotEqualTo(start.trainablesToFloatArray());
        for (int i = 0; i < perExample.length; i++) {
            assertThat(batched[i]).isCloseTo(perExample[i], within(1e-5f));
        }
    }

    @Test
    void trainsTheLastLayerAlone() throws Exception {
        Dl4jModel.Builder dense = Dl4jModel.builder(Networks.dense(), Networks.FEATURES, Objective.MULTICLASS);
        Model start = dense.build().initialModel(3);

        Model trained = fit(client(dense::build, 1).trainOnly("layer1.").build(), start);

        for (String kept : List.of("layer0.weight", "layer0.bias")) {
            assertThat(trained.tensor(kept)).isEqualTo(start.tensor(kept));
        }
        for (String moved : List.of("layer1.weight", "layer1.bias")) {
            assertThat(trained.tensor(moved)).isNotEqualTo(start.tensor(moved));
        }
    }

    @Test
    void leavesTheStatisticsOfBatchNormAsTheyWere() throws Exception {
        Dl4jModel.Builder normalized =
                Dl4jModel.builder(Networks.normalized(false), Networks.FEATURES, Objective.MULTICLASS);
        Model start = normalized.build().initialModel(3);

        Model trained = fit(client(normalized::build, 1).build(), start);

        for (int i = 0; i < start.spec().size(); i++) {
            if (start.spec().tensors().get(i).role() != TensorRole.TRAINABLE) {
                assertThat(trained.tensors().get(i)).isEqualTo(start.tensors().get(i));
            }
        }
    }
}
