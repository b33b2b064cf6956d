package io.fedlearn.benchmarks;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * What a Python library takes for the same work, in a process of its own that keeps what it works on from one turn to the next.
 *
 * <p>The script writes one line about itself, then answers every line with the seconds that it took to do what the line says.
 */
final class PythonPeer implements AutoCloseable {
    private final Process process;
    private final BufferedReader answers;
    private final OutputStream tasks;
    private final String version;

    private PythonPeer(Process process, BufferedReader answers, String version) {
        this.process = process;
        this.answers = answers;
        this.tasks = process.getOutputStream();
        this.version = version;
    }

    /**
     * Starts the script, if it, Python and what it needs are there.
     *
     * @param interpreter such as {@code python3}
     */
    static Optional<PythonPeer> start(String interpreter, Path script, Object... arguments) {
        if (!Files.exists(script)) {
            return Optional.empty();
        }
        List<String> command = new ArrayList<>(List.of(interpreter, script.toString()));
        for (Object argument : arguments) {
            command.add(argument.toString());
        }
        try {
            Process process = new ProcessBuilder(command)
                    .redirectError(ProcessBuilder.Redirect.DISCARD)
                    .start();
            BufferedReader answers =
                    new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
            return Optional.ofNullable(answers.readLine()).map(line -> new PythonPeer(process, answers, line));
        } catch (IOException e) {
            // No such interpreter.
            return Optional.empty();
        }
    }

    /** What the script wrote about itself: the library's version first. */
    String version() {
        return version;
    }

    /** Has a piece of work done once and tells how long that took. */
    double seconds(String work) {
        try {
            tasks.write((work + "\n").getBytes(StandardCharsets.US_ASCII));
            tasks.flush();
            return Double.parseDouble(answers.readLine());
        } catch (IOException e) {
            throw new UncheckedIOException("the Python process failed", e);
        }
    }

    @Override
    public void close() {
        process.destroy();
    }
}
