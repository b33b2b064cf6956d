package io.fedlearn.examples;

import static org.assertj.core.api.Assertions.assertThat;

import io.fedlearn.aggregators.catalogue.MethodCatalogue;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class FedLearnTest {
    @Test
    void helpTeachesCommandsAndExitCodes() {
        Outcome help = Outcome.of("--help").done();
        assertThat(help.out()).contains("heart", "mnist", "Examples:", "Exit codes:", "130");
    }

    @ParameterizedTest
    @ValueSource(strings = {"heart", "mnist"})
    void helpOfACommandTeachesOptionsDataAndExamples(String command) {
        Outcome help = Outcome.of(command, "--help").done();
        assertThat(help.out())
                .contains(
                        "Usage: fedlearn " + command,
                        "--strategy",
                        "--resume",
                        "--stacktrace",
                        "Examples:",
                        "Exit codes:")
                .contains("--rounds=N")
                .contains("(default: 20)")
                .doesNotContain("${");
    }

    @Test
    void strategiesAreListedWithTheirSettings() {
        String listed = Outcome.of("strategies").done().out();
        for (MethodCatalogue.Method method : MethodCatalogue.methods()) {
            assertThat(listed).contains(method.name(), method.summary());
            method.settings().keySet().forEach(setting -> assertThat(listed).contains(setting + "="));
        }
    }

    @Test
    void aSuiteOfNothingButSkippedExperimentsIsRefused() {
        Outcome outcome = Outcome.of("bench", "conformance", "--only", "robust-mnist");
        assertThat(outcome.exitCode()).isEqualTo(2);
        assertThat(outcome.err()).contains("--only robust-mnist needs --mnist DIR");
    }

    @Test
    void versionNamesLibraryAndJava() {
        assertThat(Outcome.of("--version").done().out())
                .startsWith("FedLearn ")
                .contains(System.getProperty("java.version"));
    }

    @Test
    void withoutCommandItNamesThem() {
        Outcome outcome = Outcome.of();
        assertThat(outcome.exitCode()).isEqualTo(2);
        assertThat(outcome.err()).contains("heart, credit, mnist");
    }

    @Test
    void unknownOptionIsRefusedWithASuggestion() {
        Outcome outcome = Outcome.of("heart", "--ronds", "3");
        assertThat(outcome.exitCode()).isEqualTo(2);
        assertThat(outcome.err()).contains("--ronds").contains("--rounds").contains("fedlearn heart --help");
        assertThat(outcome.err().lines()).hasSizeLessThan(5);
    }

    @Test
    void unknownCommandIsRefusedWithASuggestion() {
        Outcome outcome = Outcome.of("hart");
        assertThat(outcome.exitCode()).isEqualTo(2);
        assertThat(outcome.err()).contains("hart").contains("heart");
    }
}
