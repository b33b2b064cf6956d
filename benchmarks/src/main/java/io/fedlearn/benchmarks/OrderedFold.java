package io.fedlearn.benchmarks;

import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.tensor.ScaledSum;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.update.UpdateSpool;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Float64 sums in the order of client ids, as the round loop does it: an update that comes before its turn waits on the heap
 * while all that wait take at most {@code heldLimit} bytes, and beyond that in the spool's file.
 */
final class OrderedFold implements Summation {
    private static final int BLOCK = ScaledSum.MAX_BLOCK;

    private final double[] sum;
    private final long heldLimit;
    private final int maxList;
    private final ScaledSum kernel = new ScaledSum();
    private final Map<Integer, ClientUpdate> waiting = new TreeMap<>();
    private UpdateSpool spool = UpdateSpool.inTemporaryDirectory();
    private long heldBytes;
    private int turn;
    private double divisor = 1;
    private long spooledBytes;

    /**
     * A fold.
     *
     * @param maxList how many updates are added in one pass where so many wait
     */
    OrderedFold(int parameters, long heldLimit, int maxList) {
        this.sum = new double[parameters];
        this.heldLimit = heldLimit;
        this.maxList = maxList;
    }

    @Override
    public void begin() {
        Arrays.fill(sum, -0.0);
        waiting.clear();
        heldBytes = 0;
        turn = 0;
    }

    @Override
    public void arrive(int client, Updates updates) {
        ClientUpdate update = updates.update(client);
        if (client != turn && heldBytes + update.heapBytes() > heldLimit) {
            update = spool.write(update);
        }
        heldBytes += update.heapBytes();
        waiting.put(client, update);
        while (waiting.containsKey(turn)) {
            List<ClientUpdate> list = new ArrayList<>();
            while (list.size() < maxList && waiting.containsKey(turn)) {
                list.add(waiting.remove(turn++));
            }
            add(list);
            for (ClientUpdate added : list) {
                heldBytes -= added.heapBytes();
            }
        }
    }

    private void add(List<ClientUpdate> list) {
        Tensor[] tensors = new Tensor[list.size()];
        double[] scales = new double[list.size()];
        for (int k = 0; k < tensors.length; k++) {
            tensors[k] = list.get(k).model().orElseThrow().tensors().get(0);
            scales[k] = list.get(k).exampleCount();
        }
        for (int at = 0; at < sum.length; at += BLOCK) {
            kernel.add(tensors, scales, at, sum, at, Math.min(BLOCK, sum.length - at));
        }
    }

    @Override
    public void finish(double totalCount, float[] mean) {
        divisor = totalCount;
        for (int i = 0; i < sum.length; i++) {
            mean[i] = (float) (sum[i] / totalCount);
        }
        spooledBytes = spool.byteCount();
        // As a round ends: its spool is deleted with it.
        spool.close();
        spool = UpdateSpool.inTemporaryDirectory();
    }

    @Override
    public double mean(int index) {
        return sum[index] / divisor;
    }

    @Override
    public int accumulatorBytes() {
        return Double.BYTES;
    }

    @Override
    public long spooledBytes() {
        return spooledBytes;
    }
}
