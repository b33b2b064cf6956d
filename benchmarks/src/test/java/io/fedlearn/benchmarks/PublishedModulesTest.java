package io.fedlearn.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.lang.module.ModuleDescriptor;
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

    /** A consumer may have the jars on either path, and finds the same services on both. */
    @Test
    void servicesAreTheSameOnModulePathAndClassPath() throws IOException {
        int services = 0;
        for (String module : all(PARENT, "<module>(fedlearn-[a-z0-9-]+)</module>")) {
            Path source = Path.of("..", module, "src", "main", "java", "module-info.java");
            if (!Files.exists(source)) {
                continue;
            }
            for (ModuleDescriptor.Provides provided :
                    descriptor(Path.of("..", module, "target", "classes")).provides()) {
                Path listed = Path.of("..", module, "src", "main", "resources", "META-INF", "services")
                        .resolve(provided.service());
                assertThat(Files.readAllLines(listed))
                        .as(listed.toString())
                        .containsExactlyInAnyOrderElementsOf(provided.providers());
                services++;
            }
        }
        assertThat(services).isGreaterThan(1);
    }

    private static ModuleDescriptor descriptor(Path classes) throws IOException {
        try (InputStream in = Files.newInputStream(classes.resolve("module-info.class"))) {
            return ModuleDescriptor.read(in);
        }
    }

    private static List<String> all(Path pom, String pattern) throws IOException {
        return Pattern.compile(pattern)
                .matcher(Files.readString(pom))
                .results()
                .map(match -> match.group(1))
                .collect(Collectors.toList());
    }
}
