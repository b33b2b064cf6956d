/** Tensors in files and on wires as others write them. */
@org.jspecify.annotations.NullMarked
module io.fedlearn.formats {
    requires transitive io.fedlearn.core;
    requires com.fasterxml.jackson.databind;
    requires static org.jspecify;
}
