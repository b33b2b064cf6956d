package io.fedlearn.formats.internal;

import io.fedlearn.core.tensor.Shape;
import io.fedlearn.core.tensor.TensorData;
import java.nio.ByteBuffer;

/** Column-major values seen in row-major order: each read gathers its elements. Reads are of whole elements. */
final class ColumnMajorBytes implements TensorData {
    private final HeapBytes columns;
    private final int elementSize;
    private final long[] lengths;
    private final long[] strides;

    ColumnMajorBytes(HeapBytes columns, Shape shape, int elementSize) {
        this.columns = columns;
        this.elementSize = elementSize;
        this.lengths = shape.lengths();
        this.strides = new long[lengths.length];
        long stride = 1;
        for (int axis = 0; axis < lengths.length; axis++) {
            strides[axis] = stride;
            stride *= lengths[axis];
        }
    }

    @Override
    public void read(long byteOffset, ByteBuffer target) {
        long rest = byteOffset / elementSize;
        long[] coordinates = new long[lengths.length];
        long source = 0;
        for (int axis = lengths.length - 1; axis >= 0; axis--) {
            coordinates[axis] = rest % lengths[axis];
            rest /= lengths[axis];
            source += coordinates[axis] * strides[axis];
        }
        while (target.hasRemaining()) {
            long at = source * elementSize;
            for (int i = 0; i < elementSize; i++) {
                target.put(columns.get(at + i));
            }
            for (int axis = lengths.length - 1; axis >= 0; axis--) {
                source += strides[axis];
                if (++coordinates[axis] < lengths[axis]) {
                    break;
                }
                source -= coordinates[axis] * strides[axis];
                coordinates[axis] = 0;
            }
        }
    }

    @Override
    public long heapBytes() {
        return columns.heapBytes();
    }
}
