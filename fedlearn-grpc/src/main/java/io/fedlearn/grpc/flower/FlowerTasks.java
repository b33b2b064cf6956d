package io.fedlearn.grpc.flower;

import io.fedlearn.core.client.TaskDeclinedException;
import io.fedlearn.core.metric.Metrics;
import io.fedlearn.core.task.ClientOutcome;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.task.Config;
import io.fedlearn.core.task.Task;
import io.fedlearn.core.task.TaskKind;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.ModelSpec;
import io.fedlearn.core.training.Evaluation;
import io.fedlearn.core.training.TrainingSettings;
import io.fedlearn.formats.FormatException;
import io.fedlearn.grpc.proto.flower.ClientMessage;
import io.fedlearn.grpc.proto.flower.ClientMessage.MsgCase;
import io.fedlearn.grpc.proto.flower.Code;
import io.fedlearn.grpc.proto.flower.Scalar;
import io.fedlearn.grpc.proto.flower.ServerMessage;
import io.fedlearn.grpc.proto.flower.Status;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/** Tasks as a Flower server's instructions, and a Flower client's answers as outcomes. */
final class FlowerTasks {
    /** What a status begins with whose sender has failed, rather than declined: the protocol has no code for that. */
    static final String FAILED = "failed: ";

    private static final int MAX_INITIAL_TENSORS = 100_000;

    private final TensorNames names;

    FlowerTasks(TensorNames names) {
        this.names = names;
    }

    // ---- instructions

    /**
     * What a task asks in Flower's words.
     *
     * @throws TaskDeclinedException if Flower's protocol has none for it
     * @throws IllegalArgumentException if NumPy has no type for a tensor of the model
     */
    static Instruction instruction(Task task) {
        if (!task.tensors().isEmpty()) {
            throw new TaskDeclinedException("Flower's protocol carries no tensors beside the model: "
                    + String.join(", ", task.tensors().keySet()));
        }
        if (!task.transforms().isEmpty()) {
            throw new TaskDeclinedException("Flower's clients know no update transform: "
                    + task.transforms().get(0).name());
        }
        Config config = config(task);
        if (task.kind().equals(TaskKind.FIT)) {
            return Instruction.fit(task.model(), config);
        }
        if (task.kind().equals(TaskKind.EVALUATE)) {
            return Instruction.evaluate(task.model(), config);
        }
        if (task.kind().equals(TaskKind.INITIAL_MODEL)) {
            // Without settings, as Flower's own server asks.
            return Instruction.of(ServerMessage.newBuilder()
                    .setGetParametersIns(ServerMessage.GetParametersIns.getDefaultInstance())
                    .build());
        }
        if (task.kind().equals(TaskKind.PROPERTIES)) {
            return properties(task.config());
        }
        throw new TaskDeclinedException("Flower's protocol has no '" + task.kind() + "' tasks");
    }

    /** Asks what the client says of itself. */
    static Instruction properties(Config config) {
        return Instruction.of(ServerMessage.newBuilder()
                .setGetPropertiesIns(
                        ServerMessage.GetPropertiesIns.newBuilder().putAllConfig(FlowerScalars.write(config)))
                .build());
    }

    private static Config config(Task task) {
        Config config = Config.empty().with(FlowerDuties.SERVER_ROUND, task.round());
        Object mu = task.config().asMap().get(TrainingSettings.MU);
        if (mu instanceof Number weight && weight.doubleValue() > 0) {
            config = config.with(FlowerDuties.PROXIMAL_MU, weight.doubleValue());
        }
        return config.with(task.config());
    }

    // ---- answers

    private static MsgCase due(Task task) {
        if (task.kind().equals(TaskKind.FIT)) {
            return MsgCase.FIT_RES;
        }
        if (task.kind().equals(TaskKind.EVALUATE)) {
            return MsgCase.EVALUATE_RES;
        }
        return task.kind().equals(TaskKind.INITIAL_MODEL) ? MsgCase.GET_PARAMETERS_RES : MsgCase.GET_PROPERTIES_RES;
    }

    /** Whether an answer is one to such a task at all, good or bad. */
    static boolean answers(Task task, ClientMessage message) {
        return message.getMsgCase() == due(task);
    }

    /** How many tensors of an answer to this task are looked at. */
    int maxTensors(Task task) {
        if (task.kind().equals(TaskKind.FIT)) {
            return task.model().spec().size();
        }
        return task.kind().equals(TaskKind.INITIAL_MODEL) ? names.size().orElse(MAX_INITIAL_TENSORS) : 0;
    }

    /** The tensors that an answer to this task must have, if that is known. */
    Optional<ModelSpec> spec(Task task) {
        if (task.kind().equals(TaskKind.FIT)) {
            return Optional.of(task.model().spec());
        }
        return task.kind().equals(TaskKind.INITIAL_MODEL) ? names.spec() : Optional.empty();
    }

    /** What an answer to this task amounts to. Whatever is in it, it becomes an outcome. */
    ClientOutcome outcome(Task task, ClientAnswer answer) {
        ClientMessage message = answer.message();
        if (!answers(task, message)) {
            return new ClientOutcome.Rejected("the answer must be " + name(due(task)) + ", was "
                    + (message.getMsgCase() == MsgCase.MSG_NOT_SET ? "empty" : name(message.getMsgCase())));
        }
        try {
            return switch (message.getMsgCase()) {
                case FIT_RES -> fit(task, message.getFitRes(), answer);
                case EVALUATE_RES -> evaluate(message.getEvaluateRes());
                case GET_PARAMETERS_RES -> parameters(message.getGetParametersRes(), answer);
                default -> properties(message.getGetPropertiesRes());
            };
        } catch (NotDone e) {
            return e.outcome;
        } catch (FlowerException | IllegalArgumentException e) {
            return new ClientOutcome.Rejected(String.valueOf(e.getMessage()));
        }
    }

