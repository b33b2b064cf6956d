package io.fedlearn.grpc.flower;

import com.google.protobuf.ByteString;
import com.google.protobuf.UnsafeByteOperations;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.ModelSpec;
import io.fedlearn.core.tensor.Shape;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.tensor.TensorRole;
import io.fedlearn.core.tensor.TensorSpec;
import io.fedlearn.core.tensor.TensorType;
import io.fedlearn.formats.FormatException;
import io.fedlearn.formats.ReadLimits;
import io.fedlearn.formats.numpy.Npy;
import io.fedlearn.grpc.proto.flower.Parameters;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Models as Flower's parameters, a list of {@code .npy} files without names, and back.
 *
 * <p><b>Types.</b> What comes back must have the types of the model that was sent, except what NumPy does to arrays by itself:
 * arithmetic widens floating-point types, so any of them is rounded to the model's (to nearest, ties to even); the default integer is
 * not of the same width on every platform, so any integer type is taken whose values the model's type holds; and averaging makes
 * floating-point numbers of counters, so those are rounded to whole ones again. Everything else is refused by the tensor's name.
 */
final class FlowerTensors {
    /** What Flower writes as the type of tensors; no reader looks at it. */
    static final String TENSOR_TYPE = "numpy.ndarray";

    private static final ReadLimits LIMITS =
            ReadLimits.defaults().withMaxHeaderBytes(1 << 16).withMaxHeapBytes(Integer.MAX_VALUE);

    private FlowerTensors() {}

    /**
     * The tensors of a model, in order.
     *
     * @throws IllegalArgumentException if one is of a type that NumPy does not have, or too large for an array
     */
    static Parameters write(Model model) {
        Parameters.Builder parameters = Parameters.newBuilder().setTensorType(TENSOR_TYPE);
        for (int i = 0; i < model.tensors().size(); i++) {
            encodedLength(model, i);
            parameters.addTensors(
                    UnsafeByteOperations.unsafeWrap(Npy.encode(model.tensors().get(i))));
        }
        return parameters.build();
    }

    /**
     * How many bytes the model's tensor at this place takes.
     *
     * @throws IllegalArgumentException if it is of a type that NumPy does not have, or too large for a message
     */
    static long encodedLength(Model model, int index) {
        String reason = "it takes more than the 2^31 - 1 bytes of a message";
        try {
            long length = Npy.encodedLength(model.tensors().get(index));
            if (length <= Integer.MAX_VALUE) {
                return length;
            }
        } catch (IllegalArgumentException e) {
            reason = String.valueOf(e.getMessage());
        }
        throw new IllegalArgumentException(
                "tensor '" + model.spec().tensors().get(index).name() + "' cannot be sent to a Flower peer: " + reason);
    }

    /**
     * The tensors of parameters, in order. Arrays of objects (pickles) are refused, and never looked into.
     *
     * @throws FlowerException naming the tensor by its place
     */
    static List<Tensor> read(Parameters parameters) throws FlowerException {
        List<Tensor> tensors = new ArrayList<>(parameters.getTensorsCount());
        for (int i = 0; i < parameters.getTensorsCount(); i++) {
            ByteString bytes = parameters.getTensors(i);
            try {
                tensors.add(read(i, bytes.newInput(), bytes.size()));
            } catch (IOException e) {
                throw new UncheckedIOException("reading from memory cannot fail", e);
            }
        }
        return tensors;
    }

    /** As {@link #read(Parameters)}, for the tensor at one place, which is the stream's next {@code length} bytes. */
    static Tensor read(int index, InputStream in, int length) throws FlowerException, IOException {
        try {
            return Npy.read(in, length, place(index), LIMITS);
        } catch (FormatException e) {
            throw new FlowerException(String.valueOf(e.getMessage()), e);
        }
    }

