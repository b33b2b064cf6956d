package io.fedlearn.grpc.server;

import io.fedlearn.core.task.ClientOutcome;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.ModelSpec;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.tensor.TensorSpec;
import io.fedlearn.grpc.internal.wire.WireAnswers;
import io.fedlearn.grpc.internal.wire.WireException;
import io.fedlearn.grpc.internal.wire.WireModels;
import io.fedlearn.grpc.proto.v1.Payload;
import io.fedlearn.grpc.proto.v1.TaskAnswer;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/** Answers that travel with all their values in one message. */
final class InlineAnswers {
    private InlineAnswers() {}

    /** Thrown when values are not those that the answer's digest names. */
    static final class CorruptException extends Exception {
        private static final long serialVersionUID = 1L;

        CorruptException(String message) {
            super(message);
        }

        /** What is wrong; never missing. */
        @Override
        public String getMessage() {
            return String.valueOf(super.getMessage());
        }
    }

    /** The bytes that the values of an answer have by its own word; {@link Long#MAX_VALUE} if they are nonsense. */
    static long byteCount(TaskAnswer answer) {
        long bytes = 0;
        for (Payload payload : WireAnswers.payloads(answer.getUpdate())) {
            long count = payload.getByteCount();
            if (count < 0 || count > Long.MAX_VALUE - bytes) {
                return Long.MAX_VALUE;
            }
            bytes += count;
        }
        return bytes;
    }

    /** The outcome that an answer tells. */
    static ClientOutcome read(TaskAnswer answer) throws WireException, CorruptException {
        return switch (answer.getOutcomeCase()) {
            case UPDATE -> {
                List<Model> models = new ArrayList<>();
                for (Payload payload : WireAnswers.payloads(answer.getUpdate())) {
                    models.add(model(payload));
                }
                yield new ClientOutcome.Completed(WireAnswers.read(answer.getUpdate(), models));
            }
            case DECLINED -> new ClientOutcome.Declined(answer.getDeclined().getReason());
            case FAILED -> new ClientOutcome.Failed(answer.getFailed().getReason());
            case OUTCOME_NOT_SET -> throw new WireException("answer: holds no outcome that this version knows");
        };
    }

    private static Model model(Payload payload) throws WireException, CorruptException {
        ModelSpec spec = WireModels.readSpec("answer", payload);
        if (!payload.hasValues() && spec.byteCount() > 0) {
            throw new WireException("answer: its values are missing; what does not fit in an answer is uploaded");
        }
        ByteBuffer values = payload.getValues().asReadOnlyByteBuffer().order(ByteOrder.LITTLE_ENDIAN);
        if (values.remaining() != spec.byteCount()) {
            throw new WireException(
                    "answer: has " + values.remaining() + " bytes of values, its tensors have " + spec.byteCount());
        }
        List<Tensor> tensors = new ArrayList<>();
        for (TensorSpec tensor : spec.tensors()) {
            ByteBuffer own = values.slice(values.position(), (int) tensor.byteCount());
            values.position(values.position() + own.remaining());
            tensors.add(Tensor.decode(tensor.type(), tensor.shape(), own));
        }
        Model model = Model.of(spec, tensors);
        if (!model.digest().equals(WireModels.hex(payload.getDigest()))) {
            throw new CorruptException("the values have digest " + model.digest() + ", announced was "
                    + WireModels.hex(payload.getDigest()));
        }
        return model;
    }
}
