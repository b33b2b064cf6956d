package io.fedlearn.examples.docs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.fedlearn.core.budget.PrivacyBudget;
import io.fedlearn.core.budget.PrivacyBudgetExceededException;
import io.fedlearn.core.budget.PrivacySpent;
import io.fedlearn.core.record.AuditHead;
import io.fedlearn.files.FilePrivacyLedger;
import io.fedlearn.privacy.accounting.NeighboringRelation;
import io.fedlearn.privacy.accounting.PrivacyEvent;
import io.fedlearn.privacy.accounting.RdpAccountant;
import io.fedlearn.privacy.budget.Composition;
import io.fedlearn.privacy.budget.LedgerBudget;
import io.fedlearn.privacy.budget.LedgerCsv;
import io.fedlearn.privacy.budget.PrivacyCharges;
import java.io.IOException;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Code of {@code docs/privacy/budgets.md}. */
final class BudgetsTest {
    @TempDir
    private Path directory;

    @Test
    void debitsBeforeItReleases() throws IOException {
        Path file = directory.resolve("privacy.jsonl");
        // tag::debit[]
        NeighboringRelation relation = NeighboringRelation.ADD_OR_REMOVE_ONE;
        try (FilePrivacyLedger ledger = FilePrivacyLedger.at(file)) {
            PrivacyBudget queries = LedgerBudget.builder(ledger, Composition.zeroConcentrated(relation))
                    .limit("table/visits", 3, 1e-6)
                    .limit("table/patients", 1, 1e-6)
                    .build();
            PrivacySpent spent = queries.debit(PrivacyCharges.of(
                    "table/visits", new PrivacyEvent.Gaussian(5), relation, "mean stay, for the annual report"));
            // The answer may be computed and told from here on.
            System.out.println("epsilon " + spent.epsilon() + " of 3 is spent");
        }
        // end::debit[]
        try (FilePrivacyLedger ledger = FilePrivacyLedger.at(file)) {
            // tag::training[]
            PrivacyBudget training = LedgerBudget.builder(ledger, Composition.sameEvent(RdpAccountant.of(relation)))
                    .limit("run/heart", 8, 1e-5)
                    .build();
            // end::training[]
            PrivacyEvent round = new PrivacyEvent.PoissonSampled(0.1, new PrivacyEvent.Gaussian(1));
            training.debit(PrivacyCharges.of("run/heart", round, relation, "round 1"));
            PrivacyEvent many = new PrivacyEvent.Repeated(10_000, round);
            assertThatExceptionOfType(PrivacyBudgetExceededException.class)
                    .isThrownBy(() -> training.debit(PrivacyCharges.of("run/heart", many, relation, "too many")));
            assertThat(ledger.scopes()).containsExactly("run/heart", "table/visits");
        }
        // tag::export[]
        try (Writer out = Files.newBufferedWriter(directory.resolve("spent.csv"))) {
            LedgerCsv.write(FilePrivacyLedger.read(file), out);
        }
        // end::export[]
        assertThat(directory.resolve("spent.csv"))
                .content()
                .contains("mean stay")
                .hasLineCount(3);
        // tag::head[]
        AuditHead end;
        try (FilePrivacyLedger ledger = FilePrivacyLedger.at(file)) {
            end = ledger.head(); // keep it where who can write the ledger cannot
        }
        FilePrivacyLedger.at(file, end).close(); // refused, unless the ledger goes on from there
        // end::head[]
    }
}
