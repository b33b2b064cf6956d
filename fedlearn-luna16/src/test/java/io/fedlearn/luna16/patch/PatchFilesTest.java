package io.fedlearn.luna16.patch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Shape;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.tensor.TensorRole;
import io.fedlearn.core.tensor.TensorType;
import io.fedlearn.formats.FormatException;
import io.fedlearn.formats.numpy.Npy;
import io.fedlearn.formats.numpy.Npz;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PatchFilesTest {
    @TempDir
    private Path folder;

    private static Tensor patch(float first, long... lengths) {
        int count = 1;
        for (long length : lengths) {
            count *= (int) length;
        }
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = first + i;
        }
        return Tensor.wrap(values, lengths);
    }

    private static Model.Builder archive() {
        return Model.builder();
    }

    @Test
    void readsArraysOfThreeAxesInHu() throws IOException {
        Path file = folder.resolve("a.npy");
        Npy.write(patch(-900.4f, 2, 3, 4), file);
        Patch patch = PatchFiles.read(file);
        assertThat(patch.shape()).isEqualTo(new PatchShape(2, 3, 4));
        assertThat(patch.get(0, 0, 0)).isEqualTo((short) -900);
        assertThat(patch.get(1, 2, 3)).isEqualTo((short) -877);
    }

    @Test
    void readsOtherTypesOfNumbersAndKeepsThemIn16Bits() throws IOException {
        Path file = folder.resolve("a.npy");
        Npy.write(Tensor.ofIntegers(TensorType.INT32, Shape.of(1, 1, 3), new long[] {-70000, -5, 70000}), file);
        assertThat(PatchFiles.read(file).values()).containsExactly(Short.MIN_VALUE, (short) -5, Short.MAX_VALUE);
    }

    @Test
    void takesTheOneArrayOfThreeAxesOutOfAnArchive() throws IOException {
        Path file = folder.resolve("b.NPZ");
        Npz.write(
                archive()
                        .add("chunk", patch(-30, 2, 3, 4), TensorRole.TRAINABLE)
                        .add("center", Tensor.copyOf(new long[] {5, 6, 7}, 3), TensorRole.COUNTER)
                        .build(),
                file);
        assertThat(PatchFiles.read(file).get(0, 0, 1)).isEqualTo((short) -29);
    }

    @Test
    void refusesWhatIsNoPatchByFileAndReason() throws IOException {
        Path file = folder.resolve("c.npy");
        Npy.write(patch(-30, 1, 2, 3, 4), file);
        assertRefused(file, "a patch must have 3 axes (z, y, x), has the shape");
        Npy.write(patch(-30, 3, 4), file);
        assertRefused(file, "a patch must have 3 axes");
        Npy.write(patch(-30, 3, 0, 4), file);
        assertRefused(file, "no patch has the shape");
        Npy.write(Tensor.wrap(new float[] {0, Float.NaN}, 1, 1, 2), file);
        assertRefused(file, "not finite");
        Npy.write(Tensor.wrap(new float[] {0, 0.25f, 1, 0.5f}, 1, 2, 2), file);
        assertRefused(file, "must be in HU");
        Files.writeString(file, "no array");
        assertRefused(file, "");

        Path archive = folder.resolve("c.npz");
        Npz.write(
                archive()
                        .add("a", patch(-30, 2, 3, 4), TensorRole.TRAINABLE)
                        .add("b", patch(-30, 2, 3, 4), TensorRole.TRAINABLE)
                        .build(),
                archive);
        assertRefused(archive, "must hold one array of 3 axes (z, y, x), holds 2");
    }

    private static void assertRefused(Path file, String reason) {
        assertThatThrownBy(() -> PatchFiles.read(file))
                .isInstanceOf(FormatException.class)
                .hasMessageContaining(file.toString())
                .hasMessageContaining(reason);
    }

    @Test
    void listsFilesByName() throws IOException {
        for (String name : new String[] {"b.npy", "a.npz", "labels.csv", "C.NPY"}) {
            Files.writeString(folder.resolve(name), "");
        }
        Files.createDirectory(folder.resolve("d.npy"));
        assertThat(PatchFiles.in(folder))
                .extracting(path -> path.getFileName().toString())
                .containsExactly("C.NPY", "a.npz", "b.npy");
    }

    @Test
    void refusesAFolderWithoutPatches() {
        assertThatThrownBy(() -> PatchFiles.in(folder))
                .isInstanceOf(FormatException.class)
                .hasMessageContaining(folder.toString())
                .hasMessageContaining("has none");
        assertThatThrownBy(() -> PatchFiles.in(folder.resolve("not-there")))
                .isInstanceOf(FormatException.class)
                .hasMessageContaining("not-there: must be a folder of patches");
    }
}
