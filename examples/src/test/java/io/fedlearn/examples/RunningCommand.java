package io.fedlearn.examples;

import java.io.PrintWriter;
import java.io.Writer;
import java.time.Duration;
import java.util.Arrays;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A command that runs on a thread of this process while a test goes on. */
final class RunningCommand implements AutoCloseable {
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    private final Text out = new Text();
    private final Text err = new Text();
    private final CompletableFuture<Integer> exitCode = new CompletableFuture<>();
    private final Thread thread;

    private RunningCommand(Object... arguments) {
        String[] texts = Arrays.stream(arguments).map(Object::toString).toArray(String[]::new);
        this.thread = new Thread(
                () -> {
                    try {
                        exitCode.complete(FedLearn.commandLine()
                                .setOut(new PrintWriter(out, true))
                                .setErr(new PrintWriter(err, true))
                                .execute(texts));
                    } catch (RuntimeException | Error e) {
                        exitCode.completeExceptionally(e);
                    }
                },
                "command-" + texts[0]);
        thread.setDaemon(true);
    }

    /** Starts a command. */
    static RunningCommand start(Object... arguments) {
        RunningCommand command = new RunningCommand(arguments);
        command.thread.start();
        return command;
    }

    /** Waits until the command has printed this, and gives what matched. */
    Matcher await(String pattern) throws InterruptedException {
        return out.await(Pattern.compile(pattern), exitCode, err);
    }

    /** What it has printed so far. */
    String output() {
        return out.toString();
    }

    /** Ends the command as Ctrl-C does. */
    void interrupt() {
        thread.interrupt();
    }

    /** Waits for its end. */
    Outcome outcome() throws InterruptedException {
        try {
            int code = exitCode.get(PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
            return new Outcome(code, out.toString(), err.toString());
        } catch (ExecutionException | TimeoutException e) {
            throw new AssertionError(e + "; it printed:\n" + out + err, e);
        }
    }

    @Override
    public void close() {
        thread.interrupt();
    }

    /** What was written, to be waited for. */
    private static final class Text extends Writer {
        private final StringBuffer text = new StringBuffer();

        @Override
        public void write(char[] buffer, int from, int count) {
            synchronized (lock) {
                text.append(buffer, from, count);
                lock.notifyAll();
            }
        }

        Matcher await(Pattern pattern, CompletableFuture<Integer> ended, Text errors) throws InterruptedException {
            long until = System.nanoTime() + PATIENCE.toNanos();
            synchronized (lock) {
                while (true) {
                    boolean isOver = ended.isDone();
                    Matcher matcher = pattern.matcher(text.toString());
                    if (matcher.find()) {
                        return matcher;
                    }
                    if (isOver || System.nanoTime() > until) {
                        throw new AssertionError("'" + pattern + "' was not printed but:\n" + text + errors);
                    }
                    lock.wait(20);
                }
            }
        }

        @Override
        public void flush() {}

        @Override
        public void close() {}

        @Override
        public String toString() {
            return text.toString();
        }
    }
}
