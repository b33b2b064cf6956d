package io.fedlearn.benchmarks;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/** The mean as NumPy users take it, in a process of its own that keeps its arrays from one mean to the next. */
final class NumpyMean implements AutoCloseable {
    private final Process process;
    private final BufferedReader answers;
    private final OutputStream tasks;
    private final String version;

    private NumpyMean(Process process, BufferedReader answers, String version) {
        this.process = process;
        this.answers = answers;
        this.tasks = process.getOutputStream();
        this.version = version;
    }

    /**
     * Starts the process with updates of its own, if Python and NumPy are there.
     *
     * @param interpreter such as {@code python3}
     */
    static Optional<NumpyMean> start(String interpreter, Path script, int clients, int parameters) {
        if (!Files.exists(script)) {
            return Optional.empty();
        }
        try {
            Process process = new ProcessBuilder(interpreter, script.toString())
                    .redirectError(ProcessBuilder.Redirect.DISCARD)
                    .start();
            BufferedReader answers =
                    new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
            OutputStream tasks = process.getOutputStream();
            tasks.write((clients + " " + parameters + "\n").getBytes(StandardCharsets.US_ASCII));
            tasks.flush();
            return Optional.ofNullable(answers.readLine()).map(version -> new NumpyMean(process, answers, version));
        } catch (IOException e) {
            // No such interpreter, or it ended at once because there is no NumPy.
            return Optional.empty();
        }
    }

    /** Of NumPy. */
    String version() {
        return version;
    }

    /** Takes the mean once and tells how long that took. */
    double seconds() {
        try {
            tasks.write('\n');
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
