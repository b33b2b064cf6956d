package io.fedlearn.examples.heart;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class GeneratedHospitalsTest {
    @TempDir
    private Path folder;

    private HeartData generate(String name, long seed) {
        GeneratedHospitals.write(folder.resolve(name), seed);
        return HeartData.read(folder.resolve(name), seed);
    }

    @Test
    void areAsManyAndAsIllAsTheRealOnes() {
        HeartData data = generate("a", 1);
        assertThat(data.hospitals())
                .extracting(Hospital::name)
                .containsExactly("cleveland", "hungarian", "switzerland", "va");
        assertThat(data.hospitals()).extracting(Hospital::rows).containsExactly(303L, 294L, 123L, 200L);
        assertThat(data.hospitals()).extracting(Hospital::positives).containsExactly(139L, 106L, 116L, 150L);
    }

    @Test
    void lackWhatTheRealOnesLack() {
        Hospital cleveland = generate("a", 2).hospitals().get(0);
        assertThat(cleveland.missingCount()).isLessThan(20);
        assertThat(missing("hungarian").get("ca")).isGreaterThan(280L);
        assertThat(missing("switzerland")).containsEntry("chol", 123L);
    }

    private Map<String, Long> missing(String hospital) {
        Path file = folder.resolve("a").resolve("heart_processed." + hospital + ".data");
        return HeartTable.SCHEMA.read(file).missing();
    }

    @Test
    void seedAloneDecides() {
        assertThat(generate("a", 3).digest())
                .isEqualTo(generate("b", 3).digest())
                .isNotEqualTo(generate("c", 4).digest());
    }
}