    /**
     * As {@link #read(int, InputStream, int)}, for a tensor that is to be this one, to whose type it is brought. Of what cannot be,
     * no value is read.
     */
    static Tensor read(int index, InputStream in, int length, TensorSpec spec) throws FlowerException, IOException {
        try {
            return conform(
                    Npy.read(in, length, place(index), LIMITS, (type, shape) -> {
                        Optional<String> problem = problem(type, shape, spec);
                        if (problem.isPresent()) {
                            throw new NonconformingException(problem.get());
                        }
                    }),
                    spec);
        } catch (FormatException | NonconformingException e) {
            throw new FlowerException(String.valueOf(e.getMessage()), e);
        }
    }

    /** Carries what is wrong with a header out of its reader. */
    private static final class NonconformingException extends RuntimeException {
        private static final long serialVersionUID = 1L;

        NonconformingException(String message) {
            super(message);
        }
    }

    private static Optional<String> problem(TensorType type, Shape shape, TensorSpec spec) {
        if (!shape.equals(spec.shape())) {
            return Optional.of("tensor '" + spec.name() + "' must have shape " + spec.shape() + ", had " + shape);
        }
        boolean fits = type == spec.type()
                || type.isFloating() && (spec.type().isFloating() || spec.role() == TensorRole.COUNTER)
                || type.isInteger() && spec.type().isInteger();
        return fits
                ? Optional.empty()
                : Optional.of("tensor '" + spec.name() + "' must be of type " + spec.type() + ", was " + type);
    }

    /** What messages call the tensor at this place. */
    static String place(int index) {
        return "tensors[" + index + "]";
    }

    /**
     * A model of this specification with these tensors, brought to its types as the class says.
     *
     * @throws FlowerException naming the number of tensors, or the tensor and its shape or type
     */
    static Model conform(List<Tensor> tensors, ModelSpec spec) throws FlowerException {
        if (tensors.size() != spec.size()) {
            throw new FlowerException("the model has " + spec.size() + " tensors, got " + tensors.size());
        }
        List<Tensor> conforming = new ArrayList<>(tensors.size());
        for (int i = 0; i < tensors.size(); i++) {
            conforming.add(conform(tensors.get(i), spec.tensors().get(i)));
        }
        return Model.of(spec, conforming);
    }

    /** As {@link #conform(List, ModelSpec)}, for one tensor. */
    static Tensor conform(Tensor tensor, TensorSpec spec) throws FlowerException {
        Optional<String> problem = problem(tensor.type(), tensor.shape(), spec);
        if (problem.isPresent()) {
            throw new FlowerException(problem.get());
        }
        if (tensor.type() == spec.type()) {
            return tensor;
        }
        boolean isFloating = tensor.type().isFloating();
        if (isFloating && spec.type().isFloating()) {
            return Tensor.computed(
                    spec.type(), spec.shape(), (from, block, count) -> tensor.copyTo(from, block, 0, count));
        }
        if (tensor.type().isInteger() && spec.type().isInteger()) {
            return integers(tensor, spec);
        }
        return rounded(tensor, spec);
    }

    private static Tensor integers(Tensor tensor, TensorSpec spec) throws FlowerException {
        long[] values = tensor.toLongArray();
        if ((tensor.type() == TensorType.UINT64) != (spec.type() == TensorType.UINT64)) {
            for (long value : values) {
                // What is negative as a long is another number in the other type.
                if (value < 0) {
                    throw outOfRange(tensor, spec);
                }
            }
        }
        try {
            return Tensor.ofIntegers(spec.type(), spec.shape(), values);
        } catch (IllegalArgumentException e) {
            throw outOfRange(tensor, spec);
        }
    }

    private static Tensor rounded(Tensor tensor, TensorSpec spec) throws FlowerException {
        try {
            return Tensor.computed(
                    spec.type(), spec.shape(), (from, block, count) -> tensor.copyTo(from, block, 0, count));
        } catch (IllegalArgumentException e) {
            throw outOfRange(tensor, spec);
        }
    }

    private static FlowerException outOfRange(Tensor tensor, TensorSpec spec) {
        return new FlowerException("tensor '" + spec.name() + "' must be of type " + spec.type() + ", was "
                + tensor.type() + " with a value that " + spec.type() + " does not hold");
    }
}
