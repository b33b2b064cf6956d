package io.fedlearn.aggregators.personal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.fedlearn.core.client.Client;
import io.fedlearn.core.client.TaskContext;
import io.fedlearn.core.federation.Federation;
import io.fedlearn.core.federation.Run;
import io.fedlearn.core.strategy.Strategy;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.task.Config;
import io.fedlearn.core.task.Task;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.TensorRole;
import io.fedlearn.core.tensor.TensorType;
import io.fedlearn.core.training.TrainingSettings;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Whole runs of a model that has trainables, a buffer and a counter. */
class TensorRolesTest {
    private static final int ROUNDS = 20;

    /** Remembers what its site sent in each round. */
    private record Recorded(Client site, List<Model> sent) implements Client {
        @Override
        public ClientUpdate fit(Task task, TaskContext context) throws Exception {
            ClientUpdate update = site.fit(task, context);
            sent.add(update.model().orElseThrow());
            return update;
        }
    }

    @ParameterizedTest
    @MethodSource("io.fedlearn.aggregators.personal.LocalTensorsTest#methods")
    void buffersAreAveragedAndCountersStayWholeWhateverTheServerStep(Strategy method) throws Exception {
        Map<String, Recorded> sites = new TreeMap<>();
        // Of 40 examples each; batches of 8 for one, of 5 for the other.
        sites.put("a", new Recorded(LineModel.site(1), new ArrayList<>()));
        sites.put("b", new Recorded(LineModel.site(2), new ArrayList<>()));

        Run run = Federation.of(sites)
                .strategy(method.withInstructions(
                        "b has smaller batches",
                        (round, id) -> Config.empty().with(TrainingSettings.BATCH_SIZE, id.equals("a") ? 8 : 5)))
                .training(TrainingSettings.defaults().withLearningRate(0.02))
                .initialModel(LineModel.start())
                .federatedEvaluation(false)
                .rounds(ROUNDS)
                .run();

        Model a = sites.get("a").sent().get(ROUNDS - 1);
        Model b = sites.get("b").sent().get(ROUNDS - 1);
        assertThat(run.model().tensor("norm.mean").get(0))
                .isCloseTo((a.tensor("norm.mean").get(0) + b.tensor("norm.mean").get(0)) / 2, within(1e-6));
        assertThat(a.tensor("norm.mean")).isNotEqualTo(b.tensor("norm.mean"));
        // 5 and 8 batches a round make 6.5 in the mean, which is rounded to an even number.
        assertThat(run.model().spec().tensor("norm.batches").orElseThrow().role())
                .isEqualTo(TensorRole.COUNTER);
        assertThat(run.model().tensor("norm.batches").type()).isEqualTo(TensorType.INT64);
        long expected = 3;
        for (int round = 0; round < ROUNDS; round++) {
            expected = (long) Math.rint(expected + 6.5);
        }
        assertThat(run.model().tensor("norm.batches").toLongArray()).containsExactly(expected);
    }
}
