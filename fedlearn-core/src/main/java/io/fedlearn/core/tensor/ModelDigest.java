package io.fedlearn.core.tensor;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/**
 * Computes {@link Model#digest()} from values that come in pieces, as they do from a network: the values of all tensors in order,
 * little-endian and row-major, without anything between them. Confined to one thread at a time.
 */
public final class ModelDigest {
    private static final byte[] PREFIX = "fedlearn-model-1".getBytes(StandardCharsets.US_ASCII);
    /** The length of the name, type, role, rank, and as many lengths as a shape may have. */
    private static final int HEADER_BYTES = Integer.BYTES + 3 + Shape.MAX_RANK * Long.BYTES;

    private final MessageDigest sha = sha256();
    private final ModelSpec spec;
    private int tensor;
    private long left;

    private ModelDigest(ModelSpec spec) {
        this.spec = spec;
        sha.update(PREFIX);
        enterTensors();
    }

    /** The digest of a model of this specification. */
    public static ModelDigest of(ModelSpec spec) {
        return new ModelDigest(spec);
    }

    /**
     * Takes the next bytes of the values.
     *
     * @throws IllegalArgumentException if they are more than the model has
     */
    public void update(ByteBuffer littleEndian) {
        int end = littleEndian.limit();
        while (littleEndian.position() < end) {
            if (tensor >= spec.size()) {
                throw new IllegalArgumentException("the model's values end before these bytes do");
            }
            int count = (int) Math.min(left, end - littleEndian.position());
            littleEndian.limit(littleEndian.position() + count);
            sha.update(littleEndian);
            littleEndian.limit(end);
            left -= count;
            if (left == 0) {
                tensor++;
                enterTensors();
            }
        }
    }

    /** Takes the header of the tensor that comes next, and those of tensors without values before it. */
    private void enterTensors() {
        while (tensor < spec.size()) {
            TensorSpec next = spec.tensors().get(tensor);
            byte[] name = next.name().getBytes(StandardCharsets.UTF_8);
            ByteBuffer header = ByteBuffer.allocate(HEADER_BYTES + name.length).order(ByteOrder.LITTLE_ENDIAN);
            header.putInt(name.length).put(name);
            header.put((byte) next.type().code());
            header.put((byte) next.role().code());
            header.put((byte) next.shape().rank());
            for (long length : next.shape().lengths()) {
                header.putLong(length);
            }
            sha.update(header.flip());
            left = next.byteCount();
            if (left > 0) {
                return;
            }
            tensor++;
        }
    }

    /**
     * The digest, in lower-case hexadecimal. Called once.
     *
     * @throws IllegalStateException if values are missing
     */
    public String finish() {
        if (tensor < spec.size()) {
            throw new IllegalStateException(
                    "values of tensor '" + spec.tensors().get(tensor).name() + "' are missing");
        }
        return HexFormat.of().formatHex(sha.digest());
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform must have SHA-256", e);
        }
    }
}
