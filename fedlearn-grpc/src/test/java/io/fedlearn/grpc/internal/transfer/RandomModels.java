package io.fedlearn.grpc.internal.transfer;

import com.google.protobuf.ByteString;
import io.fedlearn.core.metric.Metrics;
import io.fedlearn.core.random.SeededRandom;
import io.fedlearn.core.task.ClientOutcome;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.task.UpdateForm;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Shape;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.tensor.TensorRole;
import io.fedlearn.core.tensor.TensorType;
import io.fedlearn.grpc.internal.wire.WireAnswers;
import io.fedlearn.grpc.proto.v1.TaskAnswer;
import java.nio.ByteBuffer;
import java.util.List;

/** Models for tests, and answers with them. */
final class RandomModels {
    private RandomModels() {}

    /** One tensor of each type, among them some without values and some of one element. */
    static Model ofAllTypes(long seed) {
        SeededRandom random = SeededRandom.of(seed);
        Model.Builder model = Model.builder();
        for (TensorType type : TensorType.values()) {
            for (int count : new int[] {0, 1, random.nextInt(60)}) {
                byte[] bytes = new byte[count * type.byteSize()];
                for (int i = 0; i < bytes.length; i++) {
                    bytes[i] = (byte) (type == TensorType.BOOL ? random.nextInt(2) : random.nextInt(100));
                }
                model.add(
                        type + "-" + count + "-" + model.build().spec().size(),
                        Tensor.decode(type, Shape.of(count), ByteBuffer.wrap(bytes)),
                        type.isFloating() ? TensorRole.TRAINABLE : TensorRole.BUFFER);
            }
        }
        return model.build();
    }

    /** A float32 tensor of so many elements and one more. */
    static Model ofFloats(int count, long seed) {
        SeededRandom random = SeededRandom.of(seed);
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = (float) random.nextDouble();
        }
        return Model.builder()
                .trainable("w", Tensor.wrap(values))
                .counter("n", Tensor.scalar(seed))
                .build();
    }

    /** An answer that carries these models: the first as the model, the others as groups. */
    static TaskAnswer answer(List<EncodedModel> models) {
        ClientUpdate update = ClientUpdate.ofMetrics(Metrics.none(), 3)
                .withModel(UpdateForm.MODEL, models.get(0).model());
        for (int i = 1; i < models.size(); i++) {
            update = update.withTensors("group" + i, models.get(i).model());
        }
        return WireAnswers.write(
                "run/1/1-fit/a",
                ByteString.copyFromUtf8("print"),
                new ClientOutcome.Completed(update),
                model -> EncodedModel.of(model).description());
    }

    static byte[] bytes(EncodedModel model) {
        ByteBuffer bytes = ByteBuffer.allocate((int) model.byteCount());
        model.read(0, bytes);
        return bytes.array();
    }
}
