package io.fedlearn.benchmarks;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/** A part of a benchmark in a process of its own, which tells how it goes line by line on its standard output. */
final class ChildProgram implements AutoCloseable {
    private final Process process;
    private final BufferedReader lines;

    private ChildProgram(Process process) {
        this.process = process;
        this.lines = new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
    }

    /** Starts the main method of a class in a JVM like this one. */
    static ChildProgram java(List<String> options, Class<?> program, Object... arguments) {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(options);
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), program.getName()));
        for (Object argument : arguments) {
            command.add(argument.toString());
        }
        return start(command);
    }

    /** Starts a command. What it writes on its standard error goes to ours. */
    static ChildProgram start(List<String> command) {
        try {
            return new ChildProgram(new ProcessBuilder(command)
                    .redirectError(ProcessBuilder.Redirect.INHERIT)
                    .start());
        } catch (IOException e) {
            throw new UncheckedIOException("cannot start " + command.get(0), e);
        }
    }

    /** What follows this word on the next line that starts with it; other lines are skipped. */
    String await(String word) {
        try {
            String line;
            while ((line = lines.readLine()) != null) {
                if (line.startsWith(word + " ")) {
                    return line.substring(word.length() + 1);
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        throw new IllegalStateException("a process ended without a line " + word);
    }

    /** Gives away every further line until it ends. */
    void forEachLine(Consumer<String> line) {
        lines.lines().forEach(line);
    }

    /** Tells it to go on, or to end: writes a line to its standard input. */
    void tell(String line) {
        try {
            process.getOutputStream().write((line + "\n").getBytes(StandardCharsets.UTF_8));
            process.getOutputStream().flush();
        } catch (IOException e) {
            throw new UncheckedIOException("a process does not listen", e);
        }
    }

    /** Kills it. */
    void kill() {
        process.destroyForcibly();
    }

    /** Waits for its end for a moment, and kills it then. */
    @Override
    public void close() {
        try {
            if (!process.waitFor(20, TimeUnit.SECONDS)) {
                process.destroyForcibly();
            }
        } catch (InterruptedException e) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
        }
    }
}
