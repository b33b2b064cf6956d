package io.fedlearn.files;

import static org.assertj.core.api.Assertions.assertThat;

import io.fedlearn.core.budget.PrivacyCharge;
import io.fedlearn.core.record.AuditHead;
import io.fedlearn.core.task.Config;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Map;

/** Privacy ledgers for tests. */
final class Ledgers {
    static final Instant TIME = Instant.parse("2026-11-21T08:30:00.000000001Z");
    static final Duration PATIENCE = Duration.ofSeconds(60);

    private Ledgers() {}

    static FilePrivacyLedger unsynced(Path file) {
        return on(file, Disk.unsynced());
    }

    static FilePrivacyLedger on(Path file, Disk disk) {
        return FilePrivacyLedger.at(file, AuditHead.empty(), disk, InstantSource.fixed(TIME), PATIENCE);
    }

    static PrivacyCharge charge(String scope, int number) {
        return new PrivacyCharge(
                scope,
                "gaussian(noiseMultiplier=2.5)",
                Config.of(Map.of("relation", "add-remove", "purpose", "round " + number + " of run z\u00fcrich")));
    }

    /** Debits a charge behind this many entries, which must be all. */
    static void append(FilePrivacyLedger ledger, PrivacyCharge charge, long known) {
        assertThat(ledger.append(charge, known)).isPresent();
    }

    /** Debits this many charges, in scope {@code a} and every third in {@code b}. */
    static void fill(FilePrivacyLedger ledger, int count) {
        for (int i = 1; i <= count; i++) {
            String scope = i % 3 == 0 ? "b" : "a";
            append(ledger, charge(scope, i), ledger.entries(scope).size());
        }
    }
}
