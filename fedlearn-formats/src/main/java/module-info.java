/** Tensors in files and on wires as others write them: safetensors, {@code .npy} and {@code .npz}. */
@org.jspecify.annotations.NullMarked
@SuppressWarnings("module")
module io.fedlearn.formats {
    requires transitive io.fedlearn.core;
    requires com.fasterxml.jackson.core;
    requires com.fasterxml.jackson.databind;
    requires static org.jspecify;

    exports io.fedlearn.formats;
    exports io.fedlearn.formats.audit;
    exports io.fedlearn.formats.internal.run to
            io.fedlearn.files,
            io.fedlearn.pg;
    exports io.fedlearn.formats.json;
    exports io.fedlearn.formats.numpy;
    exports io.fedlearn.formats.safetensors;
}
