/** Small models in plain Java, each a ready client. */
@org.jspecify.annotations.NullMarked
module io.fedlearn.models {
    requires transitive io.fedlearn.core;
    requires static org.jspecify;
}
