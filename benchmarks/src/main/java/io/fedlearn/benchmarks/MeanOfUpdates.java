package io.fedlearn.benchmarks;

import io.fedlearn.aggregators.WeightedMean;
import io.fedlearn.core.strategy.WeightedUpdate;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.tensor.Model;
import java.util.ArrayList;
import java.util.List;

/** The mean that FedAvg takes, from updates to the next model, outside of any round. */
final class MeanOfUpdates {
    private final WeightedMean mean;
    private final List<WeightedUpdate> updates = new ArrayList<>();
    private final Model global;

    MeanOfUpdates(List<ClientUpdate> clientUpdates, Model global) {
        this(WeightedMean.create(), clientUpdates, global);
    }

    MeanOfUpdates(WeightedMean mean, List<ClientUpdate> clientUpdates, Model global) {
        this.mean = mean;
        for (int k = 0; k < clientUpdates.size(); k++) {
            ClientUpdate update = clientUpdates.get(k);
            updates.add(new WeightedUpdate("client-" + k, update, update.exampleCount()));
        }
        this.global = global;
    }

    /** The next model, where the round loop hands over so many updates at a time. */
    Model inLists(int length) {
        mean.begin(global);
        for (int from = 0; from < updates.size(); from += length) {
            mean.accumulate(updates.subList(from, Math.min(updates.size(), from + length)));
        }
        return mean.finish().toModel(global);
    }
}
