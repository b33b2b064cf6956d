package io.fedlearn.files;

import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.ModelSpec;
import io.fedlearn.core.tensor.TensorSpec;
import io.fedlearn.formats.FormatException;
import io.fedlearn.formats.ReadLimits;
import io.fedlearn.formats.internal.run.DamagedException;
import io.fedlearn.formats.internal.run.JsonFields;
import io.fedlearn.formats.internal.run.RecordJson;
import io.fedlearn.formats.internal.run.SealedJson;
import io.fedlearn.formats.safetensors.Safetensors;
import io.fedlearn.formats.safetensors.SafetensorsFile;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A model in a safetensors file. Its metadata has the {@code round}. If a tensor has the one name that safetensors cannot
 * hold, {@code __metadata__}, the tensors are named {@code 0}, {@code 1} and so on, and the metadata's {@code names} is a
 * {@linkplain SealedJson sealed} object of their {@code names} and the model's {@code digest}.
 */
final class ModelFile {
    private static final String NAMES = "names";
    private static final String DIGEST = "digest";
    private static final String RESERVED = "__metadata__";

    // The files are the stores' own, and compared with their digests: only what they take on the heap is limited.
    private static final ReadLimits LIMITS =
            ReadLimits.defaults().withMaxTensors(Integer.MAX_VALUE).withMaxHeapBytes(Long.MAX_VALUE);

    private ModelFile() {}

    /** Writes a model to a new file and syncs it. */
    static void write(Disk disk, Path file, Model model, int round) throws IOException {
        Map<String, String> metadata = new HashMap<>(Map.of("round", Integer.toString(round)));
        Model written = model;
        if (!model.spec().tensors().stream().allMatch(tensor -> isWritable(tensor.name()))) {
            SealedJson names = SealedJson.write(out -> {
                out.writeArrayFieldStart(NAMES);
                for (TensorSpec tensor : model.spec().tensors()) {
                    out.writeString(tensor.name());
                }
                out.writeEndArray();
                out.writeStringField(DIGEST, model.digest());
            });
            metadata.put(NAMES, new String(names.toLine(), StandardCharsets.UTF_8).stripTrailing());
            List<String> numbers = new ArrayList<>();
            for (int i = 0; i < model.spec().size(); i++) {
                numbers.add(Integer.toString(i));
            }
            written = renamed(model, numbers);
        }
        Model content = written;
        disk.write(file, out -> Safetensors.write(content, metadata, out));
    }

    /**
     * Reads a model to the heap, or leaves it in its file if it is larger than {@code maxHeapBytes}.
     *
     * @param digest that it must have; if it is not known, the one that the file records
     */
    static Model read(Path file, Optional<String> digest, long maxHeapBytes) throws IOException, DamagedException {
        try {
            SafetensorsFile read =
                    Files.size(file) > maxHeapBytes ? Safetensors.open(file, LIMITS) : Safetensors.read(file, LIMITS);
            String names = read.metadata().getOrDefault(NAMES, "");
            if (names.isEmpty()) {
                return checked(file, read.model(), digest.isPresent() ? digest : read.digest());
            }
            JsonFields fields =
                    SealedJson.of(names.getBytes(StandardCharsets.UTF_8)).parse();
            List<String> original = fields.texts(NAMES);
            Model model = RecordJson.checked(() -> renamed(read.model(), original));
            return checked(file, model, digest.isPresent() ? digest : fields.optionalText(DIGEST));
        } catch (FormatException e) {
            throw new DamagedException(file.getFileName() + " " + e.reason(), e);
        }
    }

    private static Model checked(Path file, Model model, Optional<String> digest) throws DamagedException {
        if (!digest.equals(Optional.of(model.digest()))) {
            throw new DamagedException(file.getFileName() + " must have the digest " + digest.orElse("that it lacks")
                    + ", has " + model.digest());
        }
        return model;
    }

    private static Model renamed(Model model, List<String> names) {
        if (names.size() != model.spec().size()) {
            throw new IllegalArgumentException("names must be as many as tensors, were " + names.size());
        }
        List<TensorSpec> tensors = new ArrayList<>();
        for (int i = 0; i < names.size(); i++) {
            TensorSpec tensor = model.spec().tensors().get(i);
            tensors.add(new TensorSpec(names.get(i), tensor.type(), tensor.shape(), tensor.role()));
        }
        return Model.of(ModelSpec.of(tensors), model.tensors());
    }

    private static boolean isWritable(String name) {
        return !name.equals(RESERVED);
    }
}
