package io.fedlearn.testkit.generator;

import io.fedlearn.core.random.SeededRandom;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.ModelSpec;
import io.fedlearn.core.tensor.Shape;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.tensor.TensorRole;
import io.fedlearn.core.tensor.TensorSpec;
import io.fedlearn.core.tensor.TensorType;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/**
 * Random models and updates: the same ones, in the same order, for the same seed. Every value is finite. Mutable; confined to
 * one thread at a time.
 */
public final class ModelGenerator {
    /** Integers of moderate models lie in [0, {@value}). */
    public static final int INTEGER_BOUND = 100;

    private static final TensorType[] TYPES = TensorType.values();

    private final SeededRandom random;

    private ModelGenerator(long seed) {
        this.random = SeededRandom.of(seed);
    }

    /** A generator that starts from this seed. */
    public static ModelGenerator of(long seed) {
        return new ModelGenerator(seed);
    }

    /** A small model as networks have them: float32 weights and biases, a float32 buffer and an int64 counter. */
    public static ModelSpec networkSpec() {
        return ModelSpec.of(List.of(
                new TensorSpec("dense/weights", TensorType.FLOAT32, Shape.of(5, 3), TensorRole.TRAINABLE),
                new TensorSpec("dense/bias", TensorType.FLOAT32, Shape.of(3), TensorRole.TRAINABLE),
                new TensorSpec("norm/mean", TensorType.FLOAT32, Shape.of(3), TensorRole.BUFFER),
                new TensorSpec("norm/batches", TensorType.INT64, Shape.scalar(), TensorRole.COUNTER)));
    }

    /**
     * One tensor of each type and each role that the type may have, among them a scalar, an empty tensor, one of many
     * dimensions, one longer than the blocks in which tensors are read, and names that trouble files and wires.
     */
    public static ModelSpec everyTypeSpec() {
        List<TensorSpec> tensors = new ArrayList<>();
        for (TensorType type : TYPES) {
            if (type.isFloating()) {
                tensors.add(new TensorSpec("trainable " + type, type, Shape.of(3, 4), TensorRole.TRAINABLE));
            }
            if (type.isInteger()) {
                tensors.add(new TensorSpec("counter " + type, type, Shape.of(7), TensorRole.COUNTER));
            }
            tensors.add(new TensorSpec("buffer " + type, type, Shape.of(5), TensorRole.BUFFER));
        }
        tensors.add(new TensorSpec(
                "a/b.c\\d:\"e\" ü \u65e5\u672c \ud83d\ude00", TensorType.FLOAT32, Shape.of(2), TensorRole.TRAINABLE));
        tensors.add(new TensorSpec("../scalar", TensorType.FLOAT64, Shape.scalar(), TensorRole.TRAINABLE));
        tensors.add(new TensorSpec("__metadata__", TensorType.FLOAT32, Shape.of(1), TensorRole.BUFFER));
        tensors.add(new TensorSpec("empty", TensorType.FLOAT32, Shape.of(4, 0, 2), TensorRole.TRAINABLE));
        tensors.add(new TensorSpec("deep", TensorType.INT16, Shape.of(1, 2, 1, 2, 1, 2, 1), TensorRole.BUFFER));
        tensors.add(new TensorSpec("long", TensorType.FLOAT32, Shape.of(20_011), TensorRole.TRAINABLE));
        tensors.add(new TensorSpec("long half", TensorType.FLOAT16, Shape.of(9_001), TensorRole.BUFFER));
        return ModelSpec.of(tensors);
    }

    /** A random specification of 1 to 6 tensors of any type, role and small shape. */
    public ModelSpec nextSpec() {
        List<TensorSpec> tensors = new ArrayList<>();
        int count = 1 + random.nextInt(6);
        for (int i = 0; i < count; i++) {
            TensorType type = TYPES[random.nextInt(TYPES.length)];
            long[] lengths = new long[random.nextInt(4)];
            for (int axis = 0; axis < lengths.length; axis++) {
                lengths[axis] = random.nextInt(5);
            }
            tensors.add(new TensorSpec("tensor" + i, type, Shape.of(lengths), nextRole(type)));
        }
        return ModelSpec.of(tensors);
    }

