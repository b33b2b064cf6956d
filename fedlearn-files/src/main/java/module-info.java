/** A run on disk: checkpoints, history as JSON, the audit log, the state of clients and the privacy ledger. */
@org.jspecify.annotations.NullMarked
module io.fedlearn.files {
    requires transitive io.fedlearn.core;
    requires transitive io.fedlearn.formats;
    requires com.fasterxml.jackson.core;
    requires com.fasterxml.jackson.databind;
    requires static org.jspecify;

    exports io.fedlearn.files;
}
