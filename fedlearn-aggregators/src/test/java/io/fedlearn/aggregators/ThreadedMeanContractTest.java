package io.fedlearn.aggregators;

import io.fedlearn.core.strategy.Aggregator;
import io.fedlearn.testkit.contract.AggregatorContract;

class ThreadedMeanContractTest extends AggregatorContract {
    @Override
    protected Aggregator create() {
        return WeightedMean.onThreads(Runnable::run, 3);
    }
}
