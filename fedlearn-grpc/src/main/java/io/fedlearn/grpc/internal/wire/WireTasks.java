package io.fedlearn.grpc.internal.wire;

import com.google.protobuf.ByteString;
import io.fedlearn.core.strategy.ClientInfo;
import io.fedlearn.core.task.Task;
import io.fedlearn.core.task.TaskKind;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.grpc.proto.v1.Group;
import io.fedlearn.grpc.proto.v1.Payload;
import io.fedlearn.grpc.proto.v1.TaskOffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.Map;
import java.util.function.Function;

/** Tasks on the wire. */
public final class WireTasks {
    /** The most groups of tensors beside a model: {@value}. */
    static final int MAX_GROUPS = 64;

    private WireTasks() {}

    /**
     * The offer of this task.
     *
     * @param payloads how a model is named, with or without its values
     * @param maxAnswerBytes what all tensors of the answer together may have
     */
    public static TaskOffer write(Task task, Function<Model, Payload> payloads, long maxAnswerBytes) {
        TaskOffer.Builder offer = TaskOffer.newBuilder()
                .setTaskId(task.id())
                .setRunId(task.runId())
                .setRound(task.round())
                .setExchange(task.exchange())
                .setKind(task.kind().name())
                .setSeed(task.seed())
                .addAllConfig(WireSettings.write(task.config()))
                .addAllTransforms(WireSettings.write(task.transforms()))
                .setModel(payloads.apply(task.model()))
                .setMaxAnswerBytes(maxAnswerBytes);
        for (Map.Entry<String, Model> group : task.tensors().entrySet()) {
            offer.addTensors(Group.newBuilder().setName(group.getKey()).setPayload(payloads.apply(group.getValue())));
        }
        task.lastAcceptedRound().ifPresent(offer::setLastAcceptedRound);
        task.keepStateSince().ifPresent(offer::setKeepStateSince);
        task.timeLimit().ifPresent(limit -> offer.setTimeLimitMillis(Math.max(1, limit.toMillis())));
        return offer.setFingerprint(fingerprint(offer.build())).build();
    }

    /**
     * Names what the task is, whatever the settings of the server that offers it: one that was restarted with others still knows its
     * tasks.
     */
    private static ByteString fingerprint(TaskOffer offer) {
        TaskOffer.Builder content = offer.toBuilder().clearFingerprint().clearMaxAnswerBytes();
        content.getModelBuilder().clearValues();
        content.getTensorsBuilderList()
                .forEach(group -> group.getPayloadBuilder().clearValues());
        try {
            return ByteString.copyFrom(
                    MessageDigest.getInstance("SHA-256").digest(content.build().toByteArray()));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform must have SHA-256", e);
        }
    }

    /**
     * The task of an offer, without its models.
     *
     * @param clientId by which this client is known
     */
    public static Task.Builder read(TaskOffer offer, String clientId) throws WireException {
        WireSettings.requireCount("tensors", offer.getTensorsCount(), MAX_GROUPS);
        try {
            Task.Builder task = Task.builder(
                            new TaskKind(offer.getKind()),
                            new ClientInfo(clientId, io.fedlearn.core.task.Config.empty()).id())
                    .runId(offer.getRunId())
                    .round(offer.getRound())
                    .exchange(offer.getExchange())
                    .seed(offer.getSeed())
                    .config(WireSettings.readConfig("config", offer.getConfigList()))
                    .transforms(WireSettings.readTransforms(offer.getTransformsList()));
            if (offer.hasLastAcceptedRound()) {
                task.lastAcceptedRound(offer.getLastAcceptedRound());
            }
            if (offer.hasKeepStateSince()) {
                task.keepStateSince(offer.getKeepStateSince());
            }
            if (offer.hasTimeLimitMillis()) {
                task.timeLimit(Duration.ofMillis(offer.getTimeLimitMillis()));
            }
            if (!task.build().id().equals(offer.getTaskId())) {
                throw new WireException("task_id: is not run/round/exchange-kind/client of this task");
            }
            return task;
        } catch (IllegalArgumentException e) {
            throw new WireException("task", e);
        }
    }
}
