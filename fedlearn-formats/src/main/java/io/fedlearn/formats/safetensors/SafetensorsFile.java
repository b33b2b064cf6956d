package io.fedlearn.formats.safetensors;

import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.ModelSpec;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.tensor.TensorSpec;
import io.fedlearn.formats.DigestMismatchException;
import io.fedlearn.formats.FormatException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What a safetensors file holds: a model, the metadata of whoever wrote it and, if FedLearn did, the model's digest.
 * Thread-safe.
 *
 * <p><b>Lifetime.</b> After {@link Safetensors#open} the values lie in the mapped file. No file handle stays open: on
 * Linux the file may be deleted or replaced by a rename while the model is in use, and the model keeps its values. It
 * must not be overwritten or truncated in place: the model would change, or the JVM fail to read it with an
 * {@link InternalError}. After {@link #close()} the tensors of the model fail with {@link IllegalStateException}; the
 * mapping itself goes when the garbage collector finds it unused, so closing is a courtesy, not a duty. After
 * {@link Safetensors#read} the values are on the heap and {@code close()} changes nothing.
 */
public final class SafetensorsFile implements AutoCloseable {
    /** What the keys of FedLearn's own metadata start with: {@value}. */
    public static final String RESERVED_PREFIX = "fedlearn.";

    private final String source;
    private final Model model;
    private final Map<String, String> metadata;
    private final Optional<String> digest;
    private final Runnable closing;

    /** The tensors are those of the header's entries, in that order. */
    SafetensorsFile(String source, SafetensorsHeader header, List<Tensor> tensors, Runnable closing) {
        Map<String, Tensor> byName = new HashMap<>();
        for (int i = 0; i < tensors.size(); i++) {
            byName.put(header.entries().get(i).spec().name(), tensors.get(i));
        }
        List<Tensor> ordered = new ArrayList<>();
        for (TensorSpec tensor : header.spec().tensors()) {
            ordered.add(byName.get(tensor.name()));
        }
        this.source = source;
        this.model = Model.of(header.spec(), ordered);
        this.metadata = header.metadata();
        this.digest = header.digest();
        this.closing = closing;
    }

    /** The file or stream that was read. */
    public String source() {
        return source;
    }

    /** Names, types, shapes and roles. */
    public ModelSpec spec() {
        return model.spec();
    }

    /** The model. */
    public Model model() {
        return model;
    }

    /** The entries of {@code __metadata__} in the order of the file, without those of FedLearn itself. */
    public Map<String, String> metadata() {
        return metadata;
    }

    /** The digest that the file records for its model, unverified; empty if it records none. */
    public Optional<String> digest() {
        return digest;
    }

    /**
     * Computes the model's digest, which reads every value, and compares it with the one that the file records.
     *
     * @return this
     * @throws DigestMismatchException if they differ
     * @throws FormatException if the file records none
     */
    public SafetensorsFile verify() {
        String expected =
                digest.orElseThrow(() -> new FormatException(source, "has no digest of its model to verify against"));
        if (!expected.equals(model.digest())) {
            throw new DigestMismatchException(source, expected, model.digest());
        }
        return this;
    }

    /** Lets go of the mapped file, if there is one. */
    @Override
    public void close() {
        closing.run();
    }

    /** The source and the size of the model. */
    @Override
    public String toString() {
        return source + ": " + model;
    }
}
