package io.fedlearn.pg.data;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.Arrays;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.FutureTask;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.postgresql.PGConnection;
import org.postgresql.copy.CopyOut;

/**
 * Reads what a binary COPY sends: one thread takes it from the connection, a few blocks ahead, and the caller's looks at it. So a caller
 * that is interrupted, or that cannot use a row, ends the statement at the server, even one that has not sent anything yet.
 */
final class CopyRows {
    private static final byte[] SIGNATURE = {'P', 'G', 'C', 'O', 'P', 'Y', '\n', (byte) 0xff, '\r', '\n', 0};
    private static final int FLAGS = 4;
    private static final int BLOCKS_AHEAD = 4;
    private static final int BLOCK_ROWS = 256;
    private static final int BLOCK_BYTES = 256 << 10;
    private static final Block END = new Block();
    private static final long LOOK_MILLIS = 500;

    /** Some rows on their way. */
    private static final class Block {
        final byte[][] rows = new byte[BLOCK_ROWS][];
        int count;
        int bytes;

        void add(byte[] row) {
            rows[count++] = row;
            bytes += row.length;
        }

        boolean isFull() {
            return count == BLOCK_ROWS || bytes >= BLOCK_BYTES;
        }
    }

    /** Looks at a row. */
    @FunctionalInterface
    interface Rows {
        /**
         * Looks at a row.
         *
         * @param at where its first field's length is
         */
        void row(byte[] bytes, int at);
    }

    private final PGConnection connection;
    private final Connection plain;
    private final Executor executor;
    private final BlockingQueue<Block> blocks = new ArrayBlockingQueue<>(BLOCKS_AHEAD);
    /** Whether the thread that reads has begun, or may not any more. */
    private final AtomicBoolean isDecided = new AtomicBoolean();

    private volatile boolean isStopped;

    private CopyRows(Connection plain, Executor executor) throws SQLException {
        this.plain = plain;
        this.executor = executor;
        this.connection = plain.unwrap(PGConnection.class);
    }

    /**
     * Reads all rows.
     *
     * @param statement {@code COPY … TO STDOUT (FORMAT binary)}
     * @param executor for the thread that reads
     * @throws RejectedExecutionException if the executor was shut down, and will not read
     */
    static void read(Connection connection, String statement, Executor executor, int fields, Rows rows)
            throws SQLException, InterruptedException {
        CopyRows copy = new CopyRows(connection, executor);
        FutureTask<Boolean> reading = new FutureTask<>(() -> copy.receive(statement));
        executor.execute(reading);
        boolean isRead = false;
        try {
            copy.give(fields, rows);
            isRead = true;
        } finally {
            if (!isRead) {
                copy.cancel(reading.isDone());
            }
        }
        try {
            reading.get();
        } catch (ExecutionException e) {
            if (e.getCause() instanceof SQLException) {
                throw (SQLException) e.getCause();
            }
            throw new IllegalStateException("rows could not be received", e.getCause());
        }
    }

    private boolean receive(String statement) throws SQLException, InterruptedException {
        if (!isDecided.compareAndSet(false, true)) {
            return false;
        }
        try {
            CopyOut copy = connection.getCopyAPI().copyOut(statement);
            Block block = new Block();
            for (byte[] row = copy.readFromCopy(); row != null; row = copy.readFromCopy()) {
                if (isStopped) {
                    continue;
                }
                block.add(row);
                if (block.isFull()) {
                    blocks.put(block);
                    block = new Block();
                }
            }
            blocks.put(block);
            return true;
        } catch (InterruptedException e) {
            // The executor is shut down: what is left of the COPY goes with the connection.
            plain.abort(Runnable::run);
            throw e;
        } finally {
            end();
        }
    }

    private void end() {
        boolean wasInterrupted = Thread.interrupted();
        while (!blocks.offer(END)) {
            if (isStopped || wasInterrupted) {
                blocks.poll();
            } else {
                try {
                    blocks.put(END);
                    break;
                } catch (InterruptedException e) {
                    wasInterrupted = true;
                }
            }
        }
        if (wasInterrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private void give(int fields, Rows rows) throws InterruptedException, SQLException {
        boolean isFirst = true;
        for (Block block = next(); block != END; block = next()) {
            for (int i = 0; i < block.count; i++) {
                byte[] bytes = block.rows[i];
                int at = 0;
                if (isFirst) {
                    at = afterHeader(bytes);
                    isFirst = false;
                }
                if (bytes.length - at >= Short.BYTES) {
                    int count = Binary.int2(bytes, at);
                    if (count == fields) {
                        rows.row(bytes, at + Short.BYTES);
                    } else if (count != -1) {
                        throw new SQLException("a row of " + count + " fields came and not of " + fields);
                    }
                }
            }
        }
    }

    private Block next() throws InterruptedException {
        Block block = blocks.poll(LOOK_MILLIS, TimeUnit.MILLISECONDS);
        while (block == null) {
            if (executor instanceof ExecutorService threads && threads.isTerminated() && blocks.isEmpty()) {
                throw new RejectedExecutionException("the executor was shut down before the rows could be read");
            }
            block = blocks.poll(LOOK_MILLIS, TimeUnit.MILLISECONDS);
        }
        return block;
    }

    private static int afterHeader(byte[] bytes) throws SQLException {
        if (bytes.length < SIGNATURE.length + 2 * FLAGS
                || !Arrays.equals(bytes, 0, SIGNATURE.length, SIGNATURE, 0, SIGNATURE.length)) {
            throw new SQLException("what came is no binary COPY");
        }
        return SIGNATURE.length + 2 * FLAGS + Binary.int4(bytes, SIGNATURE.length + FLAGS);
    }

    /** Ends the statement at the server, unless it has ended, and waits until nothing more comes. */
    private void cancel(boolean isOver) {
        isStopped = true;
        if (isDecided.compareAndSet(false, true)) {
            return;
        }
        boolean wasInterrupted = false;
        try {
            // What is over is not cancelled: that would hit what the connection does next.
            if (!isOver) {
                connection.cancelQuery();
            }
        } catch (SQLException e) {
            try {
                plain.abort(Runnable::run);
            } catch (SQLException lost) {
                e.addSuppressed(lost);
            }
        }
        while (true) {
            try {
                if (blocks.take() == END) {
                    break;
                }
            } catch (InterruptedException e) {
                wasInterrupted = true;
            }
        }
        if (wasInterrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
