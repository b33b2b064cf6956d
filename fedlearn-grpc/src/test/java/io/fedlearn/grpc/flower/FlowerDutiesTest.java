package io.fedlearn.grpc.flower;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import io.fedlearn.core.client.InMemoryClientStateStore;
import io.fedlearn.core.metric.Metrics;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.task.Config;
import io.fedlearn.core.task.Task;
import io.fedlearn.core.task.TaskKind;
import io.fedlearn.core.task.UpdateForm;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.tensor.TensorRole;
import io.fedlearn.core.tensor.TensorType;
import io.fedlearn.grpc.proto.flower.ClientMessage;
import io.fedlearn.grpc.proto.flower.Code;
import io.fedlearn.grpc.proto.flower.Parameters;
import io.fedlearn.grpc.proto.flower.Scalar;
import io.fedlearn.grpc.proto.flower.ServerMessage;
import io.fedlearn.grpc.proto.flower.Status;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a client answers to a Flower server, without a network. */
class FlowerDutiesTest {
    private static final Model MODEL = Model.builder()
            .trainable("w", Tensor.copyOf(new float[] {0, 1, 2, 3, 4, 5}, 2, 3))
            .trainable("b", Tensor.copyOf(new float[] {0.5f}))
            .build();
    private static final Config SCALARS =
            Config.of(Map.of("b", true, "by", "base64:AP8=", "f", 0.5, "i", -3, "s", "hi"));

    private static FlowerDuties duties(ScriptedClient client) {
        return duties(client, TensorNames.byPlace(), FlowerClient.DEFAULT_MAX_MESSAGE_BYTES);
    }

    private static FlowerDuties duties(ScriptedClient client, TensorNames names, long maxMessageBytes) {
        return new FlowerDuties(new FlowerDuties.Site(
                client,
                "site",
                Config.of(Map.of("cores", 2)),
                names,
                7,
                "run",
                InMemoryClientStateStore.create(),
                maxMessageBytes));
    }

    private static ClientMessage answer(FlowerDuties duties, ServerMessage instruction) {
        return duties.answer(instruction.getMsgCase(), () -> instruction, () -> false)
                .message();
    }

    private static ServerMessage golden(String name) throws Exception {
        return ServerMessage.parseFrom(Golden.bytes(name));
    }

    private static ServerMessage fit(Model model, Map<String, Scalar> config) {
        return ServerMessage.newBuilder()
                .setFitIns(ServerMessage.FitIns.newBuilder()
                        .setParameters(FlowerTensors.write(model))
                        .putAllConfig(config))
                .build();
    }

    private static ServerMessage fit(Model model) {
        return fit(model, Map.of());
    }

    private static ServerMessage fitOfRound(long round) {
        return fit(
                MODEL,
                Map.of("server_round", Scalar.newBuilder().setSint64(round).build()));
    }

    private static ServerMessage evaluate(Map<String, Scalar> config) {
        return ServerMessage.newBuilder()
                .setEvaluateIns(ServerMessage.EvaluateIns.newBuilder()
                        .setParameters(FlowerTensors.write(MODEL))
                        .putAllConfig(config))
                .build();
    }

    private static String refusal(ClientMessage answer) {
        Status status = answer.getFitRes().getStatus();
        assertThat(status.getCode()).isEqualTo(Code.FIT_NOT_IMPLEMENTED);
        assertThat(answer.getFitRes().hasParameters()).isFalse();
        assertThat(answer.getFitRes().getMetricsMap()).isEmpty();
        return status.getMessage();
    }

    private static ScriptedClient withInitialModel(ScriptedClient client, Model model) {
        return client.on(TaskKind.INITIAL_MODEL, (task, context) -> ClientUpdate.ofModel(model, 3));
    }

    // ---- the bytes of Flower's own clients

    @Test
    void answersFitByteForByteAsFlowersClients() throws Exception {
        ScriptedClient client = ScriptedClient.create().on(TaskKind.FIT, (task, context) -> {
            ClientUpdate update = ClientUpdate.ofModel(task.model(), 17);
            for (Map.Entry<String, Object> value : SCALARS.asMap().entrySet()) {
                update = update.withValue(value.getKey(), value.getValue());
            }
            return update;
        });
        assertThat(answer(duties(client), golden("sm_fit_ins")).toByteArray()).isEqualTo(Golden.bytes("cm_fit_res"));
        Task task = client.tasks(TaskKind.FIT).get(0);
        assertThat(task.config()).isEqualTo(SCALARS);
        assertThat(task.clientId()).isEqualTo("site");
        assertThat(task.runId()).isEqualTo("run");
    }

