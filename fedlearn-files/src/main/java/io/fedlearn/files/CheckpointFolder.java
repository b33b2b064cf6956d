package io.fedlearn.files;

import io.fedlearn.core.record.RoundRecord;
import io.fedlearn.core.store.Checkpoint;
import io.fedlearn.core.task.Config;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.update.PartState;
import io.fedlearn.formats.internal.run.DamagedException;
import io.fedlearn.formats.internal.run.JsonFields;
import io.fedlearn.formats.internal.run.NewerSchemaException;
import io.fedlearn.formats.internal.run.RecordJson;
import io.fedlearn.formats.internal.run.SealedJson;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * The folder of one checkpoint: {@code model.safetensors}, a {@code state-….safetensors} for each group of tensors that
 * a part of the strategy keeps, and {@code checkpoint.json}, which says what they are and the digests they must have.
 */
final class CheckpointFolder {
    /** The name of the model in its folder: {@value}. */
    static final String MODEL = "model.safetensors";

    private static final String MANIFEST = "checkpoint.json";
    private static final String SCHEMA = "fedlearn-checkpoint/1";
    private static final String STATE_PREFIX = "state-";
    private static final String STATE_SUFFIX = ".safetensors";
    private static final long MAX_MANIFEST_BYTES = 1L << 28;

    private CheckpointFolder() {}

    /**
     * What a checkpoint holds, as its manifest says.
     *
     * @param runId of the run
     * @param round that it was taken after
     * @param best whether its model was the best so far
     * @param modelDigest of the model
     * @param recordSha256 of the line of the round's record; empty for round 0
     * @param parts with their states
     */
    record Manifest(
            String runId,
            int round,
            boolean best,
            String modelDigest,
            Optional<String> recordSha256,
            List<Part> parts) {}

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
     * @param file that holds them
     * @param digest that they must have
     */
    record Group(String name, String file, String digest) {}

    /** Writes everything into a new folder and syncs it. */
    static void write(
            Disk disk, Path folder, String runId, Checkpoint checkpoint, boolean best, Optional<String> recordSha256)
            throws IOException {
        int round = checkpoint.round();
        disk.createDirectories(folder);
        ModelFile.write(disk, folder.resolve(MODEL), checkpoint.model(), round);
        List<Part> parts = new ArrayList<>();
        int files = 0;
        for (Map.Entry<String, PartState> part : checkpoint.states().entrySet()) {
            List<Group> groups = new ArrayList<>();
            for (Map.Entry<String, Model> group : part.getValue().tensors().entrySet()) {
                String file = STATE_PREFIX + ++files + STATE_SUFFIX;
                ModelFile.write(disk, folder.resolve(file), group.getValue(), round);
                groups.add(new Group(group.getKey(), file, group.getValue().digest()));
            }
            parts.add(new Part(part.getKey(), part.getValue().values(), groups));
        }
        Manifest manifest =
                new Manifest(runId, round, best, checkpoint.model().digest(), recordSha256, List.copyOf(parts));
        disk.write(folder.resolve(MANIFEST), Disk.Content.of(encode(manifest).toLine()));
        disk.syncDirectory(folder);
    }

    private static SealedJson encode(Manifest manifest) {
        return SealedJson.write(out -> {
            out.writeStringField("schema", SCHEMA);
            out.writeStringField("runId", manifest.runId());
            out.writeNumberField("round", manifest.round());
            out.writeBooleanField("best", manifest.best());
            out.writeStringField("modelDigest", manifest.modelDigest());
            if (manifest.recordSha256().isPresent()) {
                out.writeStringField("recordSha256", manifest.recordSha256().get());
            }
            out.writeArrayFieldStart("states");
            for (Part part : manifest.parts()) {
                out.writeStartObject();
                out.writeStringField("part", part.name());
                RecordJson.config(out, "values", part.values());
                out.writeArrayFieldStart("tensors");
                for (Group group : part.groups()) {
                    out.writeStartObject();
                    out.writeStringField("group", group.name());
                    out.writeStringField("file", group.file());
                    out.writeStringField("digest", group.digest());
                    out.writeEndObject();
                }
                out.writeEndArray();
                out.writeEndObject();
            }
            out.writeEndArray();
        });
    }

    /**
     * Reads the manifest of the checkpoint of {@code round} of run {@code runId}.
     *
     * @throws NewerSchemaException if a newer version of the library wrote it
     */
    static Manifest readManifest(Path folder, int round, String runId)
            throws IOException, DamagedException, NewerSchemaException {
        Path file = folder.resolve(MANIFEST);
        Manifest manifest;
        try {
            if (Files.size(file) > MAX_MANIFEST_BYTES) {
                throw new DamagedException("is longer than any that was written");
            }
            JsonFields fields = SealedJson.ofFile(Files.readAllBytes(file)).parse();
            NewerSchemaException.requireKnown(fields, SCHEMA, file.toString());
            manifest = RecordJson.checked(() -> new Manifest(
                    fields.text("runId"),
                    fields.round("round"),
                    fields.bool("best"),
                    fields.text("modelDigest"),
                    fields.optionalText("recordSha256"),
                    fields.objects("states", CheckpointFolder::part)));
        } catch (NoSuchFileException e) {
            throw new DamagedException(MANIFEST + " is missing", e);
        } catch (DamagedException e) {
            throw new DamagedException(MANIFEST + " " + e.getMessage(), e);
        }
        if (manifest.round() != round || !manifest.runId().equals(runId)) {
            throw new DamagedException(
                    MANIFEST + " belongs to round " + manifest.round() + " of run " + manifest.runId());
        }
        return manifest;
    }

    private static Part part(JsonFields fields) throws DamagedException {
        return new Part(
                fields.text("part"),
                fields.config("values"),
                fields.objects(
                        "tensors", group -> new Group(group.text("group"), group.text("file"), group.text("digest"))));
    }

    /** Reads the checkpoint that a manifest describes. */
    static Checkpoint read(Path folder, Manifest manifest, Optional<RoundRecord> record, long maxHeapModelBytes)
            throws IOException, DamagedException {
        Model model = readModel(folder, manifest, maxHeapModelBytes);
        Map<String, PartState> states = new TreeMap<>();
        for (Part part : manifest.parts()) {
            Map<String, Model> tensors = new TreeMap<>();
            for (Group group : part.groups()) {
                Model value = readModel(folder.resolve(group.file()), group.digest(), maxHeapModelBytes);
                tensors.put(group.name(), value);
            }
            states.put(part.name(), new PartState(tensors, part.values()));
        }
        return new Checkpoint(manifest.round(), model, states, record);
    }

    /** Reads the model of the checkpoint that a manifest describes. */
    static Model readModel(Path folder, Manifest manifest, long maxHeapModelBytes)
            throws IOException, DamagedException {
        return readModel(folder.resolve(MODEL), manifest.modelDigest(), maxHeapModelBytes);
    }

    private static Model readModel(Path file, String digest, long maxHeapModelBytes)
            throws IOException, DamagedException {
        try {
            return ModelFile.read(file, Optional.of(digest), maxHeapModelBytes);
        } catch (NoSuchFileException e) {
            throw new DamagedException(file.getFileName() + " is missing", e);
        }
    }
}
