package io.fedlearn.examples.network;

import io.fedlearn.core.federation.RoundListener;
import io.fedlearn.core.federation.Run;
import io.fedlearn.core.record.OutcomeRecord;
import io.fedlearn.core.record.RoundRecord;
import io.fedlearn.core.runtime.Runtime;
import io.fedlearn.core.strategy.ClientInfo;
import io.fedlearn.core.task.TaskKind;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.TreeSet;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.stream.Collectors;

/** Says whom a run waits for when nothing has happened for a while, ever less often. Thread-safe. */
final class WaitReport implements RoundListener, AutoCloseable {
    private static final Duration FIRST = Duration.ofSeconds(15);
    private static final Duration LONGEST = Duration.ofMinutes(10);
    private static final int MOST_NAMES = 8;

    private final Runtime runtime;
    private final int needed;
    private final Consumer<String> lines;
    private final ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor(task -> {
        Thread thread = new Thread(task, "fedlearn-wait-report");
        thread.setDaemon(true);
        return thread;
    });

    // Guarded by this.
    private final TreeSet<String> pending = new TreeSet<>();
    private String activity = "";
    private boolean isForClients = true;
    private long quietSince;
    private long patience;

    private WaitReport(Runtime runtime, int needed, Consumer<String> lines, long now) {
        this.runtime = runtime;
        this.needed = needed;
        this.lines = lines;
        begin(now);
    }

    /**
     * Begins to watch.
     *
     * @param runtime whose clients they are
     * @param needed how many must be there before a round starts
     */
    static WaitReport start(Runtime runtime, int needed, Consumer<String> lines) {
        WaitReport report = of(runtime, needed, lines, System.nanoTime());
        report.timer.scheduleWithFixedDelay(report::look, 1, 1, TimeUnit.SECONDS);
        return report;
    }

    /** One that looks only when {@link #report} is called. */
    static WaitReport of(Runtime runtime, int needed, Consumer<String> lines, long now) {
        return new WaitReport(runtime, needed, lines, now);
    }

    private void look() {
        report(System.nanoTime());
    }

    /** Says whom the run waits for, if it is time. */
    void report(long now) {
        TreeSet<String> there =
                runtime.clients().stream().map(ClientInfo::id).collect(Collectors.toCollection(TreeSet::new));
        words(now, there).ifPresent(lines);
    }

    private synchronized Optional<String> words(long now, Collection<String> there) {
        if (now - quietSince < patience) {
            return Optional.empty();
        }
        if (isForClients ? there.size() >= needed : pending.isEmpty()) {
            return Optional.empty();
        }
        patience = Math.min(2 * patience, LONGEST.toNanos());
        quietSince = now;
        return Optional.of(
                isForClients
                        ? "Waiting for " + needed + " clients; there "
                                + switch (there.size()) {
                                    case 0 -> "is none yet.";
                                    case 1 -> "is " + names(there) + ".";
                                    default -> "are " + names(there) + ".";
                                }
                        : activity + ": waiting for " + names(pending) + ".");
    }

    private static String names(Collection<String> ids) {
        return ids.stream().limit(MOST_NAMES).collect(Collectors.joining(", "))
                + (ids.size() > MOST_NAMES ? " and " + (ids.size() - MOST_NAMES) + " more" : "");
    }

    private void begin(long now) {
        quietSince = now;
        patience = FIRST.toNanos();
    }

    @Override
    public synchronized void exchangeStarted(int round, TaskKind kind, List<String> clients) {
        begin(System.nanoTime());
        isForClients = false;
        activity = (round == 0 ? "Before the rounds" : "Round " + round) + ", " + word(kind);
        pending.clear();
        pending.addAll(clients);
    }

    private static String word(TaskKind kind) {
        if (kind.equals(TaskKind.EVALUATE)) {
            return "testing";
        }
        return kind.equals(TaskKind.FIT) ? "training" : kind.toString();
    }

    @Override
    public synchronized void clientFinished(int round, TaskKind kind, OutcomeRecord outcome) {
        pending.remove(outcome.clientId());
    }

    @Override
    public synchronized void roundFinished(RoundRecord record) {
        begin(System.nanoTime());
        pending.clear();
        isForClients = true;
    }

    @Override
    public synchronized void runFinished(Run run) {
        pending.clear();
        isForClients = false;
    }

    @Override
    public void close() {
        timer.shutdownNow();
    }
}
