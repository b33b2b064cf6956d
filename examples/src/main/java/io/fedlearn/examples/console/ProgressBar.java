package io.fedlearn.examples.console;

import java.io.PrintWriter;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Shows how far one long piece of work is: a bar where output is a terminal, a line now and then elsewhere, and at the end a line
 * that tells how long it took. Work that is done within a second leaves that line only. Thread-safe.
 */
public final class ProgressBar implements AutoCloseable {
    private static final long REDRAW_NANOS = TimeUnit.MILLISECONDS.toNanos(80);
    private static final long LINE_NANOS = TimeUnit.SECONDS.toNanos(10);
    private static final int WIDTH = 28;

    private final PrintWriter out;
    private final boolean live;
    private final String work;
    private final long startedAt = System.nanoTime();

    // Guards what follows, and the output.
    private final ReentrantLock lock = new ReentrantLock();
    private final LiveArea area;
    private long shownAt = startedAt;
    private long done;
    private long total;
    private boolean closed;

    private ProgressBar(PrintWriter out, boolean live, String work) {
        this.out = out;
        this.live = live;
        this.work = work;
        this.area = new LiveArea(out);
    }

    /** Begins a piece of work of this name, such as "Cutting out patches". */
    public static ProgressBar start(PrintWriter out, ProgressStyle style, String work) {
        return new ProgressBar(out, style.isLive(), work);
    }

    /**
     * Says how far the work is.
     *
     * @param nowDone steps done so far; less than what was said before is passed over, as threads overtake each other
     * @param ofTotal steps in all
     */
    public void update(long nowDone, long ofTotal) {
        lock.lock();
        try {
            if (closed || nowDone < done) {
                return;
            }
            done = nowDone;
            total = ofTotal;
            long now = System.nanoTime();
            if (now - shownAt < (live ? REDRAW_NANOS : LINE_NANOS)) {
                return;
            }
            shownAt = now;
            if (live) {
                int full = (int) Math.round((double) WIDTH * done / Math.max(1, total));
                area.draw(List.of(
                        "  " + work + " [" + "#".repeat(full) + "-".repeat(WIDTH - full) + "] " + done + "/" + total));
            } else {
                out.println("  " + work + ": " + done + " of " + total);
                out.flush();
            }
        } finally {
            lock.unlock();
        }
    }

    /** Ends the work: removes the bar and says how long it took. */
    @Override
    public void close() {
        lock.lock();
        try {
            if (closed) {
                return;
            }
            closed = true;
            area.erase();
            double seconds = (System.nanoTime() - startedAt) / 1e9;
            String outcome = done == total ? done + " in " : "stopped at " + done + " of " + total + " after ";
            out.println("  " + work + ": " + outcome + String.format(Locale.ROOT, "%.1f s", seconds));
            out.flush();
        } finally {
            lock.unlock();
        }
    }
}
