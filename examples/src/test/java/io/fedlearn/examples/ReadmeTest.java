package io.fedlearn.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** The README shows what {@link ConsumerProjectIT} runs. */
final class ReadmeTest {
    private static final Pattern JAVA_BLOCK = Pattern.compile("```java\n(.*?)```", Pattern.DOTALL);

    @Test
    void exampleIsTheConsumersMain() throws IOException {
        assertThat(strippedLines(
                        Files.readString(Path.of("consumer", "src", "main", "java", "org", "example", "Main.java"))))
                .containsSequence(strippedLines(example()));
    }

    @Test
    void exampleHasAtMostFifteenLines() throws IOException {
        assertThat(example().lines().filter(line -> !line.isBlank())).hasSizeBetween(1, 15);
    }

    private static String example() throws IOException {
        List<MatchResult> blocks = JAVA_BLOCK
                .matcher(Files.readString(Path.of("..", "README.md")))
                .results()
                .toList();
        assertThat(blocks).as("Java examples in README.md").hasSize(1);
        return blocks.get(0).group(1);
    }

    private static List<String> strippedLines(String code) {
        return code.lines().map(String::strip).filter(line -> !line.isEmpty()).toList();
    }
}
