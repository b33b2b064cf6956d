package io.fedlearn.testkit.contract;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.fedlearn.core.budget.LedgerEntry;
import io.fedlearn.core.budget.PrivacyCharge;
import io.fedlearn.core.budget.PrivacyLedger;
import io.fedlearn.core.budget.PrivacyLedgerException;
import io.fedlearn.core.task.Config;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/**
 * Tests the rules of {@link PrivacyLedger}; a subclass supplies the ledger. Numbers in the names of the tests are those of the
 * rules.
 *
 * <p>That a ledger is refused that was damaged, cut or changed (rule 5) is for tests of its own: only they know its form.
 */
public abstract class PrivacyLedgerContract {
    private static final String SCOPE = "table/patients";
    private static final String OTHER_SCOPE = "client \u00e4\u65e5\ud83d\ude00 'x' \"y\" \\";

    private final List<PrivacyLedger> ledgers = new ArrayList<>();

    /** For subclasses. */
    protected PrivacyLedgerContract() {}

    /** Opens the ledger at this test's place: empty at first; after a ledger was closed, the same place again. */
    protected abstract PrivacyLedger open() throws Exception;

    /** Whether entries are still there after the ledger was closed and opened again. By default they are. */
    protected boolean isDurable() {
        return true;
    }

    @AfterEach
    final void closeAll() {
        ledgers.forEach(PrivacyLedger::close);
    }

    private PrivacyLedger openLedger() throws Exception {
        PrivacyLedger ledger = open();
        ledgers.add(ledger);
        return ledger;
    }

    private static PrivacyCharge charge(String scope, int number) {
        return new PrivacyCharge(
                scope,
                "poisson-sampled(rate=0.01, gaussian(noiseMultiplier=1.1))",
                Config.of(Map.of(
                        "relation",
                        "add-remove",
                        "purpose",
                        "round \u2116\n" + number,
                        "number",
                        number,
                        "share",
                        0.1 + number,
                        "public",
                        false)));
    }

    private static List<LedgerEntry> fill(PrivacyLedger ledger, String scope, int count) {
        List<LedgerEntry> entries = new ArrayList<>();
        for (int i = 1; i <= count; i++) {
            LedgerEntry entry = ledger.append(charge(scope, i), i - 1).orElseThrow();
            assertThat(entry.number()).isEqualTo(i);
            assertThat(entry.charge()).isEqualTo(charge(scope, i));
            entries.add(entry);
        }
        return entries;
    }

    @Test
    @DisplayName("entries: none at first")
    void startsEmpty() throws Exception {
        PrivacyLedger ledger = openLedger();

        assertThat(ledger.entries(SCOPE)).isEmpty();
        assertThat(ledger.scopes()).isEmpty();
    }

    @Test
    @DisplayName("entries: what append said, or those behind the known ones, of one scope")
    void saysWhatWasAppended() throws Exception {
        PrivacyLedger ledger = openLedger();
        List<LedgerEntry> entries = fill(ledger, SCOPE, 5);
        List<LedgerEntry> others = fill(ledger, OTHER_SCOPE, 2);

        assertThat(ledger.entries(SCOPE)).isEqualTo(entries);
        assertThat(ledger.entries(OTHER_SCOPE)).isEqualTo(others);
        assertThat(ledger.entries(SCOPE, 3)).isEqualTo(entries.subList(3, 5));
        assertThat(ledger.entries(SCOPE, 5)).isEmpty();
        assertThat(ledger.scopes()).containsExactly(OTHER_SCOPE, SCOPE);
    }

    @Test
    @DisplayName("rule 1: entries are there after the ledger was opened again, and the numbers go on")
    void remembersEntries() throws Exception {
        assumeTrue(isDurable());
        PrivacyLedger ledger = openLedger();
        List<LedgerEntry> entries = fill(ledger, SCOPE, 3);
        List<LedgerEntry> others = fill(ledger, OTHER_SCOPE, 1);
        ledger.close();

        PrivacyLedger again = openLedger();

        assertThat(again.entries(SCOPE)).isEqualTo(entries);
        assertThat(again.entries(OTHER_SCOPE)).isEqualTo(others);
        LedgerEntry next = again.append(charge(SCOPE, 4), 3).orElseThrow();
        assertThat(next.number()).isEqualTo(4);
        again.close();
        assertThat(openLedger().entries(SCOPE, 3)).containsExactly(next);
    }

