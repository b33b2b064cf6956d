package io.fedlearn.grpc.internal.wire;

import com.google.protobuf.ByteString;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.ModelSpec;
import io.fedlearn.core.tensor.Shape;
import io.fedlearn.core.tensor.TensorRole;
import io.fedlearn.core.tensor.TensorSpec;
import io.fedlearn.core.tensor.TensorType;
import io.fedlearn.grpc.proto.v1.Payload;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;

/** The specifications of models on the wire; their values travel apart unless they are few. */
public final class WireModels {
    /** The most tensors of a payload: {@value}. */
    public static final int MAX_TENSORS = 100_000;

    private static final int DIGEST_BYTES = 32;

    private WireModels() {}

    /** A payload that names this model, without its values. */
    public static Payload describe(Model model) {
        Payload.Builder payload = Payload.newBuilder()
                .setByteCount(model.byteCount())
                .setDigest(ByteString.copyFrom(HexFormat.of().parseHex(model.digest())));
        for (TensorSpec tensor : model.spec().tensors()) {
            io.fedlearn.grpc.proto.v1.TensorSpec.Builder spec = io.fedlearn.grpc.proto.v1.TensorSpec.newBuilder()
                    .setName(tensor.name())
                    .setType(tensor.type().code())
                    .setRole(tensor.role().code());
            for (long length : tensor.shape().lengths()) {
                spec.addShape(length);
            }
            payload.addTensors(spec);
        }
        return payload.build();
    }

    /** What the payload's model must look like. */
    public static ModelSpec readSpec(String field, Payload payload) throws WireException {
        WireSettings.requireCount(field, payload.getTensorsCount(), MAX_TENSORS);
        if (payload.getDigest().size() != DIGEST_BYTES) {
            throw new WireException(field + ": a digest has " + DIGEST_BYTES + " bytes, this one "
                    + payload.getDigest().size());
        }
        List<TensorSpec> tensors = new ArrayList<>();
        ModelSpec spec;
        try {
            for (io.fedlearn.grpc.proto.v1.TensorSpec tensor : payload.getTensorsList()) {
                TensorType type = TensorType.ofCode(tensor.getType())
                        .orElseThrow(() -> new IllegalArgumentException(
                                "tensor '" + tensor.getName() + "' is of an unknown type"));
                TensorRole role = TensorRole.ofCode(tensor.getRole())
                        .orElseThrow(() ->
                                new IllegalArgumentException("tensor '" + tensor.getName() + "' has an unknown role"));
                long[] lengths = tensor.getShapeList().stream()
                        .mapToLong(Long::longValue)
                        .toArray();
                tensors.add(new TensorSpec(tensor.getName(), type, Shape.of(lengths), role));
            }
            spec = ModelSpec.of(tensors);
        } catch (IllegalArgumentException e) {
            throw new WireException(field, e);
        }
        if (spec.byteCount() != payload.getByteCount()) {
            throw new WireException(field + ": the tensors have " + spec.byteCount() + " bytes, the payload says "
                    + payload.getByteCount());
        }
        return spec;
    }

    /** The digest in lower-case hexadecimal, as {@link Model#digest()} gives it. */
    public static String hex(ByteString digest) {
        return HexFormat.of().formatHex(digest.toByteArray());
    }
}
