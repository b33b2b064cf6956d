/** A run on disk: checkpoints, history, audit log. */
@org.jspecify.annotations.NullMarked
module io.fedlearn.files {
    requires transitive io.fedlearn.core;
    requires io.fedlearn.formats;
    requires com.fasterxml.jackson.databind;
    requires static org.jspecify;
}
