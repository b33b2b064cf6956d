package io.fedlearn.privacy.central;

import io.fedlearn.core.budget.PrivacyCharge;
import io.fedlearn.core.strategy.Aggregate;
import io.fedlearn.core.strategy.Aggregator;
import io.fedlearn.core.strategy.WeightedUpdate;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.task.UpdateForm;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.ModelSpec;
import io.fedlearn.core.update.InvalidUpdateException;
import io.fedlearn.core.update.ModelDelta;
import io.fedlearn.core.update.PartState;
import io.fedlearn.privacy.internal.GridSampler;
import io.fedlearn.privacy.internal.NoiseSource;
import java.util.List;
import java.util.Optional;

/**
 * A noisy mean of clipped model deltas: all of a private round's release, and so all of its argument, in one place.
 *
 * <p>With the clipping norm {@code C}, weights {@code p_k} in (0, 1] (1, or the examples up to a cap over that cap) and the
 * expected cohort {@code n}, which is public, over all floating-point tensors together, trainables and {@link Buffers} that count:
 * <pre>
 *   d     = sum_{k in S} p_k clip_C(w_k - w) + N(0, (z C)^2)
 *   delta = d / n
 * </pre>
 * Integer tensors, and buffers that are kept, stay those of the global model. A round without updates gives noise alone.
 *
 * <p><b>Sensitivity.</b> Every clipped delta is a vector of whole steps of a public grid, of norm at most {@code R} steps, which
 * {@link ClippedSum} makes sure of in exact arithmetic. So one client more, one less, or one that sends nothing instead, moves the
 * exact sum by at most {@code R}, and one replaced by at most {@code 2 R}, in whatever way its values were computed.
 *
 * <p><b>Guarantee.</b> The noise is a Gaussian variable of standard deviation {@code z R}, rounded to whole steps. The sum being
 * whole, rounding the noise is rounding the noisy sum: what is released is a function of what the Gaussian mechanism of noise
 * multiplier {@code z} (under replacement {@code z / 2}) releases. Step, division and everything after it are functions of that
 * and of what is public. No un-noised sum is stored, returned or kept after the round.
 *
 * <p><b>Randomness</b>: a cryptographic stream, keyed afresh each round. <b>Threads.</b> {@link #check} may be called from any
 * thread; the rest is confined to one at a time.
 */
final class PrivateMean implements Aggregator.Streaming {
    private final CentralPrivacy privacy;
    private final NoiseSamplers samplers;
    private final ClippingNorm norm;
    private final NoiseRule noise;
    // Making a sampler takes some milliseconds; with fixed clipping it is always the same.
    private Optional<GridSampler> sampler = Optional.empty();
    private double deviation;
    private Optional<ClippedSum> sum = Optional.empty();
    private Optional<Model> global = Optional.empty();

    PrivateMean(CentralPrivacy privacy, NoiseSamplers samplers) {
        this.privacy = privacy;
        this.samplers = samplers;
        this.norm = new ClippingNorm(privacy.clipping(), privacy.expectedCohort(), samplers);
        this.noise = privacy.restartEvery().isPresent()
                ? new TreeNoise(privacy.restartEvery().getAsInt())
                : new FreshNoise();
    }

    @Override
    public String description() {
        return "private-mean";
    }

    @Override
    public boolean takesModelDeltas() {
        return true;
    }

    @Override
    public Optional<PrivacyCharge> charge(int round) {
        return noise.isCharged() ? Optional.of(privacy.charge(round)) : Optional.empty();
    }

    /** Refuses a sum over several clients, of which no single one could be clipped. */
    @Override
    public void check(ClientUpdate update, ModelSpec spec) {
        if (update.form() == UpdateForm.WEIGHTED_SUM) {
            throw InvalidUpdateException.of(
                    "a sum over several clients cannot be clipped to what one of them may change");
        }
    }

    /**
     * {@inheritDoc}
     *
     * @throws IllegalArgumentException if the model holds a bool tensor, or one that no array can hold
     */
    @Override
    public void begin(Model start) {
        if (sum.isPresent() && sum.get().spec().equals(start.spec())) {
            sum.get().clear();
        } else {
            // Given up before the new one is there, so that both are never alive at once.
            sum = Optional.empty();
            noise.forget();
            sum = Optional.of(new ClippedSum(start.spec(), privacy.buffers()));
        }
        norm.begin();
        global = Optional.of(start);
    }

    @Override
    public void accumulate(List<WeightedUpdate> updates) {
        Model start =
                global.orElseThrow(() -> new IllegalStateException("accumulate is called between begin and finish"));
        ClippingGrid grid = ClippingGrid.of(norm.value());
        for (WeightedUpdate update : updates) {
            // The weight is computed here, whatever the strategy's weighting says: it is part of the sensitivity.
            double weight = privacy.weight(update.update());
            norm.add(sum.orElseThrow().add(ModelDelta.of(update.update(), start), weight, grid));
        }
    }

    @Override
    public Aggregate finish() {
        if (global.isEmpty()) {
            throw new IllegalStateException("finish is called once after begin");
        }
        global = Optional.empty();
        ClippedSum whole = sum.orElseThrow();
        ClippingGrid grid = ClippingGrid.of(norm.value());
        NoiseSource source = samplers.source();
        noise.addTo(whole, sampler(Math.nextUp(privacy.deltaNoiseMultiplier() * grid.radius())), source);
        norm.finish(source);
        for (double[] values : whole.values()) {
            for (int i = 0; i < values.length; i++) {
                values[i] = values[i] * grid.step() / privacy.expectedCohort();
            }
        }
        // Neither number depends on who took part.
        int cohort = (int) Math.max(1, Math.rint(privacy.expectedCohort()));
        return Aggregate.wrap(UpdateForm.MODEL_DELTA, whole.spec(), whole.values(), cohort, privacy.expectedCohort());
    }

    private GridSampler sampler(double standardDeviation) {
        if (sampler.isEmpty() || deviation != standardDeviation) {
            sampler = Optional.of(samplers.gaussian(standardDeviation));
            deviation = standardDeviation;
        }
        return sampler.get();
    }

    @Override
    public PartState snapshot() {
        return norm.snapshot();
    }

    /** Takes up the clipping norm; a tree is given up, since its noise is nowhere but in memory. */
    @Override
    public void restore(PartState state) {
        norm.restore(state);
        noise.forget();
        sum.ifPresent(ClippedSum::clear);
        global = Optional.empty();
    }
}
