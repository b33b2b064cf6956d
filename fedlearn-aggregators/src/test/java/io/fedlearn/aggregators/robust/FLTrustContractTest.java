package io.fedlearn.aggregators.robust;

import io.fedlearn.core.strategy.Aggregator;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.testkit.contract.AggregatorContract;
import io.fedlearn.testkit.generator.ModelGenerator;

class FLTrustContractTest extends AggregatorContract {
    @Override
    protected Aggregator create() {
        return FLTrust.builder((task, context) -> ClientUpdate.ofModel(
                        ModelGenerator.of(task.seed()).nextModerate(task.model().spec()), 5))
                .aggregator()
                .get();
    }

    /** Every update gets the length of the server's own. */
    @Override
    protected boolean returnsEqualUpdates() {
        return false;
    }
}
