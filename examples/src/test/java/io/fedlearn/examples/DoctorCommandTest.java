package io.fedlearn.examples;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

final class DoctorCommandTest {
    @Test
    void saysWhatWorksHere() {
        Outcome outcome = Outcome.of("doctor").done();

        assertThat(outcome.out())
                .contains("Machine", "Neural networks", "Readers of scans", "Databases", "Other programs")
                .contains(System.getProperty("java.version"), "MetaImage", "NIfTI-1", "SimpleITK", "CUDA", "ND4J")
                .contains("All that is required is there.");
    }

    @Test
    void saysItToPrograms() throws IOException {
        JsonNode json = new ObjectMapper()
                .readTree(Outcome.of("doctor", "--json").done().out());

        assertThat(json.get("fit").asBoolean()).isTrue();
        List<String> names = new ArrayList<>();
        json.get("checks").forEach(check -> {
            names.add(check.get("name").asText());
            assertThat(check.get("state").asText()).isIn("ok", "warning", "absent");
            assertThat(check.has("remedy"))
                    .isEqualTo(!check.get("state").asText().equals("ok"));
        });
        assertThat(names).contains("Java", "memory", "ND4J", "CUDA", "MetaImage", "PostgreSQL for trials", "Python");
    }
}