    @Test
    @DisplayName("rule 3: a charge is not appended behind entries that the caller did not know")
    void appendsBehindKnownEntriesOnly() throws Exception {
        PrivacyLedger ledger = openLedger();
        List<LedgerEntry> entries = fill(ledger, SCOPE, 2);
        fill(ledger, OTHER_SCOPE, 3);

        assertThat(ledger.append(charge(SCOPE, 3), 0)).isEmpty();
        assertThat(ledger.append(charge(SCOPE, 3), 1)).isEmpty();

        assertThat(ledger.entries(SCOPE)).isEqualTo(entries);
        assertThat(ledger.append(charge(SCOPE, 3), 2)).isPresent();
    }

    @Test
    @DisplayName("rule 3: of several that append behind the same entries, one does")
    void oneOfSeveralAppends() throws Exception {
        PrivacyLedger ledger = openLedger();
        int threadCount = 4;
        int wanted = 25;
        ExecutorService threads = Executors.newFixedThreadPool(threadCount);
        try {
            List<Callable<List<LedgerEntry>>> racers = new ArrayList<>();
            for (int racer = 0; racer < threadCount; racer++) {
                racers.add(() -> {
                    List<LedgerEntry> won = new ArrayList<>();
                    for (int known = ledger.entries(SCOPE).size();
                            known < wanted;
                            known = ledger.entries(SCOPE).size()) {
                        ledger.append(charge(SCOPE, known + 1), known).ifPresent(won::add);
                    }
                    return won;
                });
            }
            List<LedgerEntry> all = new ArrayList<>();
            for (Future<List<LedgerEntry>> racer : threads.invokeAll(racers, 60, TimeUnit.SECONDS)) {
                all.addAll(racer.get());
            }

            assertThat(ledger.entries(SCOPE)).hasSize(wanted).containsExactlyInAnyOrderElementsOf(all);
            for (int i = 0; i < wanted; i++) {
                LedgerEntry entry = ledger.entries(SCOPE).get(i);
                assertThat(entry.number()).isEqualTo(i + 1);
                assertThat(entry.charge()).isEqualTo(charge(SCOPE, i + 1));
            }
        } finally {
            threads.shutdownNow();
        }
    }

    @Test
    @DisplayName("rule 4: what was given out is not changed by later entries")
    void keepsItsEntries() throws Exception {
        PrivacyLedger ledger = openLedger();
        List<LedgerEntry> entries = fill(ledger, SCOPE, 2);
        List<LedgerEntry> before = ledger.entries(SCOPE);

        ledger.append(charge(SCOPE, 3), 2);

        assertThat(before).isEqualTo(entries);
        assertThat(ledger.entries(SCOPE).subList(0, 2)).isEqualTo(entries);
    }

    @Test
    @DisplayName("rule 5: entries that the caller knew and that are missing are reported")
    void reportsMissingEntries() throws Exception {
        PrivacyLedger ledger = openLedger();
        List<LedgerEntry> entries = fill(ledger, SCOPE, 2);

        assertThatExceptionOfType(PrivacyLedgerException.class)
                .isThrownBy(() -> ledger.append(charge(SCOPE, 4), 3))
                .withMessageContaining(SCOPE);
        assertThatExceptionOfType(PrivacyLedgerException.class)
                .isThrownBy(() -> ledger.entries(SCOPE, 3))
                .withMessageContaining(SCOPE);

        assertThat(ledger.entries(SCOPE)).isEqualTo(entries);
    }

    @Test
    @DisplayName("close: may be called again")
    void closesTwice() throws Exception {
        PrivacyLedger ledger = openLedger();
        fill(ledger, SCOPE, 1);

        ledger.close();

        assertThatCode(ledger::close).doesNotThrowAnyException();
    }
}
