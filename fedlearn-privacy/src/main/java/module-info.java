/** Differential privacy: mechanisms, accountants, budgets, private training and private queries. */
@org.jspecify.annotations.NullMarked
module io.fedlearn.privacy {
    requires transitive io.fedlearn.core;
    requires static org.jspecify;

    exports io.fedlearn.privacy.accounting;
    exports io.fedlearn.privacy.budget;
    exports io.fedlearn.privacy.central;
    exports io.fedlearn.privacy.mechanism;
    exports io.fedlearn.privacy.query;
    exports io.fedlearn.privacy.site;

    provides io.fedlearn.core.update.UpdateTransform.Factory with
            io.fedlearn.privacy.site.NoiseShares.Factory;
}
