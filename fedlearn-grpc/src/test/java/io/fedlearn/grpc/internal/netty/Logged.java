package io.fedlearn.grpc.internal.netty;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;

/** What a class logs while this is open. */
public final class Logged implements AutoCloseable {
    private static final long SECONDS = 20;

    private final Logger logger;
    private final BlockingQueue<LogRecord> records = new LinkedBlockingQueue<>();
    private final Handler handler = new Handler() {
        @Override
        public void publish(LogRecord record) {
            records.add(record);
        }

        @Override
        public void flush() {}

        @Override
        public void close() {}
    };

    private Logged(Logger logger) {
        this.logger = logger;
        logger.addHandler(handler);
    }

    /** Begins to listen to a class. */
    public static Logged of(Class<?> type) {
        return new Logged(Logger.getLogger(type.getName()));
    }

    /** Waits for a message with all these parts. */
    public LogRecord await(String... parts) {
        try {
            for (LogRecord record = records.poll(SECONDS, TimeUnit.SECONDS);
                    record != null;
                    record = records.poll(SECONDS, TimeUnit.SECONDS)) {
                String message = record.getMessage();
                if (Arrays.stream(parts).allMatch(message::contains)) {
                    return record;
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        throw new AssertionError("nothing was logged with " + List.of(parts));
    }

    /** That nothing so bad was logged so far. */
    public void assertNone(Level level) {
        assertThat(records).noneMatch(record -> record.getLevel().intValue() >= level.intValue());
    }

    @Override
    public void close() {
        logger.removeHandler(handler);
    }
}
