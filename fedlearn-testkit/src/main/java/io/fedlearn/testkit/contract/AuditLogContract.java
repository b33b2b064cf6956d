package io.fedlearn.testkit.contract;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.fedlearn.core.record.AuditHead;
import io.fedlearn.core.store.AuditEvent;
import io.fedlearn.core.store.AuditLog;
import io.fedlearn.core.task.Config;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/**
 * Tests the rules of {@link AuditLog}; a subclass supplies the log. Numbers in the names of the tests are those of the rules.
 *
 * <p>That a changed, removed or moved record is found is for tests of the log's own verification: the interface has none.
 */
public abstract class AuditLogContract {
    private static final Instant TIME = Instant.parse("2026-01-01T00:00:00.000000001Z");

    private final List<AuditLog> logs = new ArrayList<>();

    /** For subclasses. */
    protected AuditLogContract() {}

    /** Opens the log at this test's place: empty at first; after a log was closed, the same place again. */
    protected abstract AuditLog open() throws Exception;

    /** Whether records are still there after the log was closed and opened again. By default they are. */
    protected boolean isDurable() {
        return true;
    }

    @AfterEach
    final void closeAll() {
        logs.forEach(AuditLog::close);
    }

    private AuditLog openLog() throws Exception {
        AuditLog log = open();
        logs.add(log);
        return log;
    }

    private static AuditEvent event(int number) {
        return new AuditEvent(
                TIME.plusSeconds(number),
                "round-committed",
                Config.of(Map.of(
                        "round",
                        number,
                        "share",
                        0.1,
                        "ok",
                        true,
                        "client",
                        "M\u00e4ry \u65e5 \ud83d\ude00 \"x\"\n\u0001")));
    }

    @Test
    @DisplayName("head: an empty log's is the empty one")
    void startsEmpty() throws Exception {
        assertThat(openLog().head()).isEqualTo(AuditHead.empty());
    }

    @Test
    @DisplayName("append: counts records from 1 and gives the new end")
    void countsRecords() throws Exception {
        AuditLog log = openLog();

        for (int i = 1; i <= 5; i++) {
            AuditHead head = log.append(event(i));
            assertThat(head.sequence()).isEqualTo(i);
            assertThat(head.hash()).matches("[0-9a-f]{64}");
            assertThat(log.head()).isEqualTo(head);
        }
    }

    @Test
    @DisplayName("rule 1: records are there after the log was opened again, and the chain goes on")
    void continuesAfterReopening() throws Exception {
        assumeTrue(isDurable());
        AuditLog log = openLog();
        log.append(event(1));
        AuditHead head = log.append(event(2));
        log.close();

        AuditLog again = openLog();

        assertThat(again.head()).isEqualTo(head);
        assertThat(again.append(event(3)).sequence()).isEqualTo(3);
        AuditHead last = again.head();
        again.close();
        assertThat(openLog().head()).isEqualTo(last);
    }

    @Test
    @DisplayName("rule 2: equal events at different places have different hashes")
    void chainsRecords() throws Exception {
        AuditLog log = openLog();
        Set<String> hashes = new HashSet<>();

        for (int i = 0; i < 10; i++) {
            hashes.add(log.append(event(1)).hash());
        }

        assertThat(hashes).hasSize(10);
    }

    @Test
    @DisplayName("contains: knows its earlier ends, and no other")
    void knowsItsEarlierEnds() throws Exception {
        AuditLog log = openLog();
        AuditHead first = log.append(event(1));
        AuditHead second = log.append(event(2));

        assertThat(log.contains(AuditHead.empty())).isTrue();
        assertThat(log.contains(first)).isTrue();
        assertThat(log.contains(second)).isTrue();
        assertThat(log.contains(new AuditHead(3, second.hash()))).isFalse();
        assertThat(log.contains(new AuditHead(1, second.hash()))).isFalse();
    }

    @Test
    @DisplayName("thread-safe: events of several threads get numbers of their own")
    void isThreadSafe() throws Exception {
        AuditLog log = openLog();
        ExecutorService threads = Executors.newFixedThreadPool(4);
        try {
            List<Future<AuditHead>> all = new ArrayList<>();
            for (int i = 0; i < 100; i++) {
                AuditEvent event = event(i);
                all.add(threads.submit(() -> log.append(event)));
            }
            Set<Long> sequences = new HashSet<>();
            Set<String> hashes = new HashSet<>();
            for (Future<AuditHead> one : all) {
                AuditHead head = one.get(60, TimeUnit.SECONDS);
                sequences.add(head.sequence());
                hashes.add(head.hash());
            }
            assertThat(sequences).hasSize(100).contains(1L, 100L);
            assertThat(hashes).hasSize(100);
            assertThat(log.head().sequence()).isEqualTo(100);
        } finally {
            threads.shutdownNow();
        }
    }

    @Test
    @DisplayName("close: may be called again")
    void closesTwice() throws Exception {
        AuditLog log = openLog();
        log.append(event(1));

        log.close();

        assertThatCode(log::close).doesNotThrowAnyException();
    }
}
