package io.fedlearn.pg.registry;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.fedlearn.pg.internal.Database;
import java.lang.System.Logger.Level;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import org.postgresql.PGConnection;
import org.postgresql.PGNotification;

/** A listener that is told changes of a registry, until it is closed. Thread-safe. */
public final class Subscription implements AutoCloseable {
    /** The channel of notifications; those of all schemas of a database share it. */
    static final String CHANNEL = "fedlearn_registry";

    private static final System.Logger LOGGER = System.getLogger(Subscription.class.getName());
    private static final JsonMapper MAPPER = new JsonMapper();
    /** How long one look for notifications waits, which is how long closing may take. */
    private static final int LOOK_MILLIS = 200;
    /** After so long without a notification, it is tried whether the connection is still there. */
    private static final Duration SILENCE = Duration.ofSeconds(15);

    private static final int TRIAL_SECONDS = 5;
    private static final Duration FIRST_PAUSE = Duration.ofMillis(100);
    private static final Duration LONGEST_PAUSE = Duration.ofSeconds(10);

    private final DataSource dataSource;
    private final String schema;
    private final RegistryListener listener;
    private final CountDownLatch closing = new CountDownLatch(1);
    private final CountDownLatch ended = new CountDownLatch(1);
    private volatile @Nullable Thread teller;

    private Subscription(DataSource dataSource, String schema, RegistryListener listener) {
        this.dataSource = dataSource;
        this.schema = schema;
        this.listener = listener;
    }

    static Subscription begin(
            DataSource dataSource, String schema, RegistryListener listener, Optional<ExecutorService> executor) {
        Subscription subscription = new Subscription(dataSource, schema, listener);
        Connection connection;
        try {
            connection = subscription.connect();
        } catch (SQLException e) {
            throw Database.failure("changes of the model registry cannot be listened to", e);
        }
        ExecutorService threads = executor.orElseGet(() -> ownThread(schema));
        try {
            threads.execute(() -> subscription.run(connection));
        } catch (RejectedExecutionException e) {
            subscription.receiveNothing(connection);
            throw new IllegalStateException("the executor that listens to the model registry is closed", e);
        }
        if (executor.isEmpty()) {
            threads.shutdown();
        }
        return subscription;
    }

    private static ExecutorService ownThread(String schema) {
        return Executors.newSingleThreadExecutor(work -> {
            Thread thread = new Thread(work, "fedlearn-registry-" + schema);
            thread.setDaemon(true);
            return thread;
        });
    }

    private void receiveNothing(Connection connection) {
        closing.countDown();
        receive(connection);
        ended.countDown();
    }

    /** What travels with a notification. */
    static String payload(String schema, RegistryChange change) {
        try {
            return MAPPER.writeValueAsString(new TreeMap<>(Map.of(
                    "schema", schema,
                    "name", change.name(),
                    "version", change.version(),
                    "stage", change.stage().word())));
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("writing to a string cannot fail", e);
        }
    }

    private Connection connect() throws SQLException {
        Connection connection = dataSource.getConnection();
        boolean isListening = false;
        try (Statement statement = connection.createStatement()) {
            connection.setAutoCommit(true);
            statement.execute("LISTEN " + CHANNEL);
            isListening = true;
            return connection;
        } finally {
            if (!isListening) {
                connection.close();
            }
        }
    }

    private void run(Connection first) {
        teller = Thread.currentThread();
        try {
            Optional<Connection> connection = Optional.of(first);
            while (connection.isPresent()) {
                receive(connection.get());
                if (isClosing()) {
                    return;
                }
                connection = reconnect();
                if (connection.isPresent()) {
                    LOGGER.log(Level.INFO, "changes of the model registry are listened to again");
                    tell(listener::mayHaveMissedChanges);
                }
            }
        } finally {
            ended.countDown();
        }
    }

    private boolean isClosing() {
        return closing.getCount() == 0;
    }

    /** Tells what comes until the connection is lost or the subscription closed. */
    private void receive(Connection connection) {
        try (connection) {
            PGConnection postgres = connection.unwrap(PGConnection.class);
            long silentSince = System.nanoTime();
            // An interrupt is from whoever shuts the executor down.
            while (!isClosing() && !Thread.currentThread().isInterrupted()) {
                PGNotification[] notifications = postgres.getNotifications(LOOK_MILLIS);
                if (notifications != null && notifications.length > 0) {
                    for (PGNotification notification : notifications) {
                        tell(notification);
                    }
                    silentSince = System.nanoTime();
                } else if (System.nanoTime() - silentSince > SILENCE.toNanos()) {
                    if (!connection.isValid(TRIAL_SECONDS)) {
                        throw new SQLException("the server does not answer");
                    }
                    silentSince = System.nanoTime();
                }
            }
            try (Statement statement = connection.createStatement()) {
                // A pool would hand the connection on.
                statement.execute("UNLISTEN " + CHANNEL);
            }
        } catch (SQLException e) {
            if (!isClosing()) {
                LOGGER.log(
                        Level.WARNING,
                        "changes of the model registry are not told until it can be reached: {0}",
                        Database.reason(e));
            }
        }
    }

    /** A new connection; empty once the subscription is closed. */
    private Optional<Connection> reconnect() {
        Duration pause = FIRST_PAUSE;
        while (true) {
            try {
                if (closing.await(pause.toMillis(), TimeUnit.MILLISECONDS)) {
                    return Optional.empty();
                }
                return Optional.of(connect());
            } catch (SQLException e) {
                LOGGER.log(Level.DEBUG, "the model registry cannot be reached: {0}", Database.reason(e));
                Duration doubled = pause.multipliedBy(2);
                pause = doubled.compareTo(LONGEST_PAUSE) < 0 ? doubled : LONGEST_PAUSE;
            } catch (InterruptedException e) {
                // Whose executor it is wants it to end.
                Thread.currentThread().interrupt();
                return Optional.empty();
            }
        }
    }

    private void tell(PGNotification notification) {
        Optional<RegistryChange> change = change(notification.getParameter());
        if (change.isPresent()) {
            tell(() -> listener.changed(change.get()));
        }
    }

    /** The change that a notification tells; empty if it is of another schema, or was not sent by a registry. */
    private Optional<RegistryChange> change(String payload) {
        try {
            JsonNode fields = MAPPER.readTree(payload);
            if (!fields.path("schema").asText().equals(schema)) {
                return Optional.empty();
            }
            return Optional.of(new RegistryChange(
                    fields.path("name").asText(),
                    fields.path("version").asInt(),
                    Stage.of(fields.path("stage").asText())));
        } catch (JsonProcessingException | IllegalArgumentException e) {
            LOGGER.log(Level.WARNING, "a notification on {0} is not one of a model registry", CHANNEL);
            return Optional.empty();
        }
    }

    private static void tell(Runnable call) {
        try {
            call.run();
        } catch (RuntimeException e) {
            LOGGER.log(Level.WARNING, "a listener of the model registry failed", e);
        }
    }

    /**
     * Ends it and lets its connection go. When this returns, the listener is not called any more, unless it is what calls this. Closing
     * again does nothing.
     */
    @Override
    public void close() {
        closing.countDown();
        if (Thread.currentThread().equals(teller)) {
            return;
        }
        try {
            // Not for ever: a listener may take its time.
            if (!ended.await(TRIAL_SECONDS, TimeUnit.SECONDS)) {
                LOGGER.log(Level.WARNING, "a listener of the model registry has not returned yet");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
