package io.fedlearn.pg.run;

import io.fedlearn.core.store.Checkpoint;
import io.fedlearn.core.task.Config;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.update.PartState;
import io.fedlearn.formats.internal.run.DamagedException;
import io.fedlearn.formats.internal.run.JsonFields;
import io.fedlearn.formats.internal.run.NewerSchemaException;
import io.fedlearn.formats.internal.run.RecordJson;
import io.fedlearn.formats.internal.run.SealedJson;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** What a checkpoint holds, as a line of JSON with its checksum: tensors are named by their digests. */
final class StatesJson {
    private static final String SCHEMA = "fedlearn-pg-checkpoint/1";

    private StatesJson() {}

    /**
     * What a checkpoint holds.
     *
     * @param runId of the run
     * @param round that it was taken after
     * @param modelDigest of the model
     * @param recordSha256 of the line of the round's record; empty for round 0
     * @param parts with their states
     */
    record States(String runId, int round, String modelDigest, Optional<String> recordSha256, List<Part> parts) {}

    /**
     * The state of a part of the strategy.
     *
     * @param name of the part
     * @param values that it keeps
     * @param groups of tensors that it keeps
     */
    record Part(String name, Config values, List<Group> groups) {}

    /**
     * A group of tensors.
     *
     * @param name of the group
     * @param digest of the tensors
     */
    record Group(String name, String digest) {}

    static SealedJson write(String runId, Checkpoint checkpoint, Optional<String> recordSha256) {
        return SealedJson.write(out -> {
            out.writeStringField("schema", SCHEMA);
            out.writeStringField("runId", runId);
            out.writeNumberField("round", checkpoint.round());
            out.writeStringField("modelDigest", checkpoint.model().digest());
            if (recordSha256.isPresent()) {
                out.writeStringField("recordSha256", recordSha256.get());
            }
            out.writeArrayFieldStart("states");
            for (Map.Entry<String, PartState> part : checkpoint.states().entrySet()) {
                out.writeStartObject();
                out.writeStringField("part", part.getKey());
                RecordJson.config(out, "values", part.getValue().values());
                out.writeArrayFieldStart("tensors");
                for (Map.Entry<String, Model> group : part.getValue().tensors().entrySet()) {
                    out.writeStartObject();
                    out.writeStringField("group", group.getKey());
                    out.writeStringField("digest", group.getValue().digest());
                    out.writeEndObject();
                }
                out.writeEndArray();
                out.writeEndObject();
            }
            out.writeEndArray();
        });
    }

    static States read(SealedJson sealed, String source) throws DamagedException, NewerSchemaException {
        JsonFields fields = sealed.parse();
        NewerSchemaException.requireKnown(fields, SCHEMA, source);
        return RecordJson.checked(() -> new States(
                fields.text("runId"),
                fields.round("round"),
                fields.text("modelDigest"),
                fields.optionalText("recordSha256"),
                fields.objects("states", StatesJson::part)));
    }

    private static Part part(JsonFields fields) throws DamagedException {
        return new Part(
                fields.text("part"),
                fields.config("values"),
                fields.objects("tensors", group -> new Group(group.text("group"), group.text("digest"))));
    }
}
