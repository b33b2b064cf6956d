package io.fedlearn.grpc.internal.transfer;

import com.google.protobuf.ByteString;
import com.google.protobuf.UnsafeByteOperations;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.ModelSpec;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.grpc.internal.wire.WireException;
import io.fedlearn.grpc.internal.wire.WireModels;
import io.fedlearn.grpc.proto.v1.Payload;
import java.nio.ByteBuffer;
import java.util.List;

/**
 * A model as it goes to a peer: described once, its values encoded chunk by chunk when they are sent, so that any number of
 * transfers share the one model. Thread-safe.
 */
public final class EncodedModel {
    private final Model model;
    private final Payload description;

    private EncodedModel(Model model) {
        this.model = model;
        this.description = WireModels.describe(model);
    }

    /** The model to send. */
    public static EncodedModel of(Model model) {
        return new EncodedModel(model);
    }

    /**
     * The model of a payload that carries its values.
     *
     * @param field what to call the payload in messages
     * @throws WireException if it does not carry them, or they are not what it says
     */
    public static Model decode(String field, Payload payload) throws WireException {
        ModelSpec spec = WireModels.readSpec(field, payload);
        ByteString values = payload.getValues();
        if (values.size() != spec.byteCount()) {
            throw new WireException(
                    field + ": has " + spec.byteCount() + " bytes of values, the payload carries " + values.size());
        }
        ModelReceiver receiver = ModelReceiver.onHeap(spec, WireModels.hex(payload.getDigest()));
        receiver.accept(values.asReadOnlyByteBuffer());
        try {
            return receiver.finish();
        } catch (ChunkException e) {
            throw new WireException(field + ": " + e.getMessage());
        }
    }

    /** Its payload: with its values, if they have at most so many bytes. */
    public Payload payload(int inlineBytes) {
        return model.byteCount() > inlineBytes
                ? description
                : description.toBuilder()
                        .setValues(values(0, (int) model.byteCount()))
                        .build();
    }

    /** Its payload without its values. */
    public Payload description() {
        return description;
    }

    /** The model. */
    public Model model() {
        return model;
    }

    /** The bytes of all values. */
    public long byteCount() {
        return model.byteCount();
    }

    /** So many bytes of values from this offset on. */
    ByteString values(long offset, int count) {
        ByteBuffer buffer = ByteBuffer.allocate(count);
        read(offset, buffer);
        return UnsafeByteOperations.unsafeWrap(buffer.flip());
    }

    private void read(long offset, ByteBuffer target) {
        List<Tensor> tensors = model.tensors();
        long start = 0;
        for (Tensor tensor : tensors) {
            long end = start + tensor.byteCount();
            long position = offset + target.position();
            if (position < end && target.hasRemaining()) {
                readTensor(tensor, position - start, target);
            }
            start = end;
        }
    }

    /** Appends a tensor's bytes from one on, which may lie within an element. */
    private static void readTensor(Tensor tensor, long from, ByteBuffer target) {
        int size = tensor.type().byteSize();
        long element = from / size;
        int skip = (int) (from % size);
        ByteBuffer one = ByteBuffer.allocate(size);
        while (target.hasRemaining() && element < tensor.elementCount()) {
            if (skip > 0 || target.remaining() < size) {
                tensor.encodeTo(element++, one.clear());
                one.flip().position(skip);
                skip = 0;
                one.limit(Math.min(size, one.position() + target.remaining()));
                target.put(one);
            } else {
                element += tensor.encodeTo(element, target);
            }
        }
    }
}
