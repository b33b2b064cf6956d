package io.fedlearn.grpc.flower;

import io.fedlearn.core.FedLearnException;
import io.fedlearn.core.client.Client;
import io.fedlearn.core.client.ClientStateStore;
import io.fedlearn.core.random.SeededRandom;
import io.fedlearn.core.runtime.TaskRunner;
import io.fedlearn.core.task.ClientOutcome;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.task.Config;
import io.fedlearn.core.task.Task;
import io.fedlearn.core.task.TaskKind;
import io.fedlearn.core.task.UpdateForm;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.tensor.TensorSpec;
import io.fedlearn.core.training.Evaluation;
import io.fedlearn.core.training.TrainingSettings;
import io.fedlearn.core.update.UpdateCheck;
import io.fedlearn.grpc.proto.flower.ClientMessage;
import io.fedlearn.grpc.proto.flower.Code;
import io.fedlearn.grpc.proto.flower.Parameters;
import io.fedlearn.grpc.proto.flower.Scalar;
import io.fedlearn.grpc.proto.flower.ServerMessage;
import io.fedlearn.grpc.proto.flower.Status;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;

/**
 * What a Flower server asks, done by a FedLearn client. Each instruction gets its one answer, whatever happens: what cannot be done
 * is answered with a status that says why. Confined to one thread at a time.
 *
 * <p><b>Rounds.</b> An instruction belongs to the round that its setting {@value #SERVER_ROUND} says; without one, the instructions
 * to train are counted. <b>State.</b> A Flower server never says whether an answer entered its model, so what a client saved counts
 * from when its answer was sent. A round that is not above the last one starts a new run, without state.
 */
final class FlowerDuties {
    /** The setting in which Flower's strategies say the round: {@value}. */
    static final String SERVER_ROUND = "server_round";

    /** What Flower's FedProx calls {@link TrainingSettings#MU}: {@value}. */
    static final String PROXIMAL_MU = "proximal_mu";

    /** The property that says the client's id: {@value}. */
    static final String CLIENT_ID = "client_id";

    /** What Flower's own clients say with a status that is well. */
    static final String SUCCESS = "Success";

    private static final System.Logger LOG = System.getLogger(FlowerDuties.class.getName());
    private static final UpdateCheck CHECK = new UpdateCheck(Long.MAX_VALUE, UpdateCheck.DEFAULT_MAX_EXAMPLE_COUNT);

    /** More than a tensor's .npy header and field take. */
    private static final int TENSOR_OVERHEAD = 1024;

    /**
     * Who works.
     *
     * @param names of the server's tensors; where none are given, those of the client's initial model
     */
    record Site(
            Client client,
            String id,
            Config properties,
            TensorNames names,
            long seed,
            String runId,
            ClientStateStore states,
            long maxMessageBytes) {}

    /**
     * An answer, ready to be sent.
     *
     * @param outcome a word for metrics
     * @param round of local training, if that is what it answers
     */
    record Answer(ClientMessage message, String outcome, OptionalInt round) {}

    private final Site site;
    private final TaskRunner runner;
    private Optional<TensorNames> names;
    private int round;
    private OptionalInt sentRound = OptionalInt.empty();

    FlowerDuties(Site site) {
        this.site = site;
        this.runner = TaskRunner.of(site.states());
        this.names = site.names().isGiven() ? Optional.of(site.names()) : Optional.empty();
    }

    /** The answer has been sent: what the client saved for its round is its state now. */
    void sent(Answer answer) {
        answer.round().ifPresent(number -> sentRound = OptionalInt.of(number));
    }

