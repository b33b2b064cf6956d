package io.fedlearn.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** The BOM has no parent, so nothing but this test keeps it in step with the build. */
final class PublishedModulesTest {
    private static final Path PARENT = Path.of("..", "pom.xml");
    private static final Path BOM = Path.of("..", "fedlearn-bom", "pom.xml");

    @Test
    void bomListsThePublishedModules() throws IOException {
        TreeSet<String> published = new TreeSet<>(all(PARENT, "<module>(fedlearn-[a-z0-9-]+)</module>"));
        published.remove("fedlearn-bom");

        TreeSet<String> listed = new TreeSet<>(all(BOM, "<artifactId>(fedlearn-[a-z0-9-]+)</artifactId>"));
        listed.remove("fedlearn-bom");

        assertThat(published).isNotEmpty();
        assertThat(listed).isEqualTo(published);
    }

    @Test
    void bomHasTheVersionOfTheBuild() throws IOException {
        assertThat(all(BOM, "<version>([0-9][^<]*)</version>"))
                .containsExactly(all(PARENT, "<version>([0-9][^<]*)</version>").get(0));
    }

    private static List<String> all(Path pom, String pattern) throws IOException {
        return Pattern.compile(pattern)
                .matcher(Files.readString(pom))
                .results()
                .map(match -> match.group(1))
                .collect(Collectors.toList());
    }
}
