package io.fedlearn.core.federation;

import io.fedlearn.core.strategy.Aggregate;
import io.fedlearn.core.strategy.Aggregator;
import io.fedlearn.core.strategy.ServerOptimizer;
import io.fedlearn.core.strategy.Strategy;
import io.fedlearn.core.strategy.WeightedUpdate;
import io.fedlearn.core.task.UpdateForm;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;

/** A weighted mean in the plainest way, for tests of what is around it. */
final class PlainMean implements Aggregator.Streaming {
    private Model global = Model.empty();
    private List<double[]> sums = List.of();
    private double totalWeight;
    private int count;

    static Strategy strategy() {
        return Strategy.builder("PlainMean", PlainMean::new, ServerOptimizer::identity)
                .build();
    }

    @Override
    public void begin(Model model) {
        global = model;
        sums = new ArrayList<>();
        for (Tensor tensor : model.tensors()) {
            sums.add(new double[(int) tensor.elementCount()]);
        }
        totalWeight = 0;
        count = 0;
    }

    @Override
    public void accumulate(List<WeightedUpdate> updates) {
        for (WeightedUpdate update : updates) {
            for (int i = 0; i < sums.size(); i++) {
                double[] sum = sums.get(i);
                update.update()
                        .model()
                        .orElseThrow()
                        .tensors()
                        .get(i)
                        .addScaledTo(0, sum, 0, sum.length, update.weight());
            }
            totalWeight += update.weight();
            count++;
        }
    }

    @Override
    public Aggregate finish() {
        for (double[] sum : sums) {
            for (int i = 0; i < sum.length; i++) {
                sum[i] /= totalWeight;
            }
        }
        return Aggregate.wrap(UpdateForm.MODEL, global.spec(), sums, count, totalWeight);
    }
}