    @Test
    void answersEvaluateByteForByteAsFlowersClients() throws Exception {
        ScriptedClient client = ScriptedClient.create().on(TaskKind.EVALUATE, (task, context) -> {
            ClientUpdate update = ClientUpdate.ofMetrics(Metrics.of("loss", 0.25), 17);
            for (Map.Entry<String, Object> value : SCALARS.asMap().entrySet()) {
                update = update.withValue(value.getKey(), value.getValue());
            }
            return update;
        });
        assertThat(answer(duties(client), golden("sm_evaluate_ins")).toByteArray())
                .isEqualTo(Golden.bytes("cm_evaluate_res"));
    }

    @Test
    void answersGetParametersByteForByteAsFlowersClients() throws Exception {
        ScriptedClient client = withInitialModel(ScriptedClient.create(), MODEL);
        assertThat(answer(duties(client), golden("sm_get_parameters_ins")).toByteArray())
                .isEqualTo(Golden.bytes("cm_get_parameters_res"));
    }

    @Test
    void saysWhatIsNotImplementedByteForByteAsFlowersClients() throws Exception {
        assertThat(answer(duties(ScriptedClient.create()), golden("sm_fit_ins")).toByteArray())
                .isEqualTo(Golden.bytes("cm_fit_not_impl"));
    }

    @Test
    void writesWholeNumbersAsSint64AndNeverAsUint64() {
        ScriptedClient client = ScriptedClient.create()
                .on(
                        TaskKind.FIT,
                        (task, context) -> ClientUpdate.ofModel(task.model(), 1).withValue("steps", Long.MAX_VALUE));
        Scalar steps = answer(duties(client), fit(MODEL)).getFitRes().getMetricsOrThrow("steps");
        assertThat(steps.getScalarCase()).isEqualTo(Scalar.ScalarCase.SINT64);
        assertThat(steps.getSint64()).isEqualTo(Long.MAX_VALUE);
    }

    // ---- properties

    @Test
    void tellsItsIdAndItsSettings() throws Exception {
        ClientMessage.GetPropertiesRes answer = answer(duties(ScriptedClient.create()), golden("sm_get_properties_ins"))
                .getGetPropertiesRes();
        assertThat(answer.getStatus().getCode()).isEqualTo(Code.OK);
        assertThat(FlowerScalars.readConfig("properties", answer.getPropertiesMap()))
                .isEqualTo(Config.of(Map.of("client_id", "site", "cores", 2)));
    }

    @Test
    void tellsWhatTheClientSaysOfItself() throws Exception {
        ScriptedClient client = ScriptedClient.create()
                .on(
                        TaskKind.PROPERTIES,
                        (task, context) -> ClientUpdate.ofValues(Config.of(Map.of(
                                "client_id",
                                "another",
                                "asked",
                                task.config().getString("s").orElseThrow()))));
        assertThat(FlowerScalars.readConfig(
                        "properties",
                        answer(duties(client), golden("sm_get_properties_ins"))
                                .getGetPropertiesRes()
                                .getPropertiesMap()))
                .isEqualTo(Config.of(Map.of("client_id", "site", "cores", 2, "asked", "hi")));
    }

    // ---- refusals

    @Test
    void refusesEveryInstructionWithItsOwnCode() throws Exception {
        ScriptedClient client = ScriptedClient.create().on(TaskKind.PROPERTIES, (task, context) -> {
            throw new IllegalStateException();
        });
        FlowerDuties duties = duties(client);
        assertThat(answer(duties, golden("sm_get_properties_ins"))
                        .getGetPropertiesRes()
                        .getStatus()
                        .getCode())
                .isEqualTo(Code.GET_PROPERTIES_NOT_IMPLEMENTED);
        assertThat(answer(duties, golden("sm_get_parameters_ins"))
                        .getGetParametersRes()
                        .getStatus()
                        .getCode())
                .isEqualTo(Code.GET_PARAMETERS_NOT_IMPLEMENTED);
        assertThat(answer(duties, golden("sm_evaluate_ins"))
                        .getEvaluateRes()
                        .getStatus()
                        .getCode())
                .isEqualTo(Code.EVALUATE_NOT_IMPLEMENTED);
    }

