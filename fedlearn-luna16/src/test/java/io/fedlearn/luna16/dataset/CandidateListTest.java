package io.fedlearn.luna16.dataset;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.fedlearn.luna16.image.Point;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class CandidateListTest {
    @TempDir
    private Path folder;

    @Test
    void hasThePlacesOfOneScanEachOnceInTheirOrder() throws IOException {
        Path file = Files.writeString(
                folder.resolve("candidates.csv"),
                "seriesuid,coordX,coordY,coordZ,class\na,1,2,3,0\nb,4,5,6,1\na,-7.5,8,9,1\na,1,2,3,1\n");

        assertThat(CandidateList.read(file, "a")).containsExactly(new Point(1, 2, 3), new Point(-7.5, 8, 9));
        assertThat(CandidateList.read(file, "c")).isEmpty();
    }

    @Test
    void refusesAListWithoutPlaces() throws IOException {
        Path file = Files.writeString(folder.resolve("candidates.csv"), "seriesuid,coordX,coordY\na,1,2\n");

        assertThatExceptionOfType(DatasetException.class)
                .isThrownBy(() -> CandidateList.read(file, "a"))
                .withMessageContaining("coordZ");
    }
}
