package io.fedlearn.grpc.client;

import com.google.protobuf.ByteString;
import io.fedlearn.core.task.ClientOutcome;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.grpc.client.TaskBoard.Key;
import io.fedlearn.grpc.internal.transfer.EncodedModel;
import io.fedlearn.grpc.internal.wire.WireAnswers;
import io.fedlearn.grpc.proto.v1.Payload;
import io.fedlearn.grpc.proto.v1.TaskAnswer;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/** An outcome, ready to be sent as often as it takes, within a message or beside it. Immutable. */
final class Answer {
    private final ClientOutcome outcome;
    private final List<EncodedModel> models;

    private Answer(ClientOutcome outcome, List<EncodedModel> models) {
        this.outcome = outcome;
        this.models = models;
    }

    /** The answer with this outcome. Works the digests of its tensors out, which takes a while for a large model. */
    static Answer of(ClientOutcome outcome) {
        return new Answer(
                outcome, outcome instanceof ClientOutcome.Completed completed ? encode(completed.update()) : List.of());
    }

    /** In the order in which they travel: the model, then the groups. */
    private static List<EncodedModel> encode(ClientUpdate update) {
        List<EncodedModel> models = new ArrayList<>();
        update.model().map(EncodedModel::of).ifPresent(models::add);
        update.tensors().values().stream().map(EncodedModel::of).forEach(models::add);
        return List.copyOf(models);
    }

    /** How it ended, in a word. */
    String word() {
        return outcome.word();
    }

    /** Whether its values are few enough for a message. */
    boolean isInline(int inlineBytes) {
        return models.stream().mapToLong(EncodedModel::byteCount).sum() <= inlineBytes;
    }

    /** Its tensors, in the order in which they travel. */
    List<EncodedModel> models() {
        return models;
    }

    /** The message with all values in it. */
    TaskAnswer whole(Key key) {
        return message(key, model -> model.payload(Integer.MAX_VALUE));
    }

    /** The message that announces the values. */
    TaskAnswer announcement(Key key) {
        return message(key, EncodedModel::description);
    }

    private TaskAnswer message(Key key, Function<EncodedModel, Payload> payload) {
        Map<Model, EncodedModel> encoded = new IdentityHashMap<>();
        models.forEach(model -> encoded.put(model.model(), model));
        return WireAnswers.write(
                key.taskId(), fingerprint(key), outcome, model -> payload.apply(required(encoded, model)));
    }

    private static EncodedModel required(Map<Model, EncodedModel> encoded, Model model) {
        EncodedModel found = encoded.get(model);
        if (found == null) {
            throw new IllegalStateException("a model of the outcome was not encoded");
        }
        return found;
    }

    /** The message that says that a task failed. */
    static TaskAnswer failed(Key key, String reason) {
        return WireAnswers.write(key.taskId(), fingerprint(key), new ClientOutcome.Failed(reason), model -> {
            throw new IllegalStateException("a failure has no model");
        });
    }

    /** The task and fingerprint of a message as a key. */
    static Key key(String taskId, ByteString fingerprint) {
        return new Key(taskId, HexFormat.of().formatHex(fingerprint.toByteArray()));
    }

    /** A key's fingerprint as it is on the wire. */
    static ByteString fingerprint(Key key) {
        return ByteString.copyFrom(HexFormat.of().parseHex(key.fingerprint()));
    }
}
