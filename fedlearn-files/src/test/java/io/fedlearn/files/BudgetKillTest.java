package io.fedlearn.files;

import static org.assertj.core.api.Assertions.assertThat;

import io.fedlearn.core.budget.LedgerEntry;
import io.fedlearn.core.budget.PrivacySpent;
import io.fedlearn.core.random.SeededRandom;
import io.fedlearn.privacy.budget.LedgerBudget;
import io.fedlearn.privacy.budget.PrivacyCharges;
import java.io.IOException;
import java.math.BigDecimal;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Budgets over a ledger in a file, whose processes are killed while 64 threads debit. */
class BudgetKillTest {
    @TempDir
    private Path directory;

    private Path file() {
        return directory.resolve("ledger.jsonl");
    }

    private ChildJvm storm(long seed, double limit) throws IOException {
        return ChildJvm.start(
                DebitStorm.class, Optional.empty(), file().toString(), Long.toString(seed), Double.toString(limit));
    }

    /** Opens the ledger again: what was acknowledged is in it, and no scope is overspent. */
    private void verify(List<String> acknowledged, double limit) {
        try (FilePrivacyLedger ledger = FilePrivacyLedger.at(file())) {
            LedgerBudget budget = DebitStorm.budget(ledger, limit);
            List<String> debited = new ArrayList<>();
            for (String scope : ledger.scopes()) {
                BigDecimal sum = BigDecimal.ZERO;
                for (LedgerEntry entry : ledger.entries(scope)) {
                    debited.add(entry.charge()
                            .parameters()
                            .getString(PrivacyCharges.PURPOSE)
                            .orElseThrow());
                    sum = sum.add(new BigDecimal(entry.charge().mechanism().replaceAll("[^0-9.]", "")));
                }
                assertThat(sum).isLessThanOrEqualTo(BigDecimal.valueOf(limit));
                assertThat(budget.spent(scope)).isEqualTo(new PrivacySpent(sum.doubleValue(), 0));
            }
            assertThat(debited).doesNotHaveDuplicates().containsAll(acknowledged);
        }
    }

    private void killAtRandom(int kills, int maxReleases, double limit, long seed) throws IOException {
        SeededRandom random = SeededRandom.of(seed);
        List<String> acknowledged = new ArrayList<>();
        for (int kill = 0; kill < kills; kill++) {
            try (ChildJvm child = storm(1000L * kill, limit)) {
                for (int line = random.nextInt(maxReleases); line > 0; line--) {
                    acknowledged.add(child.readLine());
                }
                acknowledged.addAll(child.killAndRead());
            }
            acknowledged.removeIf("spent"::equals);
            verify(acknowledged, limit);
        }
        // Two processes at once spend what is left, and no more.
        try (ChildJvm one = storm(-1000, limit);
                ChildJvm other = storm(-2000, limit)) {
            acknowledged.addAll(one.readToEnd());
            acknowledged.addAll(other.readToEnd());
        }
        assertThat(acknowledged).filteredOn("spent"::equals).hasSize(2);
        acknowledged.removeIf("spent"::equals);
        verify(acknowledged, limit);
        try (FilePrivacyLedger ledger = FilePrivacyLedger.at(file())) {
            for (String scope : DebitStorm.SCOPES) {
                assertThat(DebitStorm.budget(ledger, limit).spent(scope)).isEqualTo(new PrivacySpent(limit, 0));
            }
        }
    }

    @Test
    void neverOverspendsAndForgetsNothingUnder64ThreadsAndKills() throws IOException {
        killAtRandom(5, 30, 4, 1);
    }

    @Tag("slow")
    @Test
    void neverOverspendsAndForgetsNothingUnderManyKills() throws IOException {
        killAtRandom(100, 50, 200, System.nanoTime());
    }
}
