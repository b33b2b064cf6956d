package io.fedlearn.benchmarks;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * How much heap a program needs, found by running it in fresh JVMs with less and less, until one fails. The collector compacts
 * (serial), so what it cannot free is alive.
 */
final class LeastHeap {
    private LeastHeap() {}

    /**
     * The least heap in MiB in which the program ends well.
     *
     * @param program with a main method
     * @param tooLittle MiB that are known not to do
     * @param enough MiB that must do
     * @param arguments of the program
     * @throws IllegalStateException if it does not end well in {@code enough} either
     */
    static int of(Class<?> program, int tooLittle, int enough, String... arguments)
            throws IOException, InterruptedException {
        int low = tooLittle;
        int high = enough;
        if (!runs(program, high, arguments)) {
            throw new IllegalStateException(String.join(" ", arguments) + " does not even run in " + high + " MiB");
        }
        while (high - low > 1) {
            int middle = (low + high) / 2;
            if (runs(program, middle, arguments)) {
                high = middle;
            } else {
                low = middle;
            }
        }
        return high;
    }

    private static boolean runs(Class<?> program, int heap, String... arguments)
            throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:+UseSerialGC",
                // A small young generation: large arrays go to the old one, which has the rest to itself.
                "-Xmn2m",
                "-Xms" + heap + "m",
                "-Xmx" + heap + "m",
                "-cp",
                System.getProperty("java.class.path"),
                program.getName()));
        command.addAll(List.of(arguments));
        Process child = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .start();
        if (!child.waitFor(5, TimeUnit.MINUTES)) {
            child.destroyForcibly();
            return false;
        }
        return child.exitValue() == 0;
    }
}
