package io.fedlearn.privacy.site;

import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.ModelSpec;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.tensor.TensorRole;
import io.fedlearn.core.tensor.TensorSpec;
import io.fedlearn.core.tensor.TensorType;
import io.fedlearn.core.update.InvalidUpdateException;
import io.fedlearn.core.update.ModelDelta;
import io.fedlearn.core.update.TransformContext;
import io.fedlearn.core.update.UpdateTransform;
import io.fedlearn.privacy.internal.GridSampler;
import io.fedlearn.privacy.internal.GridVector;
import io.fedlearn.privacy.internal.NoiseSource;
import java.util.Arrays;

/** Makes a client's update its whole numbers with a share of the noise. Confined to one thread at a time. */
final class ShareEncoder implements UpdateTransform {
    /** Each attempt succeeds with probability 1 - beta at least: that so many fail is beyond belief. */
    private static final int MOST_ATTEMPTS = 20_000;

    private static final System.Logger LOG = System.getLogger(ShareEncoder.class.getName());

    private final ShareSettings settings;
    private final GridSampler noise;
    private final double[] block = new double[ModelDelta.MAX_BLOCK];

    ShareEncoder(ShareSettings settings) {
        this.settings = settings;
        this.noise = settings.noise().sampler(settings);
    }

    @Override
    public ClientUpdate apply(ClientUpdate update, TransformContext context) {
        ModelSpec spec = context.globalModel().spec();
        if (spec.trainableCount() != settings.dimension()) {
            throw InvalidUpdateException.of(
                    "noise is for " + settings.dimension() + " trainables, the model has " + spec.trainableCount());
        }
        NoiseSource secret = NoiseSource.secure();
        long[][] units = TrainableDelta.zeros(spec);
        round(TrainableDelta.of(update, context.globalModel()), secret, units);
        for (long[] part : units) {
            long[] share = new long[part.length];
            noise.fill(secret, share, 0, share.length);
            for (int i = 0; i < part.length; i++) {
                part[i] += share[i];
            }
        }
        return ClientUpdate.ofModelDelta(encoded(spec, units), 1);
    }

    /** Leaves zeros where the vector is not finite: to fail would tell of it. */
    private void round(GridVector delta, NoiseSource secret, long[][] units) {
        double norm = norm(delta);
        if (!Double.isFinite(norm)) {
            LOG.log(System.Logger.Level.WARNING, "the update is not finite, and noise alone is sent");
            return;
        }
        double factor = Math.min(1, settings.clippingNorm() / norm) / settings.step();
        long limit = settings.squaredLimit();
        for (int attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
            if (round(delta, factor, secret, limit, units)) {
                return;
            }
        }
        for (long[] part : units) {
            Arrays.fill(part, 0);
        }
    }

    /** Whether the norm, in whole numbers, came out within the limit. */
    private boolean round(GridVector delta, double factor, NoiseSource secret, long limit, long[][] units) {
        long squares = 0;
        long largest = (long) Math.sqrt((double) limit) + 1;
        for (int part = 0; part < delta.parts(); part++) {
            long[] target = units[part];
            for (int from = 0; from < target.length; from += block.length) {
                int count = Math.min(block.length, target.length - from);
                delta.read(part, from, block, count);
                for (int i = 0; i < count; i++) {
                    double scaled = block[i] * factor;
                    double floor = Math.floor(scaled);
                    long whole = (long) floor + (secret.nextDouble() < scaled - floor ? 1 : 0);
                    if (Math.abs(whole) > largest) {
                        return false;
                    }
                    squares += whole * whole;
                    if (squares > limit) {
                        return false;
                    }
                    target[from + i] = whole;
                }
            }
        }
        return true;
    }

    private double norm(GridVector delta) {
        double sum = 0;
        for (int part = 0; part < delta.parts(); part++) {
            int length = delta.length(part);
            for (int from = 0; from < length; from += block.length) {
                int count = Math.min(block.length, length - from);
                delta.read(part, from, block, count);
                for (int i = 0; i < count; i++) {
                    sum += block[i] * block[i];
                }
            }
        }
        return Math.sqrt(sum);
    }

    private static Model encoded(ModelSpec spec, long[][] units) {
        Model.Builder model = Model.builder();
        int part = 0;
        for (TensorSpec tensor : spec.tensors()) {
            if (tensor.role() == TensorRole.TRAINABLE) {
                // Integers cannot be trainables; the decoder gives the role back.
                model.buffer(tensor.name(), Tensor.ofIntegers(TensorType.INT64, tensor.shape(), units[part++]));
            }
        }
        return model.build();
    }

    @Override
    public String description() {
        return NoiseShares.NAME + settings.toConfig();
    }
}
