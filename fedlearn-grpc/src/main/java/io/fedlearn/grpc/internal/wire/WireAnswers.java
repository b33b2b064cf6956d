package io.fedlearn.grpc.internal.wire;

import com.google.protobuf.ByteString;
import io.fedlearn.core.task.ClientOutcome;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.update.UpdateCheck;
import io.fedlearn.grpc.proto.v1.Declined;
import io.fedlearn.grpc.proto.v1.Failed;
import io.fedlearn.grpc.proto.v1.Group;
import io.fedlearn.grpc.proto.v1.Payload;
import io.fedlearn.grpc.proto.v1.TaskAnswer;
import io.fedlearn.grpc.proto.v1.Update;
import io.fedlearn.grpc.proto.v1.UpdateForm;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Function;

/** Outcomes of tasks on the wire. */
public final class WireAnswers {
    private WireAnswers() {}

    /**
     * The answer with this outcome.
     *
     * @param payloads how a model is named, with or without its values
     */
    public static TaskAnswer write(
            String taskId, ByteString fingerprint, ClientOutcome outcome, Function<Model, Payload> payloads) {
        TaskAnswer.Builder answer = TaskAnswer.newBuilder().setTaskId(taskId).setFingerprint(fingerprint);
        if (outcome instanceof ClientOutcome.Completed completed) {
            answer.setUpdate(write(completed.update(), payloads));
        } else if (outcome instanceof ClientOutcome.Declined declined) {
            answer.setDeclined(Declined.newBuilder().setReason(declined.reason()));
        } else {
            answer.setFailed(Failed.newBuilder().setReason(outcome.reason()));
        }
        return answer.build();
    }

    private static Update write(ClientUpdate update, Function<Model, Payload> payloads) {
        Update.Builder message = Update.newBuilder()
                .setForm(
                        switch (update.form()) {
                            case MODEL -> UpdateForm.UPDATE_FORM_MODEL;
                            case MODEL_DELTA -> UpdateForm.UPDATE_FORM_MODEL_DELTA;
                            case WEIGHTED_SUM -> UpdateForm.UPDATE_FORM_WEIGHTED_SUM;
                        })
                .setExampleCount(update.exampleCount())
                .addAllMetrics(WireSettings.write(update.metrics()))
                .addAllValues(WireSettings.write(update.values()));
        update.model().map(payloads).ifPresent(message::setModel);
        for (Map.Entry<String, Model> group : update.tensors().entrySet()) {
            message.addTensors(Group.newBuilder().setName(group.getKey()).setPayload(payloads.apply(group.getValue())));
        }
        return message.build();
    }

    /** The payloads of an update, in the order in which their values travel: the model, then the groups. */
    public static List<Payload> payloads(Update update) {
        List<Payload> payloads = new ArrayList<>();
        if (update.hasModel()) {
            payloads.add(update.getModel());
        }
        update.getTensorsList().forEach(group -> payloads.add(group.getPayload()));
        return payloads;
    }

    /**
     * The update of an answer.
     *
     * @param models those of {@link #payloads}, in that order
     */
    public static ClientUpdate read(Update update, List<Model> models) throws WireException {
        WireSettings.requireCount("tensors", update.getTensorsCount(), UpdateCheck.MAX_GROUPS);
        io.fedlearn.core.task.UpdateForm form = switch (update.getForm()) {
            case UPDATE_FORM_MODEL -> io.fedlearn.core.task.UpdateForm.MODEL;
            case UPDATE_FORM_MODEL_DELTA -> io.fedlearn.core.task.UpdateForm.MODEL_DELTA;
            case UPDATE_FORM_WEIGHTED_SUM -> io.fedlearn.core.task.UpdateForm.WEIGHTED_SUM;
            case UPDATE_FORM_UNSPECIFIED, UNRECOGNIZED ->
                throw new WireException("form: is none that this version knows");
        };
        int next = update.hasModel() ? 1 : 0;
        Optional<Model> model = update.hasModel() ? Optional.of(models.get(0)) : Optional.empty();
        ClientUpdate result =
                ClientUpdate.ofMetrics(WireSettings.readMetrics(update.getMetricsList()), update.getExampleCount());
        if (model.isPresent()) {
            result = result.withModel(form, model.get());
        }
        Map<String, Model> groups = new TreeMap<>();
        for (Group group : update.getTensorsList()) {
            WireSettings.requireName("tensors", group.getName());
            if (groups.put(group.getName(), models.get(next++)) != null) {
                throw new WireException("tensors: group '" + group.getName() + "' is there twice");
            }
        }
        for (Map.Entry<String, Model> group : groups.entrySet()) {
            result = result.withTensors(group.getKey(), group.getValue());
        }
        for (Map.Entry<String, Object> value : WireSettings.readConfig("values", update.getValuesList())
                .asMap()
                .entrySet()) {
            result = result.withValue(value.getKey(), value.getValue());
        }
        return result;
    }
}
