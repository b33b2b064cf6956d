package io.fedlearn.files;

import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** A Java process of the same class path, whose output is read line by line. */
final class ChildJvm implements AutoCloseable {
    /** The limit on the size of a file that tests give a child. */
    static final int MAX_FILE_KILOBYTES = 256;

    private final Process process;
    private final BufferedReader out;

    private ChildJvm(Process process) {
        this.process = process;
        this.out = new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
    }

    /** Starts {@code main}, by way of a shell if the size of files is to be limited. */
    static ChildJvm start(Class<?> main, Optional<Integer> maxFileKilobytes, String... arguments) throws IOException {
        List<String> java = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-XX:+UseSerialGC",
                "-XX:-UsePerfData",
                "-Xshare:auto",
                "-cp",
                classPath(),
                main.getName()));
        java.addAll(List.of(arguments));
        List<String> command = new ArrayList<>();
        if (maxFileKilobytes.isPresent()) {
            command.addAll(List.of("bash", "-c", "ulimit -f " + maxFileKilobytes.get() + "; exec \"$0\" \"$@\""));
        }
        command.addAll(java);
        return new ChildJvm(new ProcessBuilder(command)
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start());
    }

    /** The class path, which the module path is part of if tests run on one. */
    private static String classPath() {
        String modules = System.getProperty("jdk.module.path", "");
        String classes = System.getProperty("java.class.path", "");
        return modules.isEmpty() ? classes : modules + File.pathSeparator + classes;
    }

    long pid() {
        return process.pid();
    }

    String readLine() throws IOException {
        String line = out.readLine();
        if (line == null) {
            throw new IOException("the child ended before its time");
        }
        return line;
    }

    /** Kills it as {@code kill -9} does, and gives the last number that it printed after what was read; -1 if none. */
    int kill() throws IOException {
        end();
        int last = -1;
        for (String line = out.readLine(); line != null; line = out.readLine()) {
            if (!line.isEmpty()) {
                last = Integer.parseInt(line);
            }
        }
        return last;
    }

    /** Waits for its end and gives the lines that it printed after what was read. */
    List<String> readToEnd() throws IOException {
        List<String> lines = new ArrayList<>();
        for (String line = out.readLine(); line != null; line = out.readLine()) {
            lines.add(line);
        }
        process.onExit().join();
        return lines;
    }

    /** Kills it as {@code kill -9} does, and gives the lines that it printed after what was read. */
    List<String> killAndRead() throws IOException {
        end();
        return readToEnd();
    }

    @Override
    public void close() throws IOException {
        end();
        out.close();
    }

    private void end() {
        // By its handle: the process itself would throw away what was printed and not read.
        process.toHandle().destroyForcibly();
        process.onExit().join();
    }
}