    @Test
    void saysThatItFailedWithoutSayingOnWhat() {
        ScriptedClient client = ScriptedClient.create().on(TaskKind.FIT, (task, context) -> {
            throw new NumberFormatException("For input string: \"age 47\"");
        });
        assertThat(refusal(answer(duties(client), fit(MODEL))))
                .contains("NumberFormatException")
                .doesNotContain("47");
    }

    @Test
    void refusesSumsOverSeveralClients() {
        ScriptedClient client = ScriptedClient.create()
                .on(TaskKind.FIT, (task, context) -> ClientUpdate.of(UpdateForm.WEIGHTED_SUM, task.model(), 5));
        assertThat(refusal(answer(duties(client), fit(MODEL)))).contains("sum over several clients");
    }

    @Test
    void refusesTensorsBesideTheModel() {
        ScriptedClient client = ScriptedClient.create()
                .on(
                        TaskKind.FIT,
                        (task, context) -> ClientUpdate.ofModel(task.model(), 5).withTensors("control", task.model()));
        assertThat(refusal(answer(duties(client), fit(MODEL)))).contains("tensors beside the model, [control]");
    }

    @Test
    void refusesModelsThatHaveDiverged() {
        ScriptedClient client = ScriptedClient.create().on(TaskKind.FIT, (task, context) -> {
            Model diverged = Model.of(
                    task.model().spec(),
                    List.of(
                            Tensor.copyOf(new float[] {0, 1, Float.NaN, 3, 4, 5}, 2, 3),
                            task.model().tensors().get(1)));
            return ClientUpdate.ofModel(diverged, 5);
        });
        assertThat(refusal(answer(duties(client), fit(MODEL))))
                .contains("tensor-000")
                .contains("NaN at index 2");
    }

    @Test
    void refusesAnswersThatRestOnNoExample() {
        assertThat(refusal(answer(duties(ScriptedClient.echo(0)), fit(MODEL)))).contains("must be >= 1, was 0");
        ScriptedClient client = ScriptedClient.create()
                .on(TaskKind.EVALUATE, (task, context) -> ClientUpdate.ofMetrics(Metrics.of("loss", 1), 0));
        assertThat(answer(duties(client), evaluate(Map.of())).getEvaluateRes().getStatus())
                .isEqualTo(Status.newBuilder()
                        .setCode(Code.EVALUATE_NOT_IMPLEMENTED)
                        .setMessage("failed: the evaluation rests on no example")
                        .build());
    }

    @Test
    void refusesEvaluationsWithoutALossThatTheWireCanCarry() {
        for (Metrics metrics : List.of(Metrics.of("accuracy", 0.9), Metrics.of("loss", 1e100))) {
            ScriptedClient client = ScriptedClient.create()
                    .on(TaskKind.EVALUATE, (task, context) -> ClientUpdate.ofMetrics(metrics, 5));
            assertThat(answer(duties(client), evaluate(Map.of()))
                            .getEvaluateRes()
                            .getStatus()
                            .getMessage())
                    .isEqualTo("failed: the evaluation has no finite metric 'loss'");
        }
    }

    @Test
    void refusesSettingsWithoutAValueByName() {
        assertThat(refusal(
                        answer(duties(ScriptedClient.echo(1)), fit(MODEL, Map.of("lr", Scalar.getDefaultInstance())))))
                .isEqualTo("failed: config: 'lr' has no value");
    }

    @ParameterizedTest
    @ValueSource(doubles = {Double.NaN, Double.POSITIVE_INFINITY})
    void refusesSettingsThatAreNotFiniteByName(double value) {
        assertThat(refusal(answer(
                        duties(ScriptedClient.echo(1)),
                        fit(
                                MODEL,
                                Map.of(
                                        "lr",
                                        Scalar.newBuilder().setDouble(value).build())))))
                .contains("'lr' must be finite");
    }

