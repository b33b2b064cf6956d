package io.fedlearn.core.update;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Shape;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.tensor.TensorRole;
import io.fedlearn.core.tensor.TensorSpec;
import io.fedlearn.core.tensor.TensorType;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class UpdateSpoolTest {
    private static final ClientUpdate UPDATE = ClientUpdate.ofModel(
            Model.builder()
                    .trainable("weight", Tensor.wrap(new float[] {1, -2, 3}))
                    .build(),
            5);

    @TempDir
    private Path directory;

    @Test
    void givesEqualTensorsThatKeepNoHeap() {
        try (UpdateSpool spool = UpdateSpool.in(directory)) {
            ClientUpdate resting = spool.write(UPDATE);
            assertThat(resting.model()).isEqualTo(UPDATE.model());
            assertThat(resting.heapBytes()).isZero();
        }
        assertThat(directory).isEmptyDirectory();
    }

    @Test
    void makesNoNewFileForAnUpdateThatComesAfterTheRound() {
        UpdateSpool spool = UpdateSpool.in(directory);
        spool.write(UPDATE);
        spool.close();
        assertThatThrownBy(() -> spool.write(UPDATE)).isInstanceOf(UpdateSpool.SpoolException.class);
        assertThat(spool.byteCount()).isEqualTo(12);
        assertThat(directory).isEmptyDirectory();
    }

    @Test
    void givesBackWhatIsWrittenPieceByPiece() {
        TensorSpec spec = new TensorSpec("weight", TensorType.FLOAT32, Shape.of(3), TensorRole.TRAINABLE);
        ByteBuffer bytes = ByteBuffer.allocate(12);
        UPDATE.model().orElseThrow().tensors().get(0).encodeTo(0, bytes);
        bytes.flip();
        try (UpdateSpool spool = UpdateSpool.in(directory)) {
            spool.write(UPDATE);
            UpdateSpool.Place place = spool.reserve(spec);
            place.write(5, bytes.slice(5, 7));
            place.write(0, bytes.slice(0, 5));

            assertThat(place.tensor())
                    .isEqualTo(UPDATE.model().orElseThrow().tensors().get(0));
            assertThat(place.tensor().heapBytes()).isZero();
        }
    }

    @Test
    void refusesBytesBesideTheTensor() {
        TensorSpec spec = new TensorSpec("weight", TensorType.FLOAT32, Shape.of(3), TensorRole.TRAINABLE);
        try (UpdateSpool spool = UpdateSpool.in(directory)) {
            UpdateSpool.Place place = spool.reserve(spec);

            assertThatThrownBy(() -> place.write(8, ByteBuffer.allocate(5)))
                    .isInstanceOf(IndexOutOfBoundsException.class);
        }
    }

    @Test
    void refusesBytesAfterTheRound() {
        TensorSpec spec = new TensorSpec("weight", TensorType.FLOAT32, Shape.of(3), TensorRole.TRAINABLE);
        UpdateSpool spool = UpdateSpool.in(directory);
        UpdateSpool.Place place = spool.reserve(spec);
        spool.close();

        assertThatThrownBy(() -> place.write(0, ByteBuffer.allocate(4))).isInstanceOf(UpdateSpool.SpoolException.class);
        assertThatThrownBy(() -> spool.reserve(spec)).isInstanceOf(UpdateSpool.SpoolException.class);
    }
}
