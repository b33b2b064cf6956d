/** The published algorithms, each a small class over core's parts. */
@org.jspecify.annotations.NullMarked
module io.fedlearn.aggregators {
    requires transitive io.fedlearn.core;
    requires static org.jspecify;

    exports io.fedlearn.aggregators;
    exports io.fedlearn.aggregators.personal;
    exports io.fedlearn.aggregators.transform;

    provides io.fedlearn.core.training.LocalCorrection.Factory with
            io.fedlearn.aggregators.personal.LocalTensors.Factory;
    provides io.fedlearn.core.update.UpdateTransform.Factory with
            io.fedlearn.aggregators.personal.PartialTransfer.Factory,
            io.fedlearn.aggregators.transform.NormClipping.Factory;
}