    @Test
    void refusesTensorsThatAreNoArrays() {
        ServerMessage instruction = ServerMessage.newBuilder()
                .setFitIns(ServerMessage.FitIns.newBuilder()
                        .setParameters(Parameters.newBuilder().addTensors(ByteString.copyFromUtf8("pickle"))))
                .build();
        assertThat(refusal(answer(duties(ScriptedClient.echo(1)), instruction))).startsWith("failed: tensors[0]: ");
    }

    @Test
    void refusesToSendMoreThanAMessageMayHave() {
        FlowerDuties duties = duties(ScriptedClient.echo(1), TensorNames.byPlace(), 1000);
        assertThat(refusal(answer(duties, fit(MODEL)))).contains("maxMessageBytes");
    }

    // ---- losses and deltas

    @Test
    void sendsTheLossIn32BitsAndOnlyOnce() {
        ScriptedClient client = ScriptedClient.create()
                .on(
                        TaskKind.EVALUATE,
                        (task, context) ->
                                ClientUpdate.ofMetrics(Metrics.of("loss", 0.1).with("accuracy", 0.1), 5));
        ClientMessage.EvaluateRes answer =
                answer(duties(client), evaluate(Map.of())).getEvaluateRes();
        assertThat((double) answer.getLoss()).isEqualTo(0.10000000149011612);
        assertThat(answer.getMetricsMap()).containsOnlyKeys("accuracy");
        assertThat(answer.getMetricsOrThrow("accuracy").getDouble()).isEqualTo(0.1);
    }

    @Test
    void addsModelDeltasToTheModelThatCame() throws Exception {
        Model counted = Model.builder()
                .trainable("w", Tensor.copyOf(new float[] {1, 2}))
                .counter("n", Tensor.scalar(10L))
                .build();
        Model delta = Model.of(counted.spec(), List.of(Tensor.copyOf(new float[] {0.5f, -0.25f}), Tensor.scalar(3L)));
        ScriptedClient client = withInitialModel(ScriptedClient.create(), counted)
                .on(TaskKind.FIT, (task, context) -> ClientUpdate.ofModelDelta(delta, 5));
        assertThat(FlowerTensors.read(
                        answer(duties(client), fit(counted)).getFitRes().getParameters()))
                .containsExactly(Tensor.copyOf(new float[] {1.5f, 1.75f}), Tensor.scalar(13L));
    }

    // ---- names

    @Test
    void namesTensorsAsTheClientsOwnModelDoes() throws Exception {
        Model own = Model.builder()
                .trainable("conv.weight", Tensor.copyOf(new float[] {0, 0}))
                .buffer("norm.mean", Tensor.copyOf(new float[] {0}))
                .counter("norm.batches", Tensor.scalar(0L))
                .build();
        ScriptedClient client = withInitialModel(ScriptedClient.echo(4), own);
        FlowerDuties duties = duties(client);
        // As NumPy leaves them after averaging: counters are float64.
        Model sent = Model.builder()
                .trainable("0", Tensor.copyOf(new float[] {1, 2}))
                .trainable("1", Tensor.copyOf(new float[] {3}))
                .trainable("2", Tensor.scalar(16.5))
                .build();
        ClientMessage answer = answer(duties, fit(sent));
        answer(duties, fit(sent));

        Model received = client.tasks(TaskKind.FIT).get(0).model();
        assertThat(received.spec()).isEqualTo(own.spec());
        assertThat(received.tensor("norm.batches")).isEqualTo(Tensor.scalar(16L));
        assertThat(received.spec().tensors().get(1).role()).isEqualTo(TensorRole.BUFFER);
        assertThat(FlowerTensors.read(answer.getFitRes().getParameters()).get(2).type())
                .isEqualTo(TensorType.INT64);
        assertThat(client.tasks(TaskKind.INITIAL_MODEL)).hasSize(1);
    }

    @Test
    void prefersTheNamesThatItWasGiven() {
        ScriptedClient client = withInitialModel(ScriptedClient.echo(4), MODEL);
        TensorNames names = TensorNames.of(List.of(TensorNames.Entry.of("given"), TensorNames.Entry.of("too")));
        answer(duties(client, names, 1 << 20), fit(MODEL));
        assertThat(client.tasks(TaskKind.FIT).get(0).model().find("given")).isPresent();
        assertThat(client.tasks(TaskKind.INITIAL_MODEL)).isEmpty();
    }

