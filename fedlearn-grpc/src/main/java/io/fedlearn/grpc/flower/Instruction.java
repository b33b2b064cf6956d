package io.fedlearn.grpc.flower;

import com.google.protobuf.CodedOutputStream;
import io.fedlearn.core.task.Config;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.formats.numpy.Npy;
import io.fedlearn.grpc.proto.flower.Parameters;
import io.fedlearn.grpc.proto.flower.ServerMessage;
import io.grpc.Drainable;
import io.grpc.KnownLength;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;

/**
 * A message of the server. Where it holds a model, the bytes are those of the generated {@link ServerMessage}, but made from the
 * model's own values as they are handed to the network: the tasks of a round share one model, and none has a copy of it. Immutable.
 */
final class Instruction {
    private static final int LENGTH_DELIMITED = 2;

    private final ServerMessage message;
    private final Model model;
    private final byte[] config;
    private final int field;
    private final long parametersLength;
    private final long bodyLength;
    private final long byteCount;

    private Instruction(ServerMessage message, Model model, byte[] config, int field) {
        this.message = message;
        this.model = model;
        this.config = config;
        this.field = field;
        if (field == 0) {
            this.parametersLength = 0;
            this.bodyLength = 0;
            this.byteCount = message.getSerializedSize();
        } else {
            long length =
                    CodedOutputStream.computeStringSize(Parameters.TENSOR_TYPE_FIELD_NUMBER, FlowerTensors.TENSOR_TYPE);
            for (int i = 0; i < model.tensors().size(); i++) {
                length += delimitedLength(FlowerTensors.encodedLength(model, i));
            }
            this.parametersLength = length;
            this.bodyLength = delimitedLength(length) + config.length;
            this.byteCount = delimitedLength(bodyLength);
        }
    }

    /** This message, which holds no model. */
    static Instruction of(ServerMessage message) {
        return new Instruction(message, Model.empty(), new byte[0], 0);
    }

    /**
     * Asks to train this model.
     *
     * @throws IllegalArgumentException if NumPy does not have the type of a tensor
     */
    static Instruction fit(Model model, Config config) {
        return withModel(ServerMessage.FIT_INS_FIELD_NUMBER, model, config);
    }

    /**
     * Asks what this model is worth.
     *
     * @throws IllegalArgumentException if NumPy does not have the type of a tensor
     */
    static Instruction evaluate(Model model, Config config) {
        return withModel(ServerMessage.EVALUATE_INS_FIELD_NUMBER, model, config);
    }

    private static Instruction withModel(int field, Model model, Config config) {
        // Both kinds of instruction have parameters and settings under the same numbers.
        byte[] settings = ServerMessage.FitIns.newBuilder()
                .putAllConfig(FlowerScalars.write(config))
                .build()
                .toByteArray();
        return new Instruction(ServerMessage.getDefaultInstance(), model, settings, field);
    }

    /** The length of a field below number 16 with so many bytes in it. */
    private static long delimitedLength(long length) {
        return 1 + CodedOutputStream.computeUInt64SizeNoTag(length) + length;
    }

    /** How many bytes the message has. */
    long byteCount() {
        return byteCount;
    }

    /** The message's bytes, for at most 2 GiB of them. */
    InputStream stream() {
        return field == 0 ? new ByteArrayInputStream(message.toByteArray()) : new ModelStream();
    }

    private void writeTo(OutputStream out) throws IOException {
        CodedOutputStream coded = CodedOutputStream.newInstance(out, 256);
        writeHead(coded, field, bodyLength);
        writeHead(coded, ServerMessage.FitIns.PARAMETERS_FIELD_NUMBER, parametersLength);
        for (int i = 0; i < model.tensors().size(); i++) {
            Tensor tensor = model.tensors().get(i);
            writeHead(coded, Parameters.TENSORS_FIELD_NUMBER, Npy.encodedLength(tensor));
            coded.flush();
            Npy.write(tensor, out);
        }
        coded.writeString(Parameters.TENSOR_TYPE_FIELD_NUMBER, FlowerTensors.TENSOR_TYPE);
        coded.writeRawBytes(config);
        coded.flush();
    }

    private static void writeHead(CodedOutputStream coded, int number, long length) throws IOException {
        coded.writeTag(number, LENGTH_DELIMITED);
        coded.writeUInt64NoTag(length);
    }

    /** What the transport asks for the bytes: first how many, then all at once. */
    private final class ModelStream extends InputStream implements Drainable, KnownLength {
        private InputStream rest = InputStream.nullInputStream();
        private boolean isMade;

        @Override
        public int available() throws IOException {
            return isMade ? rest.available() : Math.toIntExact(byteCount);
        }

        @Override
        public int drainTo(OutputStream target) throws IOException {
            if (isMade) {
                return (int) rest.transferTo(target);
            }
            isMade = true;
            writeTo(target);
            return (int) byteCount;
        }

        @Override
        public int read() throws IOException {
            return made().read();
        }

        @Override
        public int read(byte[] target, int from, int count) throws IOException {
            return made().read(target, from, count);
        }

        /** Only transports within a process read this way. */
        private InputStream made() {
            if (!isMade) {
                ByteArrayOutputStream bytes = new ByteArrayOutputStream();
                try {
                    writeTo(bytes);
                } catch (IOException e) {
                    throw new UncheckedIOException("writing to memory cannot fail", e);
                }
                rest = new ByteArrayInputStream(bytes.toByteArray());
                isMade = true;
            }
            return rest;
        }
    }
}
