package io.fedlearn.privacy.query;

/** A table in memory keeps the rules of its interface. */
final class TableSourceContractTest extends QuerySourceContract {
    @Override
    protected QuerySource source(RandomTable table) {
        return table.source();
    }
}