    private static String name(MsgCase member) {
        return member.name().toLowerCase(Locale.ROOT);
    }

    private ClientOutcome fit(Task task, ClientMessage.FitRes result, ClientAnswer answer)
            throws FlowerException, NotDone {
        requireDone(result.getStatus());
        requireTensors(answer);
        if (answer.tensorCount() != task.model().spec().size()) {
            throw new FlowerException(
                    "the model has " + task.model().spec().size() + " tensors, the answer has " + answer.tensorCount());
        }
        requireCount(result.getNumExamples());
        Model model = FlowerTensors.conform(answer.tensors(), task.model().spec());
        return completed(ClientUpdate.ofModel(model, result.getNumExamples()), Metrics.none(), result.getMetricsMap());
    }

    private static ClientOutcome evaluate(ClientMessage.EvaluateRes result) throws FlowerException, NotDone {
        requireDone(result.getStatus());
        requireCount(result.getNumExamples());
        if (!Float.isFinite(result.getLoss())) {
            throw new FlowerException("the loss must be finite, was " + result.getLoss());
        }
        return completed(
                ClientUpdate.ofMetrics(Metrics.none(), result.getNumExamples()),
                Metrics.of(Evaluation.LOSS, result.getLoss()),
                result.getMetricsMap());
    }

    private ClientOutcome parameters(ClientMessage.GetParametersRes result, ClientAnswer answer)
            throws FlowerException, NotDone {
        requireDone(result.getStatus());
        requireTensors(answer);
        int named = names.size().orElse(answer.tensorCount());
        if (answer.tensorCount() != named) {
            throw new FlowerException(
                    "the mapping names " + named + " tensors, the answer has " + answer.tensorCount());
        }
        if (answer.tensorCount() > MAX_INITIAL_TENSORS) {
            throw new FlowerException("the answer has " + answer.tensorCount() + " tensors, at most "
                    + MAX_INITIAL_TENSORS + " are taken");
        }
        return new ClientOutcome.Completed(ClientUpdate.ofModel(names.name(answer.tensors()), 0));
    }

    private static ClientOutcome properties(ClientMessage.GetPropertiesRes result) throws FlowerException, NotDone {
        requireDone(result.getStatus());
        return new ClientOutcome.Completed(
                ClientUpdate.ofValues(FlowerScalars.readConfig("properties", result.getPropertiesMap())));
    }

    private static ClientOutcome completed(ClientUpdate update, Metrics measured, Map<String, Scalar> scalars)
            throws FlowerException {
        String field = "metrics";
        Metrics metrics = FlowerScalars.readMetrics(field, scalars).with(measured);
        ClientUpdate result = update.withMetrics(metrics);
        for (Map.Entry<String, Object> text :
                FlowerScalars.readTexts(field, scalars).asMap().entrySet()) {
            result = result.withValue(text.getKey(), text.getValue());
        }
        return new ClientOutcome.Completed(result);
    }

    private static void requireTensors(ClientAnswer answer) throws FlowerException, NotDone {
        if (answer.untaken().isPresent()) {
            throw new NotDone(new ClientOutcome.Failed("the server was not able to take the answer: "
                    + answer.untaken().get()));
        }
        if (answer.tensorCount() == 0) {
            throw new FlowerException("the answer holds no parameters");
        }
        if (answer.malformed().isPresent()) {
            throw new FlowerException(answer.malformed().get());
        }
    }

    private static void requireCount(long examples) throws FlowerException {
        if (examples < 1) {
            throw new FlowerException("num_examples must be >= 1, was " + examples);
        }
    }

    /** A status that was left out is well. */
    private static void requireDone(Status status) throws NotDone {
        if (status.getCode() == Code.OK) {
            return;
        }
        String message = status.getMessage();
        if (status.getCode() == Code.UNRECOGNIZED) {
            throw new NotDone(new ClientOutcome.Failed("status " + status.getCodeValue() + ": " + message));
        }
        if (message.startsWith(FAILED)) {
            throw new NotDone(new ClientOutcome.Failed(message.substring(FAILED.length())));
        }
        throw new NotDone(
                new ClientOutcome.Declined(message.isEmpty() ? status.getCode().name() : message));
    }

    /**
     * The client's id by one of its properties.
     *
     * @throws FlowerException if it does not say it, or it is none
     */
    static String id(String property, Config properties) throws FlowerException {
        Object value = properties.asMap().get(property);
        if (!(value instanceof String) && !(value instanceof Long)) {
            throw new FlowerException("the client must say its id, a text or whole number, as property "
                    + FormatException.quote(property) + (value == null ? "" : ", which was another type"));
        }
        return value.toString();
    }

    /** The client says that it has not done what it was asked. */
    private static final class NotDone extends Exception {
        private static final long serialVersionUID = 1L;

        private final transient ClientOutcome outcome;

        NotDone(ClientOutcome outcome) {
            super(outcome.reason());
            this.outcome = outcome;
        }
    }
}
