/** The published algorithms, each a small class over core's parts. */
@org.jspecify.annotations.NullMarked
module io.fedlearn.aggregators {
    requires transitive io.fedlearn.core;
    requires static org.jspecify;

    exports io.fedlearn.aggregators;
    exports io.fedlearn.aggregators.catalogue;
    exports io.fedlearn.aggregators.personal;
    exports io.fedlearn.aggregators.robust;
    exports io.fedlearn.aggregators.selection;
    exports io.fedlearn.aggregators.transform;

    provides io.fedlearn.core.training.LocalCorrection.Factory with
            io.fedlearn.aggregators.FedDyn.Factory,
            io.fedlearn.aggregators.Scaffold.Factory,
            io.fedlearn.aggregators.personal.LocalTensors.Factory;
    provides io.fedlearn.core.update.UpdateTransform.Factory with
            io.fedlearn.aggregators.personal.PartialTransfer.Factory,
            io.fedlearn.aggregators.transform.NormClipping.Factory,
            io.fedlearn.aggregators.transform.RandomMask.Factory,
            io.fedlearn.aggregators.transform.ReducedPrecision.Factory,
            io.fedlearn.aggregators.transform.StochasticQuantization.Factory,
            io.fedlearn.aggregators.transform.TopK.Factory;
}
