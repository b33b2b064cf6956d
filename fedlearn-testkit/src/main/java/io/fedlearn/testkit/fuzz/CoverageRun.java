package io.fedlearn.testkit.fuzz;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * A coverage-guided run of one decoder by Jazzer, in a JVM of its own. Jazzer must be on the class path of the test that starts it.
 *
 * @param target the decoder's class
 * @param executions how many inputs were tried
 * @param corpus how many inputs of those reach code that the others do not
 * @param isSound whether none broke the decoder's promise
 * @param log what Jazzer said, the input that broke it and the stack trace among it
 */
public record CoverageRun(String target, long executions, int corpus, boolean isSound, String log) {
    private static final Pattern EXECUTIONS = Pattern.compile("stat::number_of_executed_units:\\s+(\\d+)");
    /** A machine that is busy takes its time to start a JVM, and the fuzzer to change classes. */
    private static final long GRACE_SECONDS = 900;

    /**
     * Runs a decoder for so long.
     *
     * @param target a public class with a method {@code public static void fuzzerTestOneInput(byte[])} that throws what it must not
     * @param seeds inputs to start from
     * @param folder an empty folder for the corpus and what is found
     * @throws IOException if the JVM cannot be started, or a file not be written
     * @throws InterruptedException if the waiting thread is interrupted; the JVM is ended then
     */
    public static CoverageRun of(Class<?> target, List<byte[]> seeds, int maxLength, Duration time, Path folder)
            throws IOException, InterruptedException {
        Path corpus = Files.createDirectory(folder.resolve("corpus"));
        for (int i = 0; i < seeds.size(); i++) {
            Files.write(corpus.resolve("seed-" + i), seeds.get(i));
        }
        Path log = folder.resolve("log.txt");
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx1g",
                "-cp",
                System.getProperty("java.class.path"),
                "com.code_intelligence.jazzer.Jazzer",
                "--target_class=" + target.getName(),
                "--instrumentation_includes=io.fedlearn.**",
                "--reproducer_path=" + folder,
                "-artifact_prefix=" + folder + "/",
                "-max_len=" + maxLength,
                "-max_total_time=" + time.toSeconds(),
                "-seed=1",
                "-print_final_stats=1",
                corpus.toString()));
        Process process = new ProcessBuilder(command)
                .directory(folder.toFile())
                .redirectErrorStream(true)
                .redirectOutput(log.toFile())
                .start();
        try {
            if (!process.waitFor(time.toSeconds() + GRACE_SECONDS, TimeUnit.SECONDS)) {
                throw new IOException("the fuzzer of " + target.getName() + " did not end in time");
            }
        } finally {
            process.destroyForcibly();
        }
        String said = Files.readString(log);
        Matcher executions = EXECUTIONS.matcher(said);
        try (Stream<Path> files = Files.list(corpus)) {
            return new CoverageRun(
                    target.getName(),
                    executions.find() ? Long.parseLong(executions.group(1)) : 0,
                    (int) files.count(),
                    process.exitValue() == 0,
                    said);
        }
    }
}
