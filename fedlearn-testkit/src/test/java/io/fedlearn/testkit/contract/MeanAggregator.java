package io.fedlearn.testkit.contract;

import io.fedlearn.core.strategy.Aggregate;
import io.fedlearn.core.strategy.Aggregator;
import io.fedlearn.core.strategy.WeightedUpdate;
import io.fedlearn.core.task.UpdateForm;
import io.fedlearn.core.tensor.Model;
import java.util.ArrayList;
import java.util.List;

/** The weighted mean in its plainest form; open so that tests can break it. */
class MeanAggregator implements Aggregator.Streaming {
    List<double[]> sums = new ArrayList<>();
    Model global = Model.empty();
    UpdateForm form = UpdateForm.MODEL;
    double weight;
    int count;

    @Override
    public void begin(Model start) {
        global = start;
        sums = new ArrayList<>();
        start.tensors().forEach(tensor -> sums.add(new double[Math.toIntExact(tensor.elementCount())]));
        weight = 0;
        count = 0;
    }

    @Override
    public void accumulate(List<WeightedUpdate> updates) {
        updates.forEach(this::add);
    }

    void add(WeightedUpdate update) {
        Model model = update.update().model().orElseThrow();
        for (int i = 0; i < sums.size(); i++) {
            double[] sum = sums.get(i);
            model.tensors().get(i).addScaledTo(0, sum, 0, sum.length, update.weight());
        }
        form = update.update().form();
        weight += update.weight();
        count++;
    }

    @Override
    public Aggregate finish() {
        if (count == 0) {
            throw new IllegalStateException("no update was accumulated");
        }
        for (double[] sum : sums) {
            for (int j = 0; j < sum.length; j++) {
                sum[j] /= weight;
            }
        }
        return Aggregate.wrap(form, global.spec(), sums, count, weight);
    }
}