    private TensorRole nextRole(TensorType type) {
        if (random.nextInt(3) == 0) {
            return TensorRole.BUFFER;
        }
        if (type.isFloating()) {
            return TensorRole.TRAINABLE;
        }
        return type.isInteger() ? TensorRole.COUNTER : TensorRole.BUFFER;
    }

    /**
     * A model of this specification with values as in training: normally distributed floating-point numbers, whole numbers
     * from 0 to {@value #INTEGER_BOUND}, excluded. Sums of many do not overflow.
     */
    public Model nextModerate(ModelSpec spec) {
        List<Tensor> tensors = new ArrayList<>();
        for (TensorSpec tensor : spec.tensors()) {
            double[] values = new double[Math.toIntExact(tensor.shape().elementCount())];
            for (int i = 0; i < values.length; i++) {
                values[i] = tensor.type().isFloating()
                        ? random.nextGaussian()
                        : random.nextInt(tensor.type() == TensorType.BOOL ? 2 : INTEGER_BOUND);
            }
            tensors.add(Tensor.rounded(tensor.type(), tensor.shape(), values));
        }
        return Model.of(spec, tensors);
    }

    /**
     * A model of this specification with any finite bits: many signed zeros, subnormals and extreme values among them, and
     * integers over their whole range. For what carries and stores; sums of these overflow.
     */
    public Model nextAnyBits(ModelSpec spec) {
        List<Tensor> tensors = new ArrayList<>();
        for (TensorSpec tensor : spec.tensors()) {
            int count = Math.toIntExact(tensor.shape().elementCount());
            ByteBuffer bytes =
                    ByteBuffer.allocate(count * tensor.type().byteSize()).order(ByteOrder.LITTLE_ENDIAN);
            for (int i = 0; i < count; i++) {
                putBits(tensor.type(), bytes);
            }
            tensors.add(Tensor.decode(tensor.type(), tensor.shape(), bytes.flip()));
        }
        return Model.of(spec, tensors);
    }

    private void putBits(TensorType type, ByteBuffer bytes) {
        long bits = type == TensorType.BOOL ? random.nextInt(2) : nextBits(type);
        switch (type.byteSize()) {
            case 1 -> bytes.put((byte) bits);
            case 2 -> bytes.putShort((short) bits);
            case 4 -> bytes.putInt((int) bits);
            default -> bytes.putLong(bits);
        }
    }

    private long nextBits(TensorType type) {
        long sign = 1L << (8 * type.byteSize() - 1);
        // For integers too these are the interesting ones: 0, the smallest, 1, -1, and beside the largest.
        long bits = switch (random.nextInt(12)) {
            case 0 -> 0;
            case 1 -> sign;
            case 2 -> 1;
            case 3 -> sign | 1;
            case 4 -> exponentMask(type) - 1;
            case 5 -> sign - 1;
            default -> random.nextLong();
        };
        long exponent = exponentMask(type);
        // An exponent of ones alone would be an infinity or NaN: its lowest bit goes.
        return exponent != 0 && (bits & exponent) == exponent ? bits & ~(exponent & -exponent) : bits;
    }

    private static long exponentMask(TensorType type) {
        return switch (type) {
            case FLOAT16 -> 0x7c00L;
            case BFLOAT16 -> 0x7f80L;
            case FLOAT32 -> 0x7f800000L;
            case FLOAT64 -> 0x7ff0000000000000L;
            default -> 0;
        };
    }

    /** An update that holds a moderate model of this specification and rests on 1 to 1,000 examples. */
    public ClientUpdate nextUpdate(ModelSpec spec) {
        return ClientUpdate.ofModel(nextModerate(spec), 1 + random.nextInt(1000))
                .withMetric("loss", random.nextDouble());
    }
}
