package io.fedlearn.privacy.site;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.fedlearn.core.client.Client;
import io.fedlearn.core.client.ClientState;
import io.fedlearn.core.client.TaskContext;
import io.fedlearn.core.client.TaskDeclinedException;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.task.Config;
import io.fedlearn.core.task.Task;
import io.fedlearn.core.task.TaskKind;
import io.fedlearn.core.task.UpdateForm;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.update.UpdateCheck;
import io.fedlearn.privacy.accounting.PrivacyEvent;
import io.fedlearn.testkit.statistics.StatisticalAssertions;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

class LocallyPrivateClientTest {
    private static final double FALSE_ALARM = 1e-7;
    private static final double SILENT = 1e-9;

    private final RecordingBudget budget = new RecordingBudget(Integer.MAX_VALUE);

    private static Model model(int length, float value) {
        float[] weights = new float[length];
        Arrays.fill(weights, value);
        return Model.builder()
                .trainable("w", Tensor.wrap(weights))
                .buffer("mean", Tensor.wrap(new float[] {value, value}))
                .counter("batches", Tensor.copyOf(new long[] {(long) value}))
                .build();
    }

    private static Task task(TaskKind kind, Model model) {
        return Task.builder(kind, "site").round(2).model(model).build();
    }

    /** Answers with a model whose values are all this, and says a lot beside it. */
    private static Client talkative(int length, float value) {
        return (task, context) -> ClientUpdate.ofModel(model(length, value), 123)
                .withMetric("loss", 0.25)
                .withTensors("scores", model(1, 1))
                .withValue("hospital", "St. Mary");
    }

    private static double[] delta(ClientUpdate update) {
        assertThat(update.form()).isEqualTo(UpdateForm.MODEL_DELTA);
        return update.model().orElseThrow().tensor("w").toDoubleArray();
    }

    @Test
    void sendsTheClippedDeltaAndNothingElse() throws Exception {
        Model global = model(4, 1);
        ClientUpdate update = LocallyPrivateClient.of(
                        talkative(4, 3), LocalPrivacy.gaussian(2, SILENT).withDeclaredExamples(50), budget, "clinic")
                .fit(task(TaskKind.FIT, global), Idle.context());

        // 4 numbers of 2 each have the norm 4.
        for (double each : delta(update)) {
            assertThat(each).isCloseTo(1, within(1e-6));
        }
        Model sent = update.model().orElseThrow();
        assertThat(sent.tensor("mean").toDoubleArray()).containsOnly(0);
        assertThat(sent.tensor("batches").toLongArray()).containsOnly(0);
        assertThat(update.exampleCount()).isEqualTo(50);
        assertThat(update.metrics().names())
                .containsExactlyInAnyOrder(DpSgdClient.SITE_EPSILON, DpSgdClient.SITE_PRIVACY_DELTA);
        assertThat(update.tensors()).isEmpty();
        assertThat(update.values()).isEqualTo(Config.empty());
        UpdateCheck.forModel(global.spec()).checkModel(update, global.spec());
    }

    @Test
    void clipsInTheNormOfTheNoise() throws Exception {
        ClientUpdate update = LocallyPrivateClient.of(
                        talkative(4, 3), LocalPrivacy.laplace(2, SILENT), budget, "clinic")
                .fit(task(TaskKind.FIT, model(4, 1)), Idle.context());
        for (double each : delta(update)) {
            assertThat(each).isCloseTo(0.5, within(1e-6));
        }
    }

    @Test
    void debitsEachAnswerForAnyTwoInputs() throws Exception {
        LocallyPrivateClient client =
                LocallyPrivateClient.of(talkative(4, 3), LocalPrivacy.gaussian(2, 3), budget, "clinic");
        ClientUpdate first = client.fit(task(TaskKind.FIT, model(4, 1)), Idle.context());
        ClientUpdate second = client.fit(task(TaskKind.FIT, model(4, 1)), Idle.context());

        assertThat(delta(first)).isNotEqualTo(delta(second));
        assertThat(budget.charges).hasSize(2).allSatisfy(charge -> {
            assertThat(charge.scope()).isEqualTo("clinic");
            assertThat(charge.mechanism()).isEqualTo(new PrivacyEvent.Gaussian(3).toString());
            assertThat(charge.parameters().getString("relation")).contains("replace");
        });
        assertThat(LocalPrivacy.laplace(2, 3).event()).isEqualTo(new PrivacyEvent.Laplace(3));
    }

    @Test
    void declinesWhenTheBudgetRefuses() {
        assertThatExceptionOfType(TaskDeclinedException.class)
                .isThrownBy(() -> LocallyPrivateClient.of(
                                talkative(4, 3), LocalPrivacy.gaussian(2, 3), new RecordingBudget(0), "clinic")
                        .fit(task(TaskKind.FIT, model(4, 1)), Idle.context()))
                .withMessageContaining("budget does not allow another answer");
    }

    /** The noise of a client that changes nothing, over what it should be. */
    private double[] noise(LocalPrivacy privacy, double scale) throws Exception {
        int length = 20_000;
        double[] noise = delta(LocallyPrivateClient.of(talkative(length, 1), privacy, budget, "clinic")
                .fit(task(TaskKind.FIT, model(length, 1)), Idle.context()));
        return Arrays.stream(noise).map(each -> each / scale).toArray();
    }

