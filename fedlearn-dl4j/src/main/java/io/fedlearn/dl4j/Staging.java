package io.fedlearn.dl4j;

import java.nio.FloatBuffer;
import java.util.Optional;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.INDArrayIndex;
import org.nd4j.linalg.indexing.NDArrayIndex;

/** An array off the heap through which rows of numbers go to the network, used again for every batch. */
final class Staging {
    private final long[] rowShape;
    private Optional<INDArray> whole = Optional.empty();
    private Optional<INDArray> part = Optional.empty();
    private FloatBuffer memory = FloatBuffer.allocate(0);

    /** For rows of this shape. */
    Staging(long... rowShape) {
        this.rowShape = rowShape.clone();
    }

    /** Room for so many rows. */
    void require(int rows) {
        if (whole.isPresent() && whole.get().size(0) >= rows) {
            return;
        }
        whole.ifPresent(INDArray::close);
        whole = Optional.empty();
        part = Optional.empty();
        INDArray array = Nd4j.create(DataType.FLOAT, shape(rows), 'c');
        memory = Network.floats(array);
        whole = Optional.of(array);
    }

    private long[] shape(int rows) {
        long[] shape = new long[rowShape.length + 1];
        shape[0] = rows;
        System.arraycopy(rowShape, 0, shape, 1, rowShape.length);
        return shape;
    }

    /** What is to be filled, row after row. */
    FloatBuffer memory() {
        return memory;
    }

    /** The first rows, as the network is to see them. */
    INDArray rows(int rows) {
        INDArray all = whole.orElseThrow();
        if (all.size(0) == rows) {
            return all;
        }
        if (part.isEmpty() || part.get().size(0) != rows) {
            INDArrayIndex[] indexes = new INDArrayIndex[rowShape.length + 1];
            indexes[0] = NDArrayIndex.interval(0, rows);
            for (int i = 1; i < indexes.length; i++) {
                indexes[i] = NDArrayIndex.all();
            }
            part = Optional.of(all.get(indexes));
        }
        return part.get();
    }
}
