package io.fedlearn.grpc.internal.transfer;

import static org.assertj.core.api.Assertions.assertThat;

import io.fedlearn.grpc.proto.v1.AnswerReceipt;
import io.fedlearn.grpc.proto.v1.Compression;
import io.fedlearn.grpc.proto.v1.TaskAnswer;
import io.fedlearn.grpc.proto.v1.Verdict;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Answers to the server, through broken connections. */
class UploaderTest extends TransferTestBed {
    @ParameterizedTest
    @EnumSource(names = {"COMPRESSION_NONE", "COMPRESSION_ZSTD"})
    void uploadsAnAnswer(Compression agreed) throws InterruptedException {
        compression = agreed;
        List<EncodedModel> models = List.of(
                EncodedModel.of(RandomModels.ofFloats(300_001, 1)), EncodedModel.of(RandomModels.ofAllTypes(2)));

        AnswerReceipt receipt = uploader(start(PATIENT, true)).send(RandomModels.answer(models), models);

        assertThat(receipt.getVerdict()).isEqualTo(Verdict.VERDICT_ACCEPTED);
        assertThat(desk.delivered).hasSize(1);
        assertThat(desk.delivered.get(0).model()).contains(models.get(0).model());
        assertThat(desk.delivered.get(0).tensors())
                .containsEntry("group1", models.get(1).model());
        assertThat(desk.budget.reserved()).isZero();
    }

    @Test
    void aBrokenUploadGoesOnWhereItStood() throws InterruptedException {
        List<EncodedModel> models = List.of(
                EncodedModel.of(RandomModels.ofFloats(30_000, 1)), EncodedModel.of(RandomModels.ofFloats(3_000, 2)));
        faults.add(new Fault(6, Fault.Kind.CUT));
        faults.add(new Fault(1, Fault.Kind.CUT));
        faults.add(new Fault(0, Fault.Kind.CUT));
        faults.add(new Fault(29, Fault.Kind.CUT));

        AnswerReceipt receipt = uploader(start(PATIENT, false)).send(RandomModels.answer(models), models);

        assertThat(receipt.getVerdict()).isEqualTo(Verdict.VERDICT_ACCEPTED);
        assertThat(desk.delivered).hasSize(1);
        assertThat(server.received)
                .hasValue(models.get(0).byteCount() + models.get(1).byteCount());
        assertThat(faults).isEmpty();
    }

    @Test
    void aDamagedChunkOfAnUploadIsSentAgain() throws InterruptedException {
        List<EncodedModel> models = List.of(EncodedModel.of(RandomModels.ofFloats(30_000, 1)));
        faults.add(new Fault(3, Fault.Kind.DAMAGE));

        AnswerReceipt receipt = uploader(start(PATIENT, false)).send(RandomModels.answer(models), models);

        assertThat(receipt.getVerdict()).isEqualTo(Verdict.VERDICT_ACCEPTED);
        assertThat(server.received).hasValue(models.get(0).byteCount());
    }

    @Test
    void anAnswerThatIsNotWantedIsNotSent() throws InterruptedException {
        List<EncodedModel> models = List.of(EncodedModel.of(RandomModels.ofFloats(30_000, 1)));
        TaskAnswer late =
                RandomModels.answer(models).toBuilder().setTaskId("late").build();

        AnswerReceipt receipt = uploader(start(PATIENT, true)).send(late, models);

        assertThat(receipt.getVerdict()).isEqualTo(Verdict.VERDICT_LATE);
        assertThat(client.sent).hasValue(0);
    }
}