    @Test
    void namesTensorsByPlaceForAClientWithoutAModelOfItsOwn() {
        ScriptedClient client = ScriptedClient.echo(4);
        answer(duties(client), fit(MODEL));
        assertThat(client.tasks(TaskKind.FIT).get(0).model().find("tensor-001")).isPresent();
    }

    @Test
    void refusesModelsThatAreNotTheClients() {
        Model other =
                Model.builder().trainable("w", Tensor.copyOf(new float[] {1})).build();
        ScriptedClient client = withInitialModel(ScriptedClient.echo(4), MODEL);
        assertThat(refusal(answer(duties(client), fit(other)))).isEqualTo("failed: the model has 2 tensors, got 1");
        assertThat(client.tasks(TaskKind.FIT)).isEmpty();
    }

    // ---- rounds, seeds, state

    @Test
    void takesTheRoundFromTheServersSetting() {
        ScriptedClient client = ScriptedClient.echo(1)
                .on(TaskKind.EVALUATE, (task, context) -> ClientUpdate.ofMetrics(Metrics.of("loss", 1), 1));
        FlowerDuties duties = duties(client);
        answer(duties, fitOfRound(5));
        answer(duties, evaluate(Map.of()));
        assertThat(client.tasks(TaskKind.FIT).get(0).round()).isEqualTo(5);
        assertThat(client.tasks(TaskKind.EVALUATE).get(0).round()).isEqualTo(5);
        assertThat(client.tasks(TaskKind.FIT).get(0).config().getLong("server_round"))
                .contains(5L);
    }

    @Test
    void countsRoundsWhereTheServerDoesNotSay() {
        ScriptedClient client = ScriptedClient.echo(1);
        FlowerDuties duties = duties(client);
        answer(duties, fit(MODEL));
        answer(
                duties,
                fit(
                        MODEL,
                        Map.of("server_round", Scalar.newBuilder().setSint64(-1).build())));
        assertThat(client.tasks(TaskKind.FIT)).extracting(Task::round).containsExactly(1, 2);
    }

    @Test
    void seedsDifferBetweenRoundsAndNotBetweenRuns() {
        ScriptedClient client = ScriptedClient.echo(1);
        FlowerDuties duties = duties(client);
        answer(duties, fitOfRound(1));
        answer(duties, fitOfRound(2));
        answer(duties(client), fitOfRound(1));
        List<Task> tasks = client.tasks(TaskKind.FIT);
        assertThat(tasks.get(0).seed())
                .isNotEqualTo(tasks.get(1).seed())
                .isEqualTo(tasks.get(2).seed());
    }

    @Test
    void readsTheProximalTermOfFlowersFedProx() {
        ScriptedClient client = ScriptedClient.echo(1);
        answer(
                duties(client),
                fit(
                        MODEL,
                        Map.of("proximal_mu", Scalar.newBuilder().setDouble(0.5).build())));
        assertThat(client.tasks(TaskKind.FIT).get(0).config().getDouble("mu")).contains(0.5);
    }

    @Test
    void keepsStateFromWhenItsAnswerWasSent() {
        List<Boolean> found = new ArrayList<>();
        ScriptedClient client = ScriptedClient.create().on(TaskKind.FIT, (task, context) -> {
            found.add(context.state().load("own").isPresent());
            context.state().save("own", task.model());
            return ClientUpdate.ofModel(task.model(), 1);
        });
        FlowerDuties duties = duties(client);
        FlowerDuties.Answer first = duties.answer(ServerMessage.MsgCase.FIT_INS, () -> fitOfRound(1), () -> false);
        assertThat(first.round()).isEqualTo(OptionalInt.of(1));
        // The connection broke, and the server asks again.
        FlowerDuties.Answer second = duties.answer(ServerMessage.MsgCase.FIT_INS, () -> fitOfRound(1), () -> false);
        duties.sent(second);
        answer(duties, fitOfRound(2));
        // Another run begins.
        answer(duties, fitOfRound(1));
        assertThat(found).containsExactly(false, false, true, false);
    }
}
