package io.fedlearn.pg.run;

import java.io.PrintWriter;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.logging.Logger;
import javax.sql.DataSource;

/** A source whose connections lose the answer to a commit of runs and rounds, after or before it was made, and then are refused for a while. */
final class LossyCommit implements DataSource {
    private static final String CONNECTION_LOST = "08006";

    private final DataSource source;
    private final AtomicInteger toLose = new AtomicInteger();
    private final AtomicInteger toRefuse = new AtomicInteger();
    private volatile int refusalsAfterwards;
    private volatile boolean isCommitted;

    LossyCommit(DataSource source) {
        this.source = source;
    }

    /** Loses the answers to this many commits that follow, whether made or not, and refuses so many connections after each. */
    void loseAnswers(int commits, boolean committed, int refusals) {
        isCommitted = committed;
        refusalsAfterwards = refusals;
        toLose.set(commits);
    }

    @Override
    public Connection getConnection() throws SQLException {
        if (isMine() && toRefuse.getAndUpdate(count -> Math.max(0, count - 1)) > 0) {
            throw new SQLException("the server is away", CONNECTION_LOST);
        }
        Connection connection = source.getConnection();
        int[] statements = {0};
        return (Connection) Proxy.newProxyInstance(
                getClass().getClassLoader(), new Class<?>[] {Connection.class}, (proxy, method, arguments) -> {
                    if (method.getName().equals("prepareStatement") && isOfRun(String.valueOf(arguments[0]))) {
                        statements[0]++;
                    }
                    if (method.getName().equals("commit")
                            && statements[0] > 0
                            && toLose.getAndUpdate(count -> Math.max(0, count - 1)) > 0) {
                        if (isCommitted) {
                            connection.commit();
                        }
                        toRefuse.set(refusalsAfterwards);
                        connection.close();
                        throw new SQLException("the connection was lost", CONNECTION_LOST);
                    }
                    try {
                        return method.invoke(connection, arguments);
                    } catch (InvocationTargetException e) {
                        throw e.getTargetException();
                    }
                });
    }

    private static boolean isOfRun(String statement) {
        return statement.startsWith("INSERT INTO fedlearn.round ") || statement.startsWith("INSERT INTO fedlearn.run ");
    }

    /** Renewals of the lease are not troubled. */
    private static boolean isMine() {
        return !Thread.currentThread().getName().startsWith("fedlearn-lease");
    }

    @Override
    public Connection getConnection(String username, String password) throws SQLException {
        return source.getConnection(username, password);
    }

    @Override
    public PrintWriter getLogWriter() throws SQLException {
        return source.getLogWriter();
    }

    @Override
    public void setLogWriter(PrintWriter out) throws SQLException {
        source.setLogWriter(out);
    }

    @Override
    public void setLoginTimeout(int seconds) throws SQLException {
        source.setLoginTimeout(seconds);
    }

    @Override
    public int getLoginTimeout() throws SQLException {
        return source.getLoginTimeout();
    }

    @Override
    public Logger getParentLogger() {
        return Logger.getGlobal();
    }

    @Override
    public <T> T unwrap(Class<T> type) throws SQLException {
        return source.unwrap(type);
    }

    @Override
    public boolean isWrapperFor(Class<?> type) throws SQLException {
        return source.isWrapperFor(type);
    }
}