    /**
     * Does what is asked.
     *
     * @param asked which of the instructions that have an answer of their own
     * @param instruction gives it once, so that nothing keeps the message while the client works
     */
    Answer answer(ServerMessage.MsgCase asked, Supplier<ServerMessage> instruction, BooleanSupplier cancelled) {
        try {
            return switch (asked) {
                case GET_PROPERTIES_INS ->
                    properties(instruction.get().getGetPropertiesIns().getConfigMap(), cancelled);
                case GET_PARAMETERS_INS ->
                    parameters(instruction.get().getGetParametersIns().getConfigMap(), cancelled);
                case FIT_INS -> fit(fitTask(instruction.get().getFitIns(), cancelled), cancelled);
                case EVALUATE_INS -> evaluate(evaluateTask(instruction.get().getEvaluateIns(), cancelled), cancelled);
                case RECONNECT_INS, MSG_NOT_SET -> throw new IllegalArgumentException(asked + " is no work");
            };
        } catch (Refusal e) {
            return refusal(asked, e.outcome);
        } catch (FlowerException | FedLearnException e) {
            return refusal(asked, new ClientOutcome.Rejected(String.valueOf(e.getMessage())));
        } catch (RuntimeException | OutOfMemoryError e) {
            // A model that this machine has no room for costs its server one answer, and the site nothing.
            return refusal(asked, ClientOutcome.Failed.of(e));
        }
    }

    private Answer refusal(ServerMessage.MsgCase asked, ClientOutcome outcome) {
        LOG.log(
                System.Logger.Level.INFO,
                () -> "client " + site.id() + " answers " + asked + " of round " + round + " without a result: "
                        + outcome.word() + ", " + outcome.reason());
        // A server of this library tells by it who cannot from who will not; a person who reads it, too.
        String reason =
                outcome instanceof ClientOutcome.Declined ? outcome.reason() : FlowerTasks.FAILED + outcome.reason();
        return new Answer(refuse(asked, reason), outcome.word(), OptionalInt.empty());
    }

    /** An answer that holds nothing but why. The protocol's only codes for that say "not implemented". */
    static ClientMessage refuse(ServerMessage.MsgCase asked, String reason) {
        ClientMessage.Builder message = ClientMessage.newBuilder();
        Status.Builder status = Status.newBuilder().setMessage(reason);
        return switch (asked) {
            case GET_PROPERTIES_INS ->
                message.setGetPropertiesRes(ClientMessage.GetPropertiesRes.newBuilder()
                                .setStatus(status.setCode(Code.GET_PROPERTIES_NOT_IMPLEMENTED)))
                        .build();
            case GET_PARAMETERS_INS ->
                message.setGetParametersRes(ClientMessage.GetParametersRes.newBuilder()
                                .setStatus(status.setCode(Code.GET_PARAMETERS_NOT_IMPLEMENTED)))
                        .build();
            case FIT_INS ->
                message.setFitRes(ClientMessage.FitRes.newBuilder().setStatus(status.setCode(Code.FIT_NOT_IMPLEMENTED)))
                        .build();
            case EVALUATE_INS ->
                message.setEvaluateRes(ClientMessage.EvaluateRes.newBuilder()
                                .setStatus(status.setCode(Code.EVALUATE_NOT_IMPLEMENTED)))
                        .build();
            case RECONNECT_INS, MSG_NOT_SET -> throw new IllegalArgumentException(asked + " has no status");
        };
    }

    private Answer properties(Map<String, Scalar> config, BooleanSupplier cancelled) throws FlowerException, Refusal {
        Task task = task(TaskKind.PROPERTIES, FlowerScalars.readConfig("config", config))
                .build();
        ClientOutcome outcome = run(task, cancelled);
        Config own;
        if (outcome instanceof ClientOutcome.Completed completed) {
            own = completed.update().values();
        } else if (outcome instanceof ClientOutcome.Declined) {
            // Most clients say nothing of themselves; the site's settings do.
            own = Config.empty();
        } else {
            throw new Refusal(outcome);
        }
        Config all = own.with(site.properties()).with(CLIENT_ID, site.id());
        return completed(ClientMessage.newBuilder()
                .setGetPropertiesRes(ClientMessage.GetPropertiesRes.newBuilder()
                        .setStatus(success())
                        .putAllProperties(FlowerScalars.write(all)))
                .build());
    }

    private Answer parameters(Map<String, Scalar> config, BooleanSupplier cancelled) throws FlowerException, Refusal {
        ClientUpdate update = require(run(initialModelTask(FlowerScalars.readConfig("config", config)), cancelled));
        Model model = modelOf(update);
        keepNames(model);
        return completed(ClientMessage.newBuilder()
                .setGetParametersRes(ClientMessage.GetParametersRes.newBuilder()
                        .setStatus(success())
                        .setParameters(write(model)))
                .build());
    }

