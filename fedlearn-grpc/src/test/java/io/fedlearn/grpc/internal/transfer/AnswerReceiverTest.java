package io.fedlearn.grpc.internal.transfer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fedlearn.core.tensor.Shape;
import io.fedlearn.core.tensor.TensorRole;
import io.fedlearn.core.tensor.TensorSpec;
import io.fedlearn.core.tensor.TensorType;
import io.fedlearn.core.update.UpdateSpool;
import io.fedlearn.grpc.internal.wire.WireException;
import io.fedlearn.grpc.proto.v1.AnswerReceipt;
import io.fedlearn.grpc.proto.v1.TaskAnswer;
import io.fedlearn.grpc.proto.v1.Verdict;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.zip.CRC32C;
import org.assertj.core.api.InstanceOfAssertFactories;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AnswerReceiverTest {
    private static final AnswerReceipt ACCEPTED =
            AnswerReceipt.newBuilder().setVerdict(Verdict.VERDICT_ACCEPTED).build();

    private final HeapBudget budget = HeapBudget.of(0);
    private final EncodedModel model = EncodedModel.of(RandomModels.ofFloats(100, 1));
    private final EncodedModel group = EncodedModel.of(RandomModels.ofAllTypes(2));
    private final List<EncodedModel> models = List.of(model, group);
    private final byte[] bytes = bytes(models);

    private static byte[] bytes(List<EncodedModel> models) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        models.forEach(model -> bytes.writeBytes(RandomModels.bytes(model)));
        return bytes.toByteArray();
    }

    private static ReceivedChunk chunk(long offset, byte[] values) {
        CRC32C crc = new CRC32C();
        crc.update(values);
        return new ReceivedChunk(offset, (int) crc.getValue(), List.of(ByteBuffer.wrap(values)));
    }

    private ReceivedChunk chunk(int from, int to) {
        return chunk(from, Arrays.copyOfRange(bytes, from, to));
    }

    private AnswerReceiver receiver() throws WireException {
        return AnswerReceiver.of(RandomModels.answer(models), 10_000, budget, Optional.empty());
    }

    private static void assertRefused(
            AnswerReceiver receiver, long call, ReceivedChunk chunk, ChunkException.Kind kind) {
        assertThatThrownBy(() -> receiver.accept(call, chunk))
                .asInstanceOf(InstanceOfAssertFactories.type(ChunkException.class))
                .extracting(ChunkException::kind)
                .isEqualTo(kind);
    }

    @Test
    void givesTheUpdateOnceAllValuesAreHere() throws Exception {
        AnswerReceiver receiver = receiver();
        long call = receiver.claim();

        // The second chunk ends one model and begins the next.
        receiver.accept(call, chunk(0, 399));
        receiver.accept(call, chunk(399, 500));
        assertThat(receiver.isComplete()).isFalse();
        assertThatThrownBy(receiver::update).isInstanceOf(IllegalStateException.class);
        receiver.accept(call, chunk(500, bytes.length));

        assertThat(receiver.isComplete()).isTrue();
        assertThat(receiver.update().model()).contains(model.model());
        assertThat(receiver.update().tensors()).containsEntry("group1", group.model());
    }

    @Test
    void goesOnOnlyWhereItStands() throws Exception {
        AnswerReceiver receiver = receiver();
        long call = receiver.claim();
        receiver.accept(call, chunk(0, 100));

        assertRefused(receiver, call, chunk(101, 200), ChunkException.Kind.OUT_OF_PLACE);
        assertRefused(receiver, call, chunk(99, 200), ChunkException.Kind.OUT_OF_PLACE);
        assertRefused(receiver, call, chunk(0, 100), ChunkException.Kind.OUT_OF_PLACE);
        assertRefused(receiver, call, chunk(-1, new byte[1]), ChunkException.Kind.OUT_OF_PLACE);

        assertThat(receiver.offset()).isEqualTo(100);
        receiver.accept(call, chunk(100, bytes.length));
        assertThat(receiver.update().model()).contains(model.model());
    }

    @Test
    void refusesChunksThatAreTooLongOrEmpty() throws Exception {
        AnswerReceiver receiver = receiver();
        long call = receiver.claim();
        receiver.accept(call, chunk(0, 100));

        assertRefused(receiver, call, chunk(100, new byte[bytes.length - 99]), ChunkException.Kind.MALFORMED);
        assertRefused(receiver, call, chunk(100, 100), ChunkException.Kind.MALFORMED);
        assertThat(receiver.offset()).isEqualTo(100);
    }

    @Test
    void standsWhereItStoodAfterADamagedChunk() throws Exception {
        AnswerReceiver receiver = receiver();
        long call = receiver.claim();
        receiver.accept(call, chunk(0, 100));
        ReceivedChunk whole = chunk(100, 200);

        assertRefused(
                receiver,
                call,
                new ReceivedChunk(100, whole.crc32c() ^ 1, whole.values()),
                ChunkException.Kind.CORRUPT);

        assertThat(receiver.offset()).isEqualTo(100);
        receiver.accept(call, chunk(100, bytes.length));
        assertThat(receiver.update().model()).contains(model.model());
    }

    @Test
    void startsAgainOnceAndThenGivesUpIfAModelIsNotTheOneAnnounced() throws Exception {
        AnswerReceiver receiver = receiver();
        long call = receiver.claim();
        bytes[5] ^= 1;

        assertRefused(receiver, call, chunk(0, 408), ChunkException.Kind.CORRUPT);
        assertThat(receiver.offset()).isZero();
        assertThat(budget.reserved()).isZero();
        assertRefused(receiver, call, chunk(0, 408), ChunkException.Kind.MALFORMED);
    }

    @Test
    void anOlderCallIsShutOut() throws Exception {
        AnswerReceiver receiver = receiver();
        long older = receiver.claim();
        receiver.accept(older, chunk(0, 100));
        long newer = receiver.claim();

        assertRefused(receiver, older, chunk(100, 200), ChunkException.Kind.SUPERSEDED);

        assertThat(receiver.offset()).isEqualTo(100);
        receiver.accept(newer, chunk(100, bytes.length));
        assertThat(receiver.isComplete()).isTrue();
    }

    @Test
    void discardingGivesTheRoomBackAndShutsTheCallOut() throws Exception {
        AnswerReceiver receiver = receiver();
        long call = receiver.claim();
        receiver.accept(call, chunk(0, 100));
        assertThat(budget.reserved()).isEqualTo(bytes.length);

        receiver.discard();

        assertThat(budget.reserved()).isZero();
        assertThat(receiver.offset()).isZero();
        assertRefused(receiver, call, chunk(100, 200), ChunkException.Kind.SUPERSEDED);
        receiver.accept(receiver.claim(), chunk(0, bytes.length));
        assertThat(receiver.update().model()).contains(model.model());
    }

    @Test
    void isDeliveredByOneCallOnlyAndThenGivesTheRoomBack() throws Exception {
        AnswerReceiver receiver = receiver();
        assertThat(receiver.takeForDelivery()).isFalse();
        receiver.accept(receiver.claim(), chunk(0, bytes.length));

        assertThat(receiver.takeForDelivery()).isTrue();
        assertThat(receiver.takeForDelivery()).isFalse();
        assertThat(receiver.receipt()).isNotDone();
        receiver.delivered(ACCEPTED);

        assertThat(receiver.receipt()).isCompletedWithValue(ACCEPTED);
        assertThat(budget.reserved()).isZero();
    }

    @Test
    void canBeBroughtAgainIfItCouldNotBeDelivered() throws Exception {
        AnswerReceiver receiver = receiver();
        receiver.accept(receiver.claim(), chunk(0, bytes.length));
        receiver.takeForDelivery();

        receiver.notDelivered(new IllegalStateException("disk full"));
        receiver.accept(receiver.claim(), chunk(0, bytes.length));

        assertThat(receiver.takeForDelivery()).isTrue();
    }

    @Test
    void liesInTheSpoolWhenOthersHaveTheHeap(@TempDir Path directory) throws Exception {
        budget.overdraw(1);
        try (UpdateSpool spool = UpdateSpool.in(directory)) {
            AnswerReceiver receiver =
                    AnswerReceiver.of(RandomModels.answer(models), 10_000, budget, Optional.of(spool));

            receiver.accept(receiver.claim(), chunk(0, bytes.length));

            assertThat(receiver.update().model().orElseThrow().heapBytes()).isZero();
            assertThat(receiver.update().model()).contains(model.model());
            assertThat(budget.reserved()).isEqualTo(1);
        }
    }

    @Test
    void goesToTheHeapAllTheSameWithoutASpool() throws Exception {
        budget.overdraw(1);
        AnswerReceiver receiver = receiver();

        receiver.accept(receiver.claim(), chunk(0, bytes.length));

        assertThat(budget.reserved()).isEqualTo(1 + bytes.length);
    }

    @Test
    void refusesAnAnswerThatIsTooLargeOrNoUpload() {
        TaskAnswer answer = RandomModels.answer(models);
        TaskAnswer.Builder inline = answer.toBuilder();
        inline.getUpdateBuilder().setModel(model.payload(10_000));

        assertThatThrownBy(() -> AnswerReceiver.of(answer, bytes.length - 1, budget, Optional.empty()))
                .isInstanceOf(WireException.class)
                .hasMessageContaining("more bytes than the " + (bytes.length - 1));
        assertThatThrownBy(() -> AnswerReceiver.of(inline.build(), 10_000, budget, Optional.empty()))
                .isInstanceOf(WireException.class)
                .hasMessageContaining("values come in chunks");
        assertThatThrownBy(() -> AnswerReceiver.of(TaskAnswer.getDefaultInstance(), 10_000, budget, Optional.empty()))
                .isInstanceOf(WireException.class)
                .hasMessageContaining("only an update");
    }

    @Test
    void refusesATensorThatNoArrayHoldsUnlessThereIsASpool(@TempDir Path directory) throws WireException {
        TensorSpec large = new TensorSpec("w", TensorType.FLOAT32, Shape.of(3_000_000_000L), TensorRole.TRAINABLE);
        TaskAnswer.Builder answer = RandomModels.answer(List.of(model)).toBuilder();
        answer.getUpdateBuilder()
                .getModelBuilder()
                .clearTensors()
                .setByteCount(large.byteCount())
                .addTensorsBuilder()
                .setName("w")
                .setType(TensorType.FLOAT32.code())
                .setRole(TensorRole.TRAINABLE.code())
                .addShape(3_000_000_000L);

        assertThatThrownBy(() -> AnswerReceiver.of(answer.build(), Long.MAX_VALUE, budget, Optional.empty()))
                .isInstanceOf(WireException.class)
                .hasMessageContaining("more values than an array");
        try (UpdateSpool spool = UpdateSpool.in(directory)) {
            assertThat(AnswerReceiver.of(answer.build(), Long.MAX_VALUE, budget, Optional.of(spool))
                            .byteCount())
                    .isEqualTo(12_000_000_000L);
        }
    }
}
