package io.fedlearn.testkit.fault;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import io.fedlearn.core.client.Client;
import io.fedlearn.core.client.InMemoryClientStateStore;
import io.fedlearn.core.runtime.TaskRunner;
import io.fedlearn.core.task.ClientOutcome;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.task.Task;
import io.fedlearn.core.task.TaskKind;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Shape;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.tensor.TensorType;
import io.fedlearn.core.update.UpdateCheck;
import io.fedlearn.testkit.client.DriftClient;
import io.fedlearn.testkit.generator.ModelGenerator;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class AttackTest {
    private static final int COUNT = 10_000;
    private static final Model GLOBAL = model(0.5);

    private static Model model(double value) {
        double[] values = IntStream.range(0, COUNT).mapToDouble(i -> value).toArray();
        return Model.builder()
                .trainable("w", Tensor.rounded(TensorType.FLOAT32, Shape.of(COUNT), values))
                .buffer("mean", Tensor.rounded(TensorType.FLOAT32, Shape.of(1), new double[] {value}))
                .build();
    }

    private static ClientUpdate fit(Client client, String id, Model global, int round) {
        Task task = Task.builder(TaskKind.FIT, id)
                .round(round)
                .seed(31L * round + id.hashCode())
                .model(global)
                .build();
        return ((ClientOutcome.Completed)
                        TaskRunner.of(InMemoryClientStateStore.create()).run(client, task, (d, t) -> {}, () -> false))
                .update();
    }

    private static double[] values(ClientUpdate update) {
        return update.model().orElseThrow().tensors().get(0).toDoubleArray();
    }

    private static Client member(Map<String, Client> group, String id) {
        return Optional.ofNullable(group.get(id)).orElseThrow();
    }

    private static Client answering(Model model) {
        return (task, context) -> ClientUpdate.ofModel(model, 7);
    }

    @Test
    void gaussianNoiseIsOfItsDeviationAroundTheGlobalModelAndTheSameForATask() {
        Client client = FaultyClient.around(DriftClient.withExamples(7)).always(Fault.gaussianNoise(3));

        ClientUpdate update = fit(client, "a", GLOBAL, 1);

        double[] values = values(update);
        double mean = IntStream.range(0, COUNT).mapToDouble(i -> values[i]).sum() / COUNT;
        double square = IntStream.range(0, COUNT)
                        .mapToDouble(i -> (values[i] - 0.5) * (values[i] - 0.5))
                        .sum()
                / COUNT;
        // Seven standard errors of 10,000 draws: wrong once in 10^11.
        assertThat(mean).isCloseTo(0.5, within(0.21));
        assertThat(square).isCloseTo(9, within(0.9));
        assertThat(update.exampleCount()).isEqualTo(7);
        assertThat(values(fit(client, "a", GLOBAL, 1))).isEqualTo(values);
        assertThat(values(fit(client, "b", GLOBAL, 1))).isNotEqualTo(values);
        assertThat(values(fit(client, "a", GLOBAL, 2))).isNotEqualTo(values);
    }

    @Test
    void signFlipGoesTheOtherWayAsFarAsItsFactorSays() {
        ClientUpdate update =
                fit(FaultyClient.around(answering(model(0.75))).always(Fault.signFlip(4)), "a", GLOBAL, 1);
        assertThat(values(update)).containsOnly(0.5 - 4 * 0.25);
        assertThat(update.model().orElseThrow().tensors().get(1).toDoubleArray())
                .containsExactly(0.5);
    }

    @Test
    void signFlipReadsADeltaAsOne() {
        Client delta = (task, context) -> ClientUpdate.ofModelDelta(model(0.25), 7);
        assertThat(values(fit(FaultyClient.around(delta).always(Fault.signFlip(4)), "a", GLOBAL, 1)))
                .containsOnly(0.5 - 4 * 0.25);
    }

    @Test
    void aSecondFaultDamagesWhatTheFirstHasMade() {
        Fault both = Fault.signFlip(1).then(Fault.exampleCount(1_000));
        ClientUpdate update = fit(FaultyClient.around(answering(model(0.75))).always(both), "a", GLOBAL, 1);
        assertThat(values(update)).containsOnly(0.25);
        assertThat(update.exampleCount()).isEqualTo(1_000);
    }

    @Test
    void updatesOfAttackersAreWellFormed() {
        Model global = ModelGenerator.of(1).nextModerate(ModelGenerator.networkSpec());
        Client honest = DriftClient.withExamples(7);
        Map<String, Client> group =
                ALittleIsEnough.of(Map.of("a", honest, "b", honest), 1).clients();
        for (Client client : new Client[] {
            FaultyClient.around(honest).always(Fault.gaussianNoise(1)),
            FaultyClient.around(honest).always(Fault.signFlip(10)),
            member(group, "a")
        }) {
            ClientUpdate update = fit(client, "a", global, 1);
            UpdateCheck check = UpdateCheck.forModel(global.spec());
            check.checkSizes(update);
            check.checkModel(update, global.spec());
            assertThat(update.model().orElseThrow().digest()).isNotEqualTo(global.digest());
        }
    }

    @Test
    void aGroupSendsItsMeanLessItsDeviations() {
        Map<String, Client> group = ALittleIsEnough.of(
                        Map.of("a", answering(model(1)), "b", answering(model(2)), "c", answering(model(6))), 1.5)
                .clients();
        // Mean 3, deviation sqrt((4 + 1 + 9) / 3).
        double expected = 3 - 1.5 * Math.sqrt(14.0 / 3);
        for (String id : group.keySet()) {
            for (double value : values(fit(member(group, id), id, GLOBAL, 1))) {
                assertThat(value).isCloseTo(expected, within(1e-6));
            }
        }
    }

    @Test
    void aGroupAnswersTheSameWhoeverIsAskedFirst() {
        Map<String, Client> members = Map.of("a", DriftClient.withExamples(1), "b", DriftClient.withExamples(2));
        Map<String, Client> one = ALittleIsEnough.of(members, 1).clients();
        Map<String, Client> other = ALittleIsEnough.of(members, 1).clients();

        double[] first = values(fit(member(one, "a"), "a", GLOBAL, 1));
        ClientUpdate second = fit(member(one, "b"), "b", GLOBAL, 1);

        assertThat(values(second)).isEqualTo(first);
        assertThat(second.exampleCount()).isEqualTo(2);
        assertThat(values(fit(member(other, "b"), "b", GLOBAL, 1))).isEqualTo(first);
        assertThat(values(fit(member(one, "a"), "a", GLOBAL, 2))).isNotEqualTo(first);
        assertThat(values(fit(member(one, "a"), "a", model(0.25), 2)))
                .as("another run's round of the same number")
                .isNotEqualTo(values(fit(member(other, "a"), "a", GLOBAL, 2)));
    }

    @ParameterizedTest
    @ValueSource(doubles = {0, -1, Double.NaN, Double.POSITIVE_INFINITY})
    void refusesAnAttackOfNoOrInfiniteStrength(double strength) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Fault.gaussianNoise(strength))
                .withMessage("deviation must be > 0 and finite, was " + strength);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Fault.signFlip(strength))
                .withMessage("factor must be > 0 and finite, was " + strength);
    }

    @Test
    void refusesAGroupOfOneAndDeviationsWithoutEnd() {
        Client honest = DriftClient.withExamples(1);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> ALittleIsEnough.of(Map.of("a", honest), 1))
                .withMessage("members must be >= 2, were 1");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> ALittleIsEnough.of(Map.of("a", honest, "b", honest), Double.NaN))
                .withMessage("deviations must be finite, were NaN");
    }
}