    private static Model modelOf(ClientUpdate update) throws FlowerException {
        if (update.form() != UpdateForm.MODEL || update.model().isEmpty()) {
            throw new FlowerException("the client gave no model to start from");
        }
        return update.model().get();
    }

    private Task fitTask(ServerMessage.FitIns instruction, BooleanSupplier cancelled) throws FlowerException {
        Config config = FlowerScalars.readConfig("config", instruction.getConfigMap());
        countRound(config, round + 1);
        if (sentRound.isPresent() && round <= sentRound.getAsInt()) {
            sentRound = OptionalInt.empty();
        }
        return task(TaskKind.FIT, proximal(config))
                .model(model(instruction.getParameters(), cancelled))
                .build();
    }

    /** Flower's FedProx calls the weight of the proximal term by another name. */
    private static Config proximal(Config config) {
        boolean isGiven = config.asMap().containsKey(TrainingSettings.MU);
        return !isGiven && config.asMap().get(PROXIMAL_MU) instanceof Number mu
                ? config.with(TrainingSettings.MU, mu.doubleValue())
                : config;
    }

    private Task evaluateTask(ServerMessage.EvaluateIns instruction, BooleanSupplier cancelled) throws FlowerException {
        Config config = FlowerScalars.readConfig("config", instruction.getConfigMap());
        countRound(config, round);
        return task(TaskKind.EVALUATE, config)
                .exchange(1)
                .model(model(instruction.getParameters(), cancelled))
                .build();
    }

    private void countRound(Config config, int counted) {
        round = config.asMap().get(SERVER_ROUND) instanceof Long said && said >= 0 && said <= Integer.MAX_VALUE
                ? said.intValue()
                : Math.max(0, counted);
    }

    private Answer fit(Task task, BooleanSupplier cancelled) throws FlowerException, Refusal {
        ClientUpdate update = require(run(task, cancelled));
        Model model = trained(update, task.model());
        return new Answer(
                ClientMessage.newBuilder()
                        .setFitRes(ClientMessage.FitRes.newBuilder()
                                .setStatus(success())
                                .setParameters(write(model))
                                .setNumExamples(update.exampleCount())
                                .putAllMetrics(FlowerScalars.write(update.values()))
                                .putAllMetrics(FlowerScalars.write(update.metrics())))
                        .build(),
                "completed",
                OptionalInt.of(task.round()));
    }

    /** The model after local training, if the update holds nothing that the protocol cannot carry. */
    private static Model trained(ClientUpdate update, Model global) throws FlowerException {
        if (update.form() == UpdateForm.WEIGHTED_SUM) {
            throw new FlowerException("the answer is a sum over several clients, which Flower's protocol cannot carry");
        }
        if (!update.tensors().isEmpty()) {
            throw new FlowerException("the answer has tensors beside the model, "
                    + update.tensors().keySet() + ", which Flower's protocol cannot carry");
        }
        CHECK.checkSizes(update);
        CHECK.checkModel(update, global.spec());
        Model model = update.model().orElseThrow();
        return update.form() == UpdateForm.MODEL ? model : sum(global, model);
    }

    private static Model sum(Model global, Model modelDelta) throws FlowerException {
        List<Tensor> tensors = new ArrayList<>();
        double[] start = new double[Tensor.BlockFunction.MAX_COUNT];
        for (int t = 0; t < global.tensors().size(); t++) {
            Tensor from = global.tensors().get(t);
            Tensor delta = modelDelta.tensors().get(t);
            TensorSpec spec = global.spec().tensors().get(t);
            try {
                tensors.add(Tensor.computed(spec.type(), spec.shape(), (at, block, count) -> {
                    delta.copyTo(at, block, 0, count);
                    from.copyTo(at, start, 0, count);
                    for (int i = 0; i < count; i++) {
                        block[i] += start[i];
                    }
                }));
            } catch (IllegalArgumentException e) {
                throw new FlowerException(
                        "tensor '" + spec.name() + "': model and delta add up to more than " + spec.type() + " holds",
                        e);
            }
        }
        return Model.of(global.spec(), tensors);
    }