    @Test
    void noiseCoversTwiceTheClippingNorm() throws Exception {
        StatisticalAssertions.assertNormalDeviation(
                noise(LocalPrivacy.gaussian(0.3, 1.5), 2 * 0.3 * 1.5), 0, 1, FALSE_ALARM);
        StatisticalAssertions.assertDistribution(
                noise(LocalPrivacy.laplace(0.3, 1.5), 2 * 0.3 * 1.5),
                x -> x < 0 ? Math.exp(x) / 2 : 1 - Math.exp(-x) / 2,
                FALSE_ALARM);
    }

    @Test
    void noiseOfTheClippingNormAloneFailsTheSameCheck() throws Exception {
        double[] gaussian = noise(LocalPrivacy.gaussian(0.3, 0.75), 2 * 0.3 * 1.5);
        assertThatThrownBy(() -> StatisticalAssertions.assertNormalDeviation(gaussian, 0, 1, FALSE_ALARM))
                .isInstanceOf(AssertionError.class);
        double[] laplace = noise(LocalPrivacy.laplace(0.3, 0.75), 2 * 0.3 * 1.5);
        assertThatThrownBy(() -> StatisticalAssertions.assertDistribution(
                        laplace, x -> x < 0 ? Math.exp(x) / 2 : 1 - Math.exp(-x) / 2, FALSE_ALARM))
                .isInstanceOf(AssertionError.class);
    }

    @Test
    void sendsNoiseAloneWhereTrainingFailsOrIsNotFinite() throws Exception {
        Client failing = (task, context) -> {
            throw new IllegalStateException("patient 7 has no age");
        };
        Client other = (task, context) -> ClientUpdate.ofModel(model(9, 1), 1);
        for (Client client : new Client[] {failing, other, talkative(4, Float.NaN)}) {
            double[] sent = delta(LocallyPrivateClient.of(client, LocalPrivacy.gaussian(1, 1), budget, "clinic")
                    .fit(task(TaskKind.FIT, model(4, 1)), Idle.context()));
            assertThat(sent).hasSize(4).doesNotContain(0);
        }
    }

    @Test
    void saysNothingOfTheInnerClientsProgress() throws Exception {
        Client counting = (task, context) -> {
            context.progress(1, 123);
            return ClientUpdate.ofModel(model(4, 1), 123);
        };
        TaskContext watched = new TaskContext() {
            @Override
            public ClientState state() {
                return Idle.context();
            }

            @Override
            public void progress(long done, long total) {
                throw new AssertionError("progress was told: " + total);
            }

            @Override
            public boolean isCancelled() {
                return false;
            }
        };
        assertThat(LocallyPrivateClient.of(counting, LocalPrivacy.gaussian(1, 1), budget, "clinic")
                        .fit(task(TaskKind.FIT, model(4, 1)), watched)
                        .exampleCount())
                .isEqualTo(1);
    }

    @Test
    void declinesWhatTheInnerClientDeclines() {
        Client shy = (task, context) -> {
            throw new TaskDeclinedException("not at night");
        };
        assertThatExceptionOfType(TaskDeclinedException.class)
                .isThrownBy(() -> LocallyPrivateClient.of(shy, LocalPrivacy.gaussian(1, 1), budget, "clinic")
                        .fit(task(TaskKind.FIT, model(4, 1)), Idle.context()))
                .withMessage("not at night");
        assertThat(budget.charges).isEmpty();
    }

    @Test
    void passesOtherTasksOnlyIfItIsToldTo() throws Exception {
        Client inner = new Client() {
            @Override
            public ClientUpdate fit(Task task, TaskContext context) {
                throw new AssertionError();
            }

            @Override
            public ClientUpdate perform(Task task, TaskContext context) {
                return ClientUpdate.ofModel(model(4, 0), 1);
            }
        };
        LocallyPrivateClient client = LocallyPrivateClient.of(inner, LocalPrivacy.gaussian(1, 1), budget, "clinic");
        assertThatExceptionOfType(TaskDeclinedException.class)
                .isThrownBy(() -> client.evaluate(task(TaskKind.EVALUATE, model(4, 1)), Idle.context()));
        assertThatExceptionOfType(TaskDeclinedException.class)
                .isThrownBy(() -> client.perform(task(TaskKind.INITIAL_MODEL, model(4, 1)), Idle.context()))
                .withMessageContaining("does not pass on");
        assertThat(client.passing(TaskKind.INITIAL_MODEL)
                        .perform(task(TaskKind.INITIAL_MODEL, model(4, 1)), Idle.context())
                        .model())
                .contains(model(4, 0));
        assertThatThrownBy(() -> client.passing(TaskKind.FIT)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void refusesSettingsOutOfRangeByName() {
        assertThatThrownBy(() -> LocalPrivacy.gaussian(0, 1)).hasMessageContaining("clippingNorm must be > 0");
        assertThatThrownBy(() -> LocalPrivacy.laplace(1, 0)).hasMessageContaining("noiseMultiplier must be > 0");
        assertThatThrownBy(() -> LocalPrivacy.gaussian(1, 1e12)).hasMessageContaining("noiseMultiplier must be in [");
        assertThatThrownBy(() -> LocalPrivacy.gaussian(1, 1).withDeclaredExamples(0))
                .hasMessage("declaredExamples must be >= 1, was 0");
        assertThatThrownBy(() -> LocallyPrivateClient.of(talkative(1, 1), LocalPrivacy.gaussian(1, 1), budget, ""))
                .hasMessage("scope must not be empty");
    }
}
