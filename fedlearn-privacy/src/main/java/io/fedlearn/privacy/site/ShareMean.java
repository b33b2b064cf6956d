package io.fedlearn.privacy.site;

import io.fedlearn.core.budget.PrivacyCharge;
import io.fedlearn.core.strategy.Aggregate;
import io.fedlearn.core.strategy.Aggregator;
import io.fedlearn.core.strategy.WeightedUpdate;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.task.UpdateForm;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.ModelSpec;
import io.fedlearn.core.tensor.TensorSpec;
import io.fedlearn.core.update.InvalidUpdateException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.IntFunction;

/** The plain mean of decoded shares, which needs as many of them as the noise was charged for. Confined to one thread at a time. */
final class ShareMean implements Aggregator.Streaming {
    private final int leastShares;
    private final IntFunction<PrivacyCharge> charge;
    private Optional<ModelSpec> spec = Optional.empty();
    private final List<double[]> sums = new ArrayList<>();
    private int count;

    ShareMean(int leastShares, IntFunction<PrivacyCharge> charge) {
        this.leastShares = leastShares;
        this.charge = charge;
    }

    @Override
    public String description() {
        return "mean-of-shares(leastShares=" + leastShares + ")";
    }

    @Override
    public int leastUpdates() {
        return leastShares;
    }

    @Override
    public boolean takesModelDeltas() {
        return true;
    }

    @Override
    public Optional<PrivacyCharge> charge(int round) {
        return Optional.of(charge.apply(round));
    }

    @Override
    public void check(ClientUpdate update, ModelSpec global) {
        if (update.form() != UpdateForm.MODEL_DELTA) {
            throw InvalidUpdateException.of("a share must be a MODEL_DELTA, was a " + update.form());
        }
    }

    @Override
    public void begin(Model global) {
        spec = Optional.of(global.spec());
        sums.clear();
        for (TensorSpec tensor : global.spec().tensors()) {
            sums.add(new double[Math.toIntExact(tensor.shape().elementCount())]);
        }
        count = 0;
    }

    @Override
    public void accumulate(List<WeightedUpdate> updates) {
        for (WeightedUpdate weighted : updates) {
            Model delta = weighted.update().model().orElseThrow();
            for (int t = 0; t < sums.size(); t++) {
                double[] sum = sums.get(t);
                // Weights have no part in it: each client's numbers were clipped to count once.
                delta.tensors().get(t).addScaledTo(0, sum, 0, sum.length, 1);
            }
            count++;
        }
    }

    /**
     * {@inheritDoc}
     *
     * @throws InvalidUpdateException if there are fewer shares than were charged for: their sum would have too little noise
     */
    @Override
    public Aggregate finish() {
        ModelSpec model = spec.orElseThrow(() -> new IllegalStateException("finish is called after begin"));
        if (count < leastShares) {
            throw InvalidUpdateException.of(
                    "the noise needs the shares of " + leastShares + " clients, there were " + count);
        }
        for (double[] sum : sums) {
            for (int i = 0; i < sum.length; i++) {
                sum[i] /= count;
            }
        }
        return Aggregate.wrap(UpdateForm.MODEL_DELTA, model, List.copyOf(sums), count, count);
    }
}
