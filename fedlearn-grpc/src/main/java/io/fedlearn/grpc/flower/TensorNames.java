package io.fedlearn.grpc.flower;

import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.ModelSpec;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.tensor.TensorRole;
import io.fedlearn.core.tensor.TensorSpec;
import io.fedlearn.core.tensor.TensorType;
import io.fedlearn.formats.DefaultRoles;
import io.fedlearn.formats.FormatException;
import io.fedlearn.formats.json.CanonicalJson;
import io.fedlearn.formats.safetensors.Safetensors;
import io.fedlearn.formats.safetensors.SafetensorsFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;

/**
 * The names and roles of tensors that come from a Flower peer, whose protocol has neither. Immutable and thread-safe.
 *
 * <p>{@link #byPlace()} calls them {@code tensor-000}, {@code tensor-001} … and gives roles by type: floating-point tensors are
 * trainable, integers counters, truth values buffers. That is right for models without batch normalisation, and for averaging in any
 * case; rules with a server optimizer, such as FedAdam, would take batch-norm statistics for weights. Then the model's own names and
 * roles are given, as a list, out of a JSON file or out of a safetensors file of the model.
 */
public final class TensorNames {
    private static final TensorNames BY_PLACE = new TensorNames(Optional.empty(), Optional.empty());
    private static final String NAME = "name";
    private static final String ROLE = "role";
    private static final String TENSORS = "tensors";
    private static final int MAX_FILE_BYTES = 16 << 20;

    private final Optional<List<Entry>> entries;
    private final Optional<ModelSpec> spec;

    private TensorNames(Optional<List<Entry>> entries, Optional<ModelSpec> spec) {
        this.entries = entries.map(List::copyOf);
        this.spec = spec;
    }

    /**
     * What one tensor is called, and what it is to its model.
     *
     * @param name unique in its model
     * @param role empty: that of the tensor's type
     */
    public record Entry(String name, Optional<TensorRole> role) {
        /** Validates the name. */
        public Entry {
            Objects.requireNonNull(role, ROLE);
            if (name.isEmpty() || name.length() > TensorSpec.MAX_NAME_LENGTH) {
                throw new IllegalArgumentException("a tensor's name must have 1 to " + TensorSpec.MAX_NAME_LENGTH
                        + " characters, had " + name.length());
            }
            if (name.chars().anyMatch(Character::isISOControl)) {
                throw new IllegalArgumentException("a tensor's name must not hold control characters");
            }
        }

        /** A tensor of this name with the role of its type. */
        public static Entry of(String name) {
            return new Entry(name, Optional.empty());
        }

        /** A tensor of this name and role. */
        public static Entry of(String name, TensorRole role) {
            return new Entry(name, Optional.of(role));
        }
    }

    /** Names by place and roles by type. */
    public static TensorNames byPlace() {
        return BY_PLACE;
    }

    /**
     * These names, in the order in which the peer sends its tensors.
     *
     * @throws IllegalArgumentException if there is none, or two are equal
     */
    public static TensorNames of(List<Entry> entries) {
        if (entries.isEmpty()) {
            throw new IllegalArgumentException("a mapping must name at least one tensor");
        }
        Set<String> names = new HashSet<>();
        for (Entry entry : entries) {
            if (!names.add(entry.name())) {
                throw new IllegalArgumentException("two tensors are named " + FormatException.quote(entry.name()));
            }
        }
        return new TensorNames(Optional.of(entries), Optional.empty());
    }

    /**
     * The names and roles of this specification, in its order; a peer's tensors must have its shapes too, and are brought to its
     * types.
     *
     * @throws IllegalArgumentException if it has no tensor
     */
    public static TensorNames of(ModelSpec spec) {
        List<Entry> entries = spec.tensors().stream()
                .map(tensor -> Entry.of(tensor.name(), tensor.role()))
                .toList();
        return new TensorNames(of(entries).entries, Optional.of(spec));
    }

