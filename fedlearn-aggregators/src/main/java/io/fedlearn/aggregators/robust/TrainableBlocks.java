package io.fedlearn.aggregators.robust;

import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.tensor.TensorRole;
import java.util.Arrays;

/**
 * Walks through the trainables of all updates in step, in float64, so that each update is read once however many pairs of
 * updates are compared. Tensors follow each other without a gap: many small ones cost no more than a large one.
 *
 * <p>Squared distances are sums over differences, never over inner products: the difference of two float32 values that
 * lie near each other is exact in {@code double}, where {@code ||a||^2 + ||b||^2 - 2 a b} would be noise, or below zero.
 * Nor need the global model be taken off first: it would cancel. Confined to one thread at a time.
 */
final class TrainableBlocks {
    /** So many elements of a row are in a piece; as many partial sums does a distance keep. */
    static final int PIECE = 512;

    /** At most so many values of all updates together are in memory, where that leaves a piece of each. */
    private static final int MAX_VALUES = 1 << 19;

    private static final int MOST_PIECES = 16;

    private final TensorReader reader = new TensorReader();
    private final double[] values = new double[MOST_PIECES * PIECE];
    private double[][][] pieces = {};

    /** What is done with a block. */
    interface Use {
        /**
         * Sees the next elements of all updates.
         *
         * @param pieces by piece and update; what lies behind the model's end is 0
         * @param count how many pieces there are
         */
        void with(double[][][] pieces, int count);
    }

    /** Reads the trainables of these updates from first to last. */
    void forEach(Cohort cohort, Use use) {
        int rows = cohort.size();
        long needed = (cohort.spec().trainableCount() + PIECE - 1) / PIECE;
        int most = (int) Math.max(1, Math.min(needed, Math.min(MOST_PIECES, MAX_VALUES / PIECE / rows)));
        if (pieces.length != most || pieces[0].length != rows) {
            pieces = new double[0][][];
            pieces = new double[most][rows][PIECE];
        }
        int filled = 0;
        for (int t = 0; t < cohort.spec().size(); t++) {
            if (cohort.spec().tensors().get(t).role() != TensorRole.TRAINABLE) {
                continue;
            }
            Tensor[] tensors = cohort.tensors(t);
            int length = (int) tensors[0].elementCount();
            int taken;
            for (int from = 0; from < length; from += taken) {
                taken = Math.min(length - from, most * PIECE - filled);
                for (int k = 0; k < rows; k++) {
                    read(tensors[k], from, taken, k, filled);
                }
                filled += taken;
                if (filled == most * PIECE) {
                    use.with(pieces, most);
                    filled = 0;
                }
            }
        }
        if (filled > 0) {
            int count = (filled + PIECE - 1) / PIECE;
            for (double[] last : pieces[count - 1]) {
                Arrays.fill(last, filled - (count - 1) * PIECE, PIECE, 0);
            }
            use.with(pieces, count);
        }
    }

    private void read(Tensor tensor, int from, int count, int row, int at) {
        reader.read(tensor, from, values, 0, count);
        int length;
        for (int done = 0; done < count; done += length) {
            int piece = (at + done) / PIECE;
            int offset = (at + done) % PIECE;
            length = Math.min(PIECE - offset, count - done);
            System.arraycopy(values, done, pieces[piece][row], offset, length);
        }
    }

    /** Adds the squares of what two rows of a piece differ by to as many partial sums: that, unlike one sum, runs in vector registers. */
    static void addSquares(double[] one, double[] other, double[] sums) {
        for (int i = 0; i < PIECE; i++) {
            double difference = one[i] - other[i];
            sums[i] += difference * difference;
        }
    }

    /** The partial sums added up, in a fixed order. */
    static double total(double[] sums) {
        double sum0 = 0;
        double sum1 = 0;
        double sum2 = 0;
        double sum3 = 0;
        for (int i = 0; i < PIECE; i += 4) {
            sum0 += sums[i];
            sum1 += sums[i + 1];
            sum2 += sums[i + 2];
            sum3 += sums[i + 3];
        }
        return (sum0 + sum1) + (sum2 + sum3);
    }
}
