package io.fedlearn.privacy.central;

import io.fedlearn.core.strategy.Aggregate;
import io.fedlearn.core.strategy.Aggregator;
import io.fedlearn.core.strategy.ServerOptimizer;
import io.fedlearn.core.strategy.Strategy;
import io.fedlearn.core.strategy.WeightedUpdate;
import io.fedlearn.core.tensor.Model;
import java.util.List;

/** A rule that says it is a plain mean, and is replaced before it combines anything. */
final class PlainMean implements Aggregator.Streaming {
    static Strategy strategy() {
        return Strategy.builder("Mean", PlainMean::new, ServerOptimizer::identity)
                .build();
    }

    @Override
    public boolean isPlainMean() {
        return true;
    }

    @Override
    public void begin(Model global) {
        throw new IllegalStateException("was to be replaced");
    }

    @Override
    public void accumulate(List<WeightedUpdate> updates) {
        throw new IllegalStateException("was to be replaced");
    }

    @Override
    public Aggregate finish() {
        throw new IllegalStateException("was to be replaced");
    }
}
