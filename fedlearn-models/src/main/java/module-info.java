<<<<<<< HEAD
/** Small models in plain Java, each a ready client. */
=======
/** Small models in plain Java, and readers for CSV tables and MNIST's idx files. */
>>>>>>> 35af963 (models: Test gradients, losses and standardisation)
@org.jspecify.annotations.NullMarked
module io.fedlearn.models {
    requires transitive io.fedlearn.core;
    requires static org.jspecify;
<<<<<<< HEAD
=======

    exports io.fedlearn.models;
>>>>>>> 35af963 (models: Test gradients, losses and standardisation)
}
