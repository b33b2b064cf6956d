package io.fedlearn.privacy.central;

import io.fedlearn.core.tensor.InnerProduct;
import io.fedlearn.core.tensor.ModelSpec;
import io.fedlearn.core.tensor.TensorRole;
import io.fedlearn.core.tensor.TensorSpec;
import io.fedlearn.core.update.ModelDelta;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The sum of clipped model deltas in whole steps of a grid, over all floating-point tensors together. Sums of whole numbers are
 * exact in {@code double} up to 2^53, so the order and the number of threads change nothing. Confined to one thread at a time.
 *
 * <p>What each update adds is held to the radius by what was added, not by how it was scaled: the squares of those whole numbers
 * are summed exactly, and an update that comes out too long is taken back and made shorter.
 */
final class ClippedSum {
    /** Each adds less than 2^26, and a first try at most 2^31, to sums that are exact below 2^53. */
    private static final int MOST_UPDATES = 1 << 24;

    /** Small enough for the first-level cache, beside what the delta reads: four passes go over it. */
    private static final int BLOCK = 512;

    /** By what to scale deltas whose squares overflow. */
    private static final double TINY = 0x1p-600;

    private final ModelSpec spec;
    private final Buffers buffers;
    private final List<double[]> sums;
    private final double[] block = new double[BLOCK];
    private int updateCount;

    /**
     * A sum of nothing.
     *
     * @throws IllegalArgumentException if the model holds a tensor that is neither a floating-point nor an integer one, or one
     *     that no array can hold
     */
    ClippedSum(ModelSpec spec) {
        this(spec, Buffers.COUNTED);
    }

    /** As {@link #ClippedSum(ModelSpec)}, with another rule for buffers. */
    ClippedSum(ModelSpec spec, Buffers buffers) {
        this.buffers = buffers;
        for (TensorSpec tensor : spec.tensors()) {
            if (!tensor.type().isFloating() && !tensor.type().isInteger()) {
                throw new IllegalArgumentException("tensor '" + tensor.name()
                        + "' must be of a number type to be clipped or kept, was " + tensor.type());
            }
            if (tensor.shape().elementCount() > Integer.MAX_VALUE - 8) {
                throw new IllegalArgumentException("tensor '" + tensor.name()
                        + "' must have at most 2^31-9 elements, had "
                        + tensor.shape().elementCount());
            }
        }
        this.spec = spec;
        this.sums = new ArrayList<>(spec.size());
        for (TensorSpec tensor : spec.tensors()) {
            sums.add(new double[(int) tensor.shape().elementCount()]);
        }
    }

    /** Of which model the tensors are. */
    ModelSpec spec() {
        return spec;
    }

    /** Forgets what was added. */
    void clear() {
        sums.forEach(sum -> Arrays.fill(sum, 0));
        updateCount = 0;
    }

    /**
     * The sums by the tensor's place, to be changed in place; those of integer tensors and kept buffers are 0, for
     * they stay as they are.
     */
    List<double[]> values() {
        return sums;
    }

    /** Whether the tensor at this place is summed. */
    boolean isSummed(int tensor) {
        TensorSpec summed = spec.tensors().get(tensor);
        return summed.type().isFloating() && (summed.role() != TensorRole.BUFFER || buffers == Buffers.COUNTED);
    }

    /**
     * Adds a delta, clipped to the radius and times its weight.
     *
     * @param weight in (0, 1]
     * @return the norm that it had
     */
    double add(ModelDelta delta, double weight, ClippingGrid grid) {
        if (updateCount == MOST_UPDATES) {
            throw new IllegalStateException("a private sum takes at most " + MOST_UPDATES + " updates");
        }
        updateCount++;
        double norm = addClipped(delta, weight, grid);
        // Nothing of a single update is left behind.
        Arrays.fill(block, 0);
        return norm;
    }

    private double addClipped(ModelDelta delta, double weight, ClippingGrid grid) {
        double norm = norm(delta);
        if (!(norm < Double.POSITIVE_INFINITY)) {
            // The border lets no such value pass; if one did, it would count as nothing.
            return Double.POSITIVE_INFINITY;
        }
        double scale = grid.scale(norm) * weight;
        while (!grid.holds(addScaled(delta, scale, 1))) {
            addScaled(delta, scale, -1);
            scale /= 2;
        }
        return norm;
    }

    private double norm(ModelDelta delta) {
        double squares = squares(delta, 1);
        // Finite values may have squares that are not.
        return squares < Double.POSITIVE_INFINITY ? Math.sqrt(squares) : Math.sqrt(squares(delta, TINY)) / TINY;
    }

    private double squares(ModelDelta delta, double scale) {
        InnerProduct product = new InnerProduct();
        for (int t = 0; t < sums.size(); t++) {
            int length = isSummed(t) ? sums.get(t).length : 0;
            for (int from = 0; from < length; from += block.length) {
                int count = Math.min(block.length, length - from);
                delta.read(t, from, block, 0, count);
                if (scale != 1) {
                    for (int i = 0; i < count; i++) {
                        block[i] *= scale;
                    }
                }
                product.add(block, block, count);
            }
        }
        return product.total();
    }

    /** Adds {@code sign} times the scaled values, rounded towards zero; gives the sum of squares of what it added. */
    private double addScaled(ModelDelta delta, double scale, int sign) {
        InnerProduct product = new InnerProduct();
        for (int t = 0; t < sums.size(); t++) {
            double[] sum = sums.get(t);
            int length = isSummed(t) ? sum.length : 0;
            for (int from = 0; from < length; from += block.length) {
                int count = Math.min(block.length, length - from);
                delta.read(t, from, block, 0, count);
                round(scale, count);
                product.add(block, block, count);
                for (int i = 0; i < count; i++) {
                    sum[from + i] += sign * block[i];
                }
            }
        }
        return product.total();
    }

    private void round(double scale, int count) {
        for (int i = 0; i < count; i++) {
            // What no int holds becomes the largest one, which no radius holds.
            block[i] = (int) (block[i] * scale);
        }
    }
}
