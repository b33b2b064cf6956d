/** Differential privacy: mechanisms, accountants, budgets, private training and private queries. */
@org.jspecify.annotations.NullMarked
module io.fedlearn.privacy {
    requires transitive io.fedlearn.core;
    requires static org.jspecify;

    exports io.fedlearn.privacy.accounting;
    exports io.fedlearn.privacy.mechanism;
}
