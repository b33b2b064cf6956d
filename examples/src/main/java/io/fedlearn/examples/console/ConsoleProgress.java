package io.fedlearn.examples.console;

import io.fedlearn.core.federation.RoundListener;
import io.fedlearn.core.federation.Run;
import io.fedlearn.core.federation.StopReason;
import io.fedlearn.core.record.OutcomeRecord;
import io.fedlearn.core.record.RoundRecord;
import io.fedlearn.core.record.RunHeader;
import io.fedlearn.core.task.TaskKind;
import io.fedlearn.examples.report.Figures;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Shows how a run goes: a table with a row per round, what went wrong at which client, and, on a terminal, bars for
 * rounds and clients below it. Thread-safe.
 */
public final class ConsoleProgress implements RoundListener {
    private static final long REDRAW_NANOS = TimeUnit.MILLISECONDS.toNanos(80);
    private static final int BAR_WIDTH = 28;
    private static final int MOST_CLIENT_BARS = 8;
    private static final String MARK = "*";

    private final PrintWriter out;
    private final boolean live;
    private final List<String> metrics;
    private final LiveArea area;

    // Guards what follows, and the output.
    private final ReentrantLock lock = new ReentrantLock();
    private final Map<String, Double> working = new TreeMap<>();
    private final Map<String, String> troubles = new HashMap<>();
    private final Map<String, String> parts = new HashMap<>();
    private int planned;
    private int round;
    private String activity = "";
    private int asked;
    private int answered;
    private long drawnAt;

    private ConsoleProgress(PrintWriter out, boolean live, List<String> metrics) {
        this.out = out;
        this.live = live;
        this.metrics = List.copyOf(metrics);
        this.area = new LiveArea(out);
    }

    /** A listener that prints there, with a column for each of these metrics. */
    public static ConsoleProgress of(PrintWriter out, ProgressStyle style, List<String> metrics) {
        return new ConsoleProgress(out, style.isLive(), metrics);
    }

    @Override
    public void runStarted(RunHeader header, int completedRounds, int plannedRounds, List<String> notices) {
        locked(() -> {
            planned = plannedRounds;
            round = completedRounds;
            notices.forEach(notice -> out.println("Notice: " + notice));
            if (completedRounds >= plannedRounds) {
                out.println("Run " + header.runId() + " has " + completedRounds + " rounds already, of " + plannedRounds
                        + " wanted: nothing is left to train.");
            } else if (completedRounds > 0) {
                out.println("Going on with run " + header.runId() + " after round " + completedRounds + " of "
                        + plannedRounds + ".");
            }
            if (completedRounds < plannedRounds) {
                out.println(titles());
            }
            out.flush();
        });
    }

    private String titles() {
        StringBuilder titles = new StringBuilder(cell("round", rounds().length()));
        metrics.forEach(name -> titles.append(cell(name, width(name))));
        return titles.append(cell("clients", 9)).append(cell("seconds", 9)).toString();
    }

    private String rounds() {
        return planned + "/" + planned + " ";
    }

    private static int width(String metric) {
        return Math.max(10, metric.length() + 2);
    }

    private static String cell(String text, int width) {
        return " ".repeat(Math.max(1, width - text.length())) + text;
    }

    @Override
    public void exchangeStarted(int number, TaskKind kind, List<String> clients) {
        locked(() -> {
            round = number;
            activity = kind.equals(TaskKind.EVALUATE) ? "testing" : "training";
            asked = clients.size();
            answered = 0;
            working.clear();
            redraw(true);
        });
    }

    @Override
    public void clientStarted(int number, TaskKind kind, String clientId) {
        locked(() -> {
            working.put(clientId, 0.0);
            redraw(false);
        });
    }

    @Override
    public void clientProgress(int number, TaskKind kind, String clientId, long done, long total) {
        if (live) {
            locked(() -> {
                working.computeIfPresent(clientId, (id, before) -> (double) done / Math.max(1, total));
                redraw(false);
            });
        }
    }

