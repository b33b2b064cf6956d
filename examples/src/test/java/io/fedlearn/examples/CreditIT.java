package io.fedlearn.examples;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.fedlearn.files.AuditVerifier;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Banks train a risk model on PostgreSQL and account for it. */
final class CreditIT {
    @TempDir
    private Path folder;

    private JsonNode compliance(Path out) throws IOException {
        return new ObjectMapper().readTree(out.resolve("compliance.json").toFile());
    }

    @Test
    void registersItsModelAndAccountsForIt() throws IOException {
        Path out = folder.resolve("run");
        Outcome.of("audit", "keygen", "--out", folder).done();
        Path key = folder.resolve("audit-key.pem");
        Outcome first = Outcome.of("credit", "--rounds", 2, "--banks", 3, "--out", out, "--audit-key", key)
                .done();

        assertThat(first.out())
                .contains("GENERATED", "bank_3", "version 1 (production) is now in production: the first");
        JsonNode found = compliance(out);
        assertThat(found.get("audit").get("whole").asBoolean()).isTrue();
        assertThat(found.get("audit").get("signatures")).hasSize(1);
        assertThat(found.get("model").get("madeByRun").asText()).isEqualTo("run");
        assertThat(found.get("model").get("testAuc").asDouble()).isBetween(0.5, 1.0);
        assertThat(found.get("banks")).hasSize(3).allSatisfy(bank -> {
            assertThat(bank.get("audit").get("whole").asBoolean()).isTrue();
            assertThat(bank.get("budget").get("epsilonSpent").asDouble()).isBetween(0.299, 0.301);
            assertThat(bank.get("budget").get("debits").asInt()).isEqualTo(3);
            assertThat(bank.get("summary").size() + bank.get("refused").size()).isEqualTo(4);
        });
        assertThat(AuditVerifier.verify(out.resolve("audit.jsonl")).isWhole()).isTrue();
        assertThat(Files.readString(out.resolve("report.html")))
                .startsWith("<!DOCTYPE html>")
                .contains("Compliance report", "Audit logs", "Privacy budgets", "generated, not real", " by key ")
                .doesNotContain("http:", "https:", "src=", "NaN");

        Outcome resumed = Outcome.of(
                        "credit", "--rounds", 5, "--banks", 3, "--resume", "--out", out, "--audit-key", key)
                .done();
        assertThat(Outcome.of(
                                "audit",
                                "verify",
                                out.resolve("audit.jsonl"),
                                "--public-key",
                                folder.resolve("audit.pem"),
                                "--require-signatures")
                        .done()
                        .out())
                .as("the registry's records too")
                .contains("not signed: 0\n");
        assertThat(resumed.out().lines().filter(line -> line.contains("  whole  ")))
                .hasSize(4)
                .allMatch(line -> line.length() < 100);
        assertThat(resumed.out()).contains("after round 2 of 5", "version 2", "test AUC");
        JsonNode later = compliance(out);
        assertThat(later.get("model").get("version").asInt()).isEqualTo(2);
        assertThat(later.get("banks"))
                .allSatisfy(bank ->
                        assertThat(bank.get("budget").get("debits").asInt()).isEqualTo(6));
        Outcome other = Outcome.of("credit", "--rounds", 6, "--banks", 2, "--resume", "--out", out, "--audit-key", key);
        assertThat(other.exitCode()).isEqualTo(2);
        assertThat(other.err()).contains("data was ");
    }
}
