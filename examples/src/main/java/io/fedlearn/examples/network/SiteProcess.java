package io.fedlearn.examples.network;

import io.fedlearn.examples.run.InputException;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.lang.ProcessBuilder.Redirect;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.IntConsumer;

/**
 * A command of this program in a process of its own, which does not outlive this one: its input is a pipe from here, and it ends
 * when that does, which is also after a kill -9.
 */
public final class SiteProcess implements AutoCloseable {
    private static final String MAIN = "io.fedlearn.examples.FedLearn";
    private static final int ORPHANED = 130;
    private static final int KILL_SECONDS = 5;

    private final Process process;
    private volatile boolean closing;

    private SiteProcess(Process process) {
        this.process = process;
    }

    /**
     * Starts a command.
     *
     * @param options of its Java virtual machine
     * @param arguments the command and its options
     * @param log what it prints; added to what is there
     * @param ended is told its exit code if it ends without being closed, on another thread
     * @throws InputException if it cannot be started
     */
    public static SiteProcess start(List<String> options, List<String> arguments, Path log, IntConsumer ended) {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.add("-Djava.awt.headless=true");
        command.addAll(options);
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), MAIN));
        command.addAll(arguments);
        try {
            Path parent = log.toAbsolutePath().getParent();
            if (parent != null) {
                Files.createDirectories(parent);
            }
            SiteProcess site = new SiteProcess(new ProcessBuilder(command)
                    .redirectErrorStream(true)
                    .redirectOutput(Redirect.appendTo(log.toFile()))
                    .start());
            site.process.onExit().thenAccept(process -> {
                if (!site.closing) {
                    ended.accept(process.exitValue());
                }
            });
            return site;
        } catch (IOException e) {
            throw InputException.of("a process cannot be started that logs to " + log, e);
        }
    }

    /**
     * Has this process end as soon as the one that started it is gone.
     *
     * @param out where it says so
     */
    public static void endWithParent(PrintWriter out) {
        InputStream parent = System.in;
        Thread watch = new Thread(
                () -> {
                    try {
                        while (parent.read() >= 0) {
                            // Nothing is ever said here.
                        }
                    } catch (IOException e) {
                        // As good as its end.
                    }
                    out.println("The process that started this one is gone.");
                    out.flush();
                    java.lang.Runtime.getRuntime().halt(ORPHANED);
                },
                "fedlearn-parent-watch");
        watch.setDaemon(true);
        watch.start();
    }

    /** Waits until it has ended by itself, but not for longer than this. */
    public void await(Duration patience) throws InterruptedException {
        process.waitFor(patience.toMillis(), TimeUnit.MILLISECONDS);
    }

    /** Ends it, if it has not ended yet. */
    @Override
    public void close() {
        closing = true;
        process.destroy();
        boolean interrupted = Thread.interrupted();
        try {
            if (!process.waitFor(KILL_SECONDS, TimeUnit.SECONDS)) {
                process.destroyForcibly();
            }
        } catch (InterruptedException e) {
            interrupted = true;
            process.destroyForcibly();
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