    @Override
    public void clientFinished(int number, TaskKind kind, OutcomeRecord outcome) {
        locked(() -> {
            answered++;
            working.remove(outcome.clientId());
            tellTrouble(kind, outcome);
            redraw(false);
        });
    }

    /** A client that fails in the same way round after round is named once. */
    private void tellTrouble(TaskKind kind, OutcomeRecord outcome) {
        String place = kind + " " + outcome.clientId();
        String trouble = outcome.isCompleted() ? "" : outcome.outcome() + ", " + outcome.reason();
        String before = Optional.ofNullable(troubles.put(place, trouble)).orElse("");
        if (!trouble.isEmpty() && !trouble.equals(before)) {
            area.erase();
            out.println("  round " + round + ", " + activity + ": " + outcome.clientId() + " " + trouble);
            out.flush();
        }
    }

    @Override
    public void roundFinished(RoundRecord record) {
        locked(() -> {
            area.erase();
            out.println(row(record));
            metrics.forEach(name -> tellPart(record, name));
            out.flush();
        });
    }

    /** A metric that is marked is explained once, and again when it is over other numbers of sites. */
    private void tellPart(RoundRecord record, String name) {
        String part = Figures.part(record, name).orElse("");
        String before = Optional.ofNullable(parts.put(name, part)).orElse("");
        if (!part.isEmpty() && !part.equals(before)) {
            out.println("  " + MARK + " " + name + " is over " + part + " clients that test: the others gave none");
        }
    }

    private String row(RoundRecord record) {
        StringBuilder row = new StringBuilder(cell(record.round() + "/" + planned, rounds().length()));
        if (record.isAborted()) {
            return row.append("  aborted: ")
                    .append(record.abortReason().orElseThrow())
                    .toString();
        }
        metrics.forEach(name -> row.append(cell(
                Figures.metric(record.metrics(), name)
                        + Figures.part(record, name).map(part -> MARK).orElse(""),
                width(name))));
        return row.append(cell(Figures.clients(record), 9))
                .append(cell(Figures.seconds(record.seconds()), 9))
                .toString();
    }

    @Override
    public void runFinished(Run run) {
        locked(() -> {
            area.erase();
            if (run.stopReason() != StopReason.ROUNDS_DONE) {
                out.println("Stopped after round " + run.records().size() + ": "
                        + run.stopReason().name().toLowerCase(Locale.ROOT).replace('_', ' ') + ".");
            }
            out.flush();
        });
    }

    /** Prints a line of somebody else's above the bars. */
    public void say(String line) {
        locked(() -> {
            area.erase();
            out.println(line);
            redraw(true);
            out.flush();
        });
    }

    /** Removes the bars, so that other lines can be printed. */
    public void pause() {
        locked(() -> {
            area.erase();
            out.flush();
        });
    }

    private void redraw(boolean now) {
        long time = System.nanoTime();
        if (!live || !now && time - drawnAt < REDRAW_NANOS) {
            return;
        }
        drawnAt = time;
        List<String> lines = new ArrayList<>();
        lines.add(bar(
                        "round " + round + "/" + planned,
                        (round - 1.0 + (asked == 0 ? 0 : (double) answered / asked)) / planned)
                + " " + activity + " " + answered + "/" + asked);
        working.entrySet().stream()
                .limit(MOST_CLIENT_BARS)
                .forEach(entry -> lines.add(bar(entry.getKey(), entry.getValue())));
        if (working.size() > MOST_CLIENT_BARS) {
            lines.add("  and " + (working.size() - MOST_CLIENT_BARS) + " more at work");
        }
        area.draw(lines);
    }

    private static String bar(String name, double share) {
        int full = (int) Math.round(BAR_WIDTH * Math.max(0, Math.min(1, share)));
        return String.format("  %-14s [%s%s]", name, "#".repeat(full), "-".repeat(BAR_WIDTH - full));
    }

    private void locked(Runnable work) {
        lock.lock();
        try {
            work.run();
        } finally {
            lock.unlock();
        }
    }
}
