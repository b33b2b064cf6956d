/** Small models in plain Java, and readers for CSV tables and MNIST's idx files. */
@org.jspecify.annotations.NullMarked
module io.fedlearn.models {
    requires transitive io.fedlearn.core;
    requires static org.jspecify;

    exports io.fedlearn.models;
    exports io.fedlearn.models.idx;
    exports io.fedlearn.models.table;
}
