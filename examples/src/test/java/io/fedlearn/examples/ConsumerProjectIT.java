package io.fedlearn.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * Builds and runs {@code examples/consumer} as a user would: with Maven, from packed artifacts, outside the reactor.
 *
 * <p>The project gets a local Maven repository of its own under the build folder. Our artifacts are copied into it;
 * everything else in it is a link into the local repository that the build itself uses, so plug-ins are fetched once,
 * and nothing at all when they are there already. The build's own local repository never sees our artifacts.
 */
final class ConsumerProjectIT {
    private static final Path ROOT = Path.of(property("fedlearn.root")).normalize();
    private static final String BUILD_FOLDER = property("fedlearn.buildFolder");
    private static final String VERSION = property("fedlearn.version");
    private static final Path WORK =
            ROOT.resolve("examples").resolve(BUILD_FOLDER).resolve("consumer");
    private static final Path REPOSITORY = WORK.resolve("repository");
    private static final Path PROJECT = WORK.resolve("project");
    private static final Path CLASSPATH = WORK.resolve("classpath");

    private static String output;

    @BeforeAll
    static void buildAndRun() throws IOException, InterruptedException {
        delete(WORK);
        linkRepository(Path.of(property("fedlearn.mavenRepository")));
        publish("fedlearn", ROOT, false);
        publish("fedlearn-bom", ROOT.resolve("fedlearn-bom"), false);
        for (String module : List.of("fedlearn-core", "fedlearn-aggregators", "fedlearn-models")) {
            publish(module, ROOT.resolve(module), true);
        }
        copy(ROOT.resolve("examples").resolve("consumer"), PROJECT);

        List<String> command = new ArrayList<>(List.of(
                Path.of(property("fedlearn.maven"), "bin", "mvn").toString(),
                "--batch-mode",
                "--quiet",
                "-Dmaven.repo.local=" + REPOSITORY,
                "-Dfedlearn.version=" + VERSION,
                "-Dmdep.outputFile=" + CLASSPATH,
                "-Dmdep.includeScope=runtime",
                "compile",
                "dependency:build-classpath",
                "exec:java"));
        if (property("fedlearn.mavenMode").equals("offline=true")) {
            command.add("--offline");
        }
        output = run(command);
    }

    @Test
    void runsOnPublishedArtifacts() {
        assertThat(output)
                .containsPattern(
                        "round \\d+: \\{accuracy=0\\.[0-9]+, auc=0\\.[0-9]+, loss=0\\.[0-9]+, sensitivityAt90=0\\.[0-9]+\\}");
    }

    @Test
    void bringsNoThirdPartyJar() throws IOException {
        assertThat(Files.readString(CLASSPATH).strip().split(Pattern.quote(File.pathSeparator)))
                .extracting(jar -> Path.of(jar).getFileName().toString())
                .containsExactlyInAnyOrder(
                        "fedlearn-core-" + VERSION + ".jar",
                        "fedlearn-aggregators-" + VERSION + ".jar",
                        "fedlearn-models-" + VERSION + ".jar");
    }

    private static String run(List<String> command) throws IOException, InterruptedException {
        Path log = WORK.resolve("output");
        ProcessBuilder builder = new ProcessBuilder(command)
                .directory(PROJECT.toFile())
                .redirectErrorStream(true)
                .redirectOutput(log.toFile());
        builder.environment().put("JAVA_HOME", System.getProperty("java.home"));
        Process process = builder.start();
        boolean ended = process.waitFor(5, TimeUnit.MINUTES);
        process.destroyForcibly();
        String text = Files.readString(log);
        assertThat(ended).as("%s ended in time; it printed:%n%s", command, text).isTrue();
        assertThat(process.exitValue())
                .as("exit code of %s, which printed:%n%s", command, text)
                .isZero();
        return text;
    }

    /** Links all but our own group, which lies two levels deep. */
    private static void linkRepository(Path source) throws IOException {
        Files.createDirectories(REPOSITORY.resolve("io").resolve("fedlearn"));
        link(source, REPOSITORY, "io");
        link(source.resolve("io"), REPOSITORY.resolve("io"), "fedlearn");
    }

    private static void link(Path source, Path target, String except) throws IOException {
        if (!Files.isDirectory(source)) {
            return;
        }
        try (Stream<Path> entries = Files.list(source)) {
            for (Path entry : entries.filter(Files::isDirectory).toList()) {
                String name = entry.getFileName().toString();
                if (!name.equals(except)) {
                    Files.createSymbolicLink(target.resolve(name), entry.toAbsolutePath());
                }
            }
        }
    }

    private static void publish(String artifact, Path module, boolean withJar) throws IOException {
        String name = artifact + "-" + VERSION;
        Path folder = REPOSITORY.resolve(Path.of("io", "fedlearn", artifact, VERSION));
        Files.createDirectories(folder);
        Files.copy(module.resolve("pom.xml"), folder.resolve(name + ".pom"));
        if (withJar) {
            Path jar = module.resolve(BUILD_FOLDER).resolve(name + ".jar");
            assertThat(jar)
                    .as("the packed module (build it with this one: -am)")
                    .exists();
            Files.copy(jar, folder.resolve(name + ".jar"));
        }
    }

    private static void copy(Path source, Path target) throws IOException {
        Files.walkFileTree(source, new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult preVisitDirectory(Path folder, BasicFileAttributes attributes) throws IOException {
                if (folder.getFileName().toString().equals("target")) {
                    return FileVisitResult.SKIP_SUBTREE;
                }
                Files.createDirectories(target.resolve(source.relativize(folder)));
                return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
                Files.copy(file, target.resolve(source.relativize(file)));
                return FileVisitResult.CONTINUE;
            }
        });
    }

    /** Deletes links, never what they lead to. */
    private static void delete(Path folder) throws IOException {
        if (!Files.exists(folder)) {
            return;
        }
        Files.walkFileTree(folder, new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
                Files.delete(file);
                return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult postVisitDirectory(Path visited, IOException error) throws IOException {
                if (error != null) {
                    throw error;
                }
                Files.delete(visited);
                return FileVisitResult.CONTINUE;
            }
        });
    }

    private static String property(String name) {
        String value = System.getProperty(name);
        assertThat(value).as("system property %s, which the build sets", name).isNotNull();
        return value;
    }
}
