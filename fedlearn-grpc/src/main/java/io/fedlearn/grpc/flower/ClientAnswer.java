package io.fedlearn.grpc.flower;

import com.google.protobuf.CodedOutputStream;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.WireFormat;
import io.fedlearn.core.tensor.ModelSpec;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.tensor.TensorSpec;
import io.fedlearn.core.update.UpdateSpool;
import io.fedlearn.grpc.proto.flower.ClientMessage;
import io.fedlearn.grpc.proto.flower.Parameters;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * A message of a client. Its tensors are decoded while the bytes come out of the network's buffers, so that they are in memory once
 * more and not twice; all else is left to the generated classes.
 *
 * @param message the message without its tensors
 * @param tensorCount how many tensors the message has
 * @param tensors the decoded ones: all, or the first of them, up to the first that is malformed
 * @param malformed what is wrong with the first tensor that is malformed
 * @param untaken why this side has no place for the tensors; then there are none
 */
record ClientAnswer(
        ClientMessage message,
        int tensorCount,
        List<Tensor> tensors,
        Optional<String> malformed,
        Optional<String> untaken) {
    /** What a message may have beside its tensors. */
    private static final int MAX_BYTES_BESIDE_TENSORS = 16 << 20;

    /** Where tensors go as they are read. */
    @FunctionalInterface
    interface Laying {
        /**
         * The tensor where it is to stay.
         *
         * @throws UpdateSpool.SpoolException if it cannot be laid there
         */
        Tensor lay(TensorSpec spec, Tensor tensor);
    }

    /**
     * Reads a message to its end.
     *
     * @param maxTensors how many tensors are decoded; what follows is counted and passed over
     * @throws FlowerException if it is not a message of Flower's protocol
     */
    static ClientAnswer read(InputStream in, int maxTensors) throws FlowerException {
        return read(in, maxTensors, Optional.empty(), (spec, tensor) -> tensor);
    }

    /**
     * As {@link #read(InputStream, int)}; the tensors are those of a specification, if any, or the first that is not is malformed.
     *
     * @param laying where those of a specification go
     */
    static ClientAnswer read(InputStream in, int maxTensors, Optional<ModelSpec> spec, Laying laying)
            throws FlowerException {
        try {
            return new Reader(in, maxTensors, spec, laying).read();
        } catch (EOFException | InvalidProtocolBufferException e) {
            throw new FlowerException("the message is not one of Flower's protocol: " + e.getMessage(), e);
        } catch (IOException e) {
            throw new UncheckedIOException("reading from the transport's memory cannot fail", e);
        }
    }

    /** Takes the tensors out of a message, and copies the rest. */
    private static final class Reader {
        private final InputStream in;
        private final int maxTensors;
        private final Optional<ModelSpec> spec;
        private final Laying laying;
        private final List<Tensor> tensors = new ArrayList<>();
        private int tensorCount;
        private Optional<String> malformed = Optional.empty();
        private Optional<String> untaken = Optional.empty();
        private long position;
        private int copied;

        Reader(InputStream in, int maxTensors, Optional<ModelSpec> spec, Laying laying) {
            this.in = in;
            this.maxTensors = maxTensors;
            this.spec = spec;
            this.laying = laying;
        }

        ClientAnswer read() throws IOException, FlowerException {
            ByteArrayOutputStream rest = new ByteArrayOutputStream();
            CodedOutputStream out = CodedOutputStream.newInstance(rest);
            int lastMember = 0;
            for (Optional<Integer> tag = firstTag(); tag.isPresent(); tag = firstTag()) {
                int member = WireFormat.getTagFieldNumber(tag.get());
                boolean isOfUnion = member >= ClientMessage.DISCONNECT_RES_FIELD_NUMBER
                        && member <= ClientMessage.EVALUATE_RES_FIELD_NUMBER
                        && isDelimited(tag.get());
                if (isOfUnion && member != lastMember) {
                    // The last member of the union counts, and what others held does not.
                    tensors.clear();
                    tensorCount = 0;
                    malformed = Optional.empty();
                    untaken = Optional.empty();
                    lastMember = member;
                }
                boolean hasTensors = member == ClientMessage.FIT_RES_FIELD_NUMBER
                        || member == ClientMessage.GET_PARAMETERS_RES_FIELD_NUMBER;
                if (hasTensors && isDelimited(tag.get())) {
                    byte[] body = withoutTensors(readLength());
                    out.writeByteArray(member, body);
                } else {
                    copy(tag.get(), Long.MAX_VALUE, out);
                }
            }
            out.flush();
            return new ClientAnswer(
                    ClientMessage.parseFrom(rest.toByteArray()), tensorCount, tensors, malformed, untaken);
        }

        private static boolean isDelimited(int tag) {
            return WireFormat.getTagWireType(tag) == WireFormat.WIRETYPE_LENGTH_DELIMITED;
        }

        /** A fit or parameters answer: its parameters, which have the same number in both, lose their tensors. */
        private byte[] withoutTensors(int length) throws IOException, FlowerException {
            ByteArrayOutputStream rest = new ByteArrayOutputStream();
            CodedOutputStream out = CodedOutputStream.newInstance(rest);
            long end = position + length;
            while (position < end) {
                int tag = readTag();
                if (WireFormat.getTagFieldNumber(tag) == ClientMessage.FitRes.PARAMETERS_FIELD_NUMBER
                        && isDelimited(tag)) {
                    out.writeByteArray(
                            ClientMessage.FitRes.PARAMETERS_FIELD_NUMBER, parameters(within(readLength(), end)));
                } else {
                    copy(tag, end, out);
                }
            }
            requireAt(end);
            out.flush();
            return rest.toByteArray();
        }

        private byte[] parameters(int length) throws IOException, FlowerException {
            ByteArrayOutputStream rest = new ByteArrayOutputStream();
            CodedOutputStream out = CodedOutputStream.newInstance(rest);
            long end = position + length;
            while (position < end) {
                int tag = readTag();
                if (WireFormat.getTagFieldNumber(tag) == Parameters.TENSORS_FIELD_NUMBER && isDelimited(tag)) {
                    readTensor(within(readLength(), end));
                } else {
                    copy(tag, end, out);
                }
            }
            requireAt(end);
            out.flush();
            return rest.toByteArray();
        }

        private void readTensor(int length) throws IOException {
            int index = tensorCount++;
            Counting tensor = new Counting(length);
            if (index < maxTensors && malformed.isEmpty() && untaken.isEmpty()) {
                try {
                    tensors.add(decode(index, tensor, length));
                } catch (FlowerException e) {
                    malformed = Optional.of(String.valueOf(e.getMessage()));
                } catch (UpdateSpool.SpoolException e) {
                    drop(String.valueOf(e.getMessage()));
                } catch (OutOfMemoryError e) {
                    drop("the heap has no room for " + FlowerTensors.place(index) + ", which has " + length + " bytes");
                }
            }
            in.skipNBytes(tensor.left);
            position += length;
        }

        private Tensor decode(int index, InputStream tensor, int length) throws IOException, FlowerException {
            if (spec.isEmpty()) {
                return FlowerTensors.read(index, tensor, length);
            }
            TensorSpec due = spec.get().tensors().get(index);
            return laying.lay(due, FlowerTensors.read(index, tensor, length, due));
        }

        /** The client is not to blame: its message is read to the end, so that it keeps its call. */
        private void drop(String reason) {
            tensors.clear();
            untaken = Optional.of(reason);
        }

        /** Copies one field whose tag was read. */
        private void copy(int tag, long end, CodedOutputStream out) throws IOException, FlowerException {
            out.writeUInt32NoTag(tag);
            switch (WireFormat.getTagWireType(tag)) {
                case WireFormat.WIRETYPE_VARINT -> out.writeUInt64NoTag(readVarint());
                case WireFormat.WIRETYPE_FIXED32 -> out.writeRawBytes(readBytes(within(Integer.BYTES, end)));
                case WireFormat.WIRETYPE_FIXED64 -> out.writeRawBytes(readBytes(within(Long.BYTES, end)));
                case WireFormat.WIRETYPE_LENGTH_DELIMITED -> {
                    int length = within(readLength(), end);
                    out.writeUInt32NoTag(length);
                    out.writeRawBytes(readBytes(length));
                }
                default -> throw new InvalidProtocolBufferException("it has a group");
            }
        }

        private int within(int length, long end) throws IOException {
            if (length > end - position) {
                throw new InvalidProtocolBufferException("a field goes beyond its message");
            }
            return length;
        }

        private void requireAt(long end) throws IOException {
            if (position != end) {
                throw new InvalidProtocolBufferException("a field goes beyond its message");
            }
        }

        private byte[] readBytes(int length) throws IOException, FlowerException {
            copied += Math.min(length, MAX_BYTES_BESIDE_TENSORS + 1);
            if (copied > MAX_BYTES_BESIDE_TENSORS) {
                throw new FlowerException(
                        "the message has more than " + MAX_BYTES_BESIDE_TENSORS + " bytes beside its tensors");
            }
            byte[] bytes = in.readNBytes(length);
            if (bytes.length < length) {
                throw new EOFException("it ends early");
            }
            position += length;
            return bytes;
        }

        private Optional<Integer> firstTag() throws IOException {
            int first = in.read();
            if (first < 0) {
                return Optional.empty();
            }
            position++;
            return Optional.of(requireTag(readVarint(first)));
        }

        private int readTag() throws IOException {
            return requireTag(readVarint());
        }

        private static int requireTag(long tag) throws IOException {
            if (tag != (int) tag || WireFormat.getTagFieldNumber((int) tag) == 0) {
                throw new InvalidProtocolBufferException("it has a field without a number");
            }
            return (int) tag;
        }

        private int readLength() throws IOException {
            long length = readVarint();
            if (length < 0 || length > Integer.MAX_VALUE) {
                throw new InvalidProtocolBufferException("a field has a negative length");
            }
            return (int) length;
        }

        private long readVarint() throws IOException {
            return readVarint(readByte());
        }

        private long readVarint(int first) throws IOException {
            long value = first & 0x7f;
            int next = first;
            for (int shift = 7; (next & 0x80) != 0; shift += 7) {
                if (shift > 63) {
                    throw new InvalidProtocolBufferException("a number has more than 10 bytes");
                }
                next = readByte();
                value |= (next & 0x7fL) << shift;
            }
            return value;
        }

        private int readByte() throws IOException {
            int next = in.read();
            if (next < 0) {
                throw new EOFException("it ends early");
            }
            position++;
            return next;
        }

        /** The bytes of one tensor, of which the reader may take any number. */
        private final class Counting extends InputStream {
            private int left;

            Counting(int length) {
                this.left = length;
            }

            @Override
            public int read() throws IOException {
                if (left == 0) {
                    return -1;
                }
                int next = in.read();
                left -= next < 0 ? 0 : 1;
                return next;
            }

            @Override
            public int read(byte[] target, int from, int count) throws IOException {
                if (count == 0) {
                    return 0;
                }
                if (left == 0) {
                    return -1;
                }
                int step = in.read(target, from, Math.min(count, left));
                left -= Math.max(0, step);
                return step;
            }
        }
    }
}
