package io.fedlearn.examples.network;

import java.util.function.Consumer;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import java.util.logging.SimpleFormatter;

/** Prints what the transport logs, such as that a connection was lost, between the other lines of a command. */
final class ConnectionLog extends Handler implements AutoCloseable {
    // A logger's settings last as long as somebody holds the logger.
    private static final Logger TRANSPORT = Logger.getLogger("io.fedlearn.grpc");

    private final Consumer<String> lines;

    private ConnectionLog(Consumer<String> lines) {
        this.lines = lines;
        setFormatter(new SimpleFormatter());
        setLevel(Level.INFO);
    }

    /** From now on, until it is closed, what the transport logs is told there. */
    static ConnectionLog to(Consumer<String> lines) {
        ConnectionLog log = new ConnectionLog(lines);
        TRANSPORT.setLevel(Level.INFO);
        TRANSPORT.setUseParentHandlers(false);
        TRANSPORT.addHandler(log);
        return log;
    }

    @Override
    public void publish(LogRecord event) {
        if (isLoggable(event)) {
            lines.accept("  " + getFormatter().formatMessage(event));
        }
    }

    @Override
    public void flush() {}

    @Override
    public void close() {
        TRANSPORT.removeHandler(this);
        TRANSPORT.setUseParentHandlers(true);
        TRANSPORT.setLevel(null);
    }
}