    /**
     * Reads a mapping from a file: safetensors if its name ends so, and otherwise JSON such as
     * {@code [{"name": "conv.weight", "role": "trainable"}, {"name": "bn.running_mean", "role": "buffer"}, {"name": "fc.bias"}]},
     * in the order in which the peer sends its tensors. Roles are {@code trainable}, {@code buffer} and {@code counter}; one that is
     * left out is that of the type. Of a safetensors file, names, roles, shapes and types count as {@link #of(ModelSpec)} says, and
     * the values are not read.
     *
     * @throws FormatException if the content is not that
     * @throws IOException if the file cannot be read
     */
    public static TensorNames read(Path path) throws IOException {
        String source = path.toString();
        if (source.toLowerCase(Locale.ROOT).endsWith(".safetensors")) {
            try (SafetensorsFile file = Safetensors.open(path)) {
                return of(file.spec());
            } catch (IllegalArgumentException e) {
                throw new FormatException(source, String.valueOf(e.getMessage()), e);
            }
        }
        long size = Files.size(path);
        if (size > MAX_FILE_BYTES) {
            throw new FormatException(source, "must have <= " + MAX_FILE_BYTES + " bytes, has " + size);
        }
        Object json = CanonicalJson.parse(Files.readAllBytes(path), source);
        if (!(json instanceof List<?> items)) {
            throw new FormatException(source, "must be a list of tensors");
        }
        List<Entry> entries = new ArrayList<>();
        for (Object item : items) {
            entries.add(entry(item, source, entries.size()));
        }
        try {
            return of(entries);
        } catch (IllegalArgumentException e) {
            throw new FormatException(source, String.valueOf(e.getMessage()), e);
        }
    }

    private static Entry entry(Object item, String source, int index) {
        String place = "entry " + index + " ";
        if (!(item instanceof Map<?, ?> members)) {
            throw new FormatException(source, place + "must be an object with 'name' and 'role'");
        }
        for (Object key : members.keySet()) {
            if (!key.equals(NAME) && !key.equals(ROLE)) {
                throw new FormatException(
                        source, place + "has an unknown member " + FormatException.quote(key.toString()));
            }
        }
        if (!(members.get(NAME) instanceof String name)) {
            throw new FormatException(source, place + "must have a text 'name'");
        }
        Object role = members.get(ROLE);
        try {
            return role == null ? Entry.of(name) : Entry.of(name, role(role));
        } catch (IllegalArgumentException e) {
            throw new FormatException(source, place.strip() + ": " + e.getMessage(), e);
        }
    }

    private static TensorRole role(Object word) {
        for (TensorRole role : TensorRole.values()) {
            if (role.name().toLowerCase(Locale.ROOT).equals(word)) {
                return role;
            }
        }
        throw new IllegalArgumentException(
                "role must be trainable, buffer or counter, was " + FormatException.quote(word.toString()));
    }

    /** Whether names and roles were given, rather than made up by place and type. */
    public boolean isGiven() {
        return entries.isPresent();
    }

    /** The number of tensors, if names were given. */
    public Optional<Integer> size() {
        return entries.map(List::size);
    }

    /** The specification that tensors must have, if one was given. */
    public Optional<ModelSpec> spec() {
        return spec;
    }

    /** The name of the tensor at this place if none is given, such as {@code tensor-007}. */
    public static String nameByPlace(int index) {
        return String.format(Locale.ROOT, "tensor-%03d", index);
    }

    /**
     * A model of these tensors.
     *
     * @throws FlowerException naming the number of tensors, or the tensor and its type, role or shape
     */
    Model name(List<Tensor> tensors) throws FlowerException {
        if (spec.isPresent()) {
            return FlowerTensors.conform(tensors, spec.get());
        }
        if (entries.isPresent() && entries.get().size() != tensors.size()) {
            throw new FlowerException("the mapping names " + entries.get().size() + " tensors, got " + tensors.size());
        }
        Model.Builder model = Model.builder();
        for (int i = 0; i < tensors.size(); i++) {
            add(i, tensors.get(i), model);
        }
        return model.build();
    }

    private void add(int index, Tensor tensor, Model.Builder model) throws FlowerException {
        Entry entry = entries.isPresent() ? entries.get().get(index) : Entry.of(nameByPlace(index));
        TensorType type = tensor.type();
        TensorRole role = entry.role().orElse(DefaultRoles.of(type));
        if (role == TensorRole.COUNTER && type.isFloating()) {
            // Averaging has made floating-point numbers of it.
            TensorSpec counter = new TensorSpec(entry.name(), TensorType.INT64, tensor.shape(), role);
            model.add(entry.name(), FlowerTensors.conform(tensor, counter), role);
            return;
        }
        try {
            model.add(entry.name(), tensor, role);
        } catch (IllegalArgumentException e) {
            throw new FlowerException(FlowerTensors.place(index) + ": " + e.getMessage(), e);
        }
    }

    @Override
    public String toString() {
        return entries.map(names -> names.size() + " named " + TENSORS).orElse(TENSORS + " by place");
    }
}
