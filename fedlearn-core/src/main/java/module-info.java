import org.jspecify.annotations.NullMarked;

/** Federated learning on the JVM: everything that is not an algorithm, a transport or a file format. */
@NullMarked
module io.fedlearn.core {
    requires static org.jspecify;

    exports io.fedlearn.core;
    exports io.fedlearn.core.budget;
    exports io.fedlearn.core.client;
    exports io.fedlearn.core.federation;
    exports io.fedlearn.core.metric;
    exports io.fedlearn.core.partition;
    exports io.fedlearn.core.random;
    exports io.fedlearn.core.record;
    exports io.fedlearn.core.runtime;
    exports io.fedlearn.core.store;
    exports io.fedlearn.core.strategy;
    exports io.fedlearn.core.task;
    exports io.fedlearn.core.tensor;
    exports io.fedlearn.core.training;
    exports io.fedlearn.core.update;

    uses io.fedlearn.core.training.LocalCorrection.Factory;
    uses io.fedlearn.core.update.UpdateTransform.Factory;
}
