package io.fedlearn.core.update;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Tensor;
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
}