    private Answer evaluate(Task task, BooleanSupplier cancelled) throws FlowerException, Refusal {
        ClientUpdate update = require(run(task, cancelled));
        CHECK.checkSizes(update);
        if (update.exampleCount() < 1) {
            throw new FlowerException("the evaluation rests on no example");
        }
        OptionalDouble loss = update.metrics().get(Evaluation.LOSS);
        // What is too large for the wire's 32 bits would be infinite there, and so would everyone's mean.
        if (loss.isEmpty() || !Float.isFinite((float) loss.getAsDouble())) {
            throw new FlowerException("the evaluation has no finite metric '" + Evaluation.LOSS + "'");
        }
        ClientMessage.EvaluateRes.Builder result = ClientMessage.EvaluateRes.newBuilder()
                .setStatus(success())
                .setLoss((float) loss.getAsDouble())
                .setNumExamples(update.exampleCount())
                .putAllMetrics(FlowerScalars.write(update.values()))
                .putAllMetrics(FlowerScalars.write(update.metrics()))
                .removeMetrics(Evaluation.LOSS);
        return completed(ClientMessage.newBuilder().setEvaluateRes(result).build());
    }

    private static Answer completed(ClientMessage message) {
        return new Answer(message, "completed", OptionalInt.empty());
    }

    private static Status success() {
        return Status.newBuilder().setCode(Code.OK).setMessage(SUCCESS).build();
    }

    private Parameters write(Model model) throws FlowerException {
        long bytes =
                model.byteCount() + (long) TENSOR_OVERHEAD * model.tensors().size();
        if (bytes > site.maxMessageBytes()) {
            throw new FlowerException("the model takes about " + bytes + " bytes, a message may have "
                    + site.maxMessageBytes() + " (maxMessageBytes)");
        }
        return FlowerTensors.write(model);
    }

    private Model model(Parameters parameters, BooleanSupplier cancelled) throws FlowerException {
        return names(cancelled).name(FlowerTensors.read(parameters));
    }

    /** Those that were given; else those of the client's initial model, which does not leave the site for that; else by place. */
    private TensorNames names(BooleanSupplier cancelled) {
        if (names.isPresent()) {
            return names.get();
        }
        ClientOutcome outcome = run(initialModelTask(Config.empty()), cancelled);
        if (outcome instanceof ClientOutcome.Completed completed
                && completed.update().model().isPresent()) {
            keepNames(completed.update().model().get());
        } else if (!cancelled.getAsBoolean()) {
            LOG.log(
                    System.Logger.Level.INFO,
                    () -> "client " + site.id() + " has no initial model (" + outcome.word() + ", " + outcome.reason()
                            + "): the server's tensors are named by their places");
            names = Optional.of(site.names());
        }
        return names.orElse(site.names());
    }

    private void keepNames(Model initial) {
        if (!site.names().isGiven() && initial.spec().size() > 0) {
            names = Optional.of(TensorNames.of(initial.spec()));
        }
    }

    private Task initialModelTask(Config config) {
        return Task.builder(TaskKind.INITIAL_MODEL, site.id())
                .runId(site.runId())
                .seed(SeededRandom.derive(SeededRandom.derive(site.seed(), 0), site.id()))
                .config(config)
                .build();
    }

    private Task.Builder task(TaskKind kind, Config config) {
        Task.Builder task = Task.builder(kind, site.id())
                .runId(site.runId())
                .round(round)
                .seed(SeededRandom.derive(SeededRandom.derive(site.seed(), round), site.id()))
                .config(config);
        sentRound.ifPresent(number -> task.lastAcceptedRound(number).keepStateSince(number));
        return task;
    }

    private ClientOutcome run(Task task, BooleanSupplier cancelled) {
        return runner.run(
                site.client(),
                task,
                (done, total) ->
                        LOG.log(System.Logger.Level.TRACE, () -> "task " + task.id() + " at " + done + " of " + total),
                cancelled);
    }

    private static ClientUpdate require(ClientOutcome outcome) throws Refusal {
        if (outcome instanceof ClientOutcome.Completed completed) {
            return completed.update();
        }
        throw new Refusal(outcome);
    }

    /** The client did not do it. */
    private static final class Refusal extends Exception {
        private static final long serialVersionUID = 1L;

        private final transient ClientOutcome outcome;

        Refusal(ClientOutcome outcome) {
            super(outcome.reason());
            this.outcome = outcome;
        }
    }
}
