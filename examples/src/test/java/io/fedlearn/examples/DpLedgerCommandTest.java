package io.fedlearn.examples;

import static org.assertj.core.api.Assertions.assertThat;

import io.fedlearn.core.budget.PrivacyBudget;
import io.fedlearn.files.FilePrivacyLedger;
import io.fedlearn.privacy.accounting.NeighboringRelation;
import io.fedlearn.privacy.accounting.PrivacyEvent;
import io.fedlearn.privacy.budget.Composition;
import io.fedlearn.privacy.budget.LedgerBudget;
import io.fedlearn.privacy.budget.PrivacyCharges;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DpLedgerCommandTest {
    private static final NeighboringRelation RELATION = NeighboringRelation.ADD_OR_REMOVE_ONE;

    @TempDir
    private Path directory;

    private Path ledger() {
        return directory.resolve("privacy.jsonl");
    }

    private void debit() {
        try (FilePrivacyLedger ledger = FilePrivacyLedger.at(ledger())) {
            PrivacyBudget budget = LedgerBudget.builder(ledger, Composition.basic(RELATION))
                    .limitOfEachOtherScope(10, 0)
                    .build();
            budget.debit(PrivacyCharges.of("table/visits", new PrivacyEvent.PureLoss(0.5), RELATION, "a mean, of age"));
            budget.debit(PrivacyCharges.of("table/visits", new PrivacyEvent.Laplace(4), RELATION, "a\u001b[31mcount"));
            PrivacyBudget run = LedgerBudget.builder(ledger, Composition.zeroConcentrated(RELATION))
                    .limit("run/heart", 10, 1e-5)
                    .build();
            run.debit(PrivacyCharges.of("run/heart", new PrivacyEvent.Gaussian(2), RELATION, "round 1"));
        }
    }

    @Test
    void printsWhatWasSpentWhenAndByWhat() throws IOException {
        debit();
        Path csv = directory.resolve("spent.csv");
        Outcome outcome = Outcome.of("dp", "ledger", "--ledger", ledger(), "--scope", "table/visits", "--csv", csv)
                .done();
        assertThat(outcome.out())
                .contains("run/heart", "table/visits", "add-remove", "repetitions of one event under add-remove")
                .contains("a mean, of age", "laplace(noiseMultiplier=4.0)", "a [31mcount")
                .doesNotContain("\u001b", "round 1");
        assertThat(Files.readAllLines(csv))
                .hasSize(4)
                .first()
                .isEqualTo("scope,number,time,mechanism,relation,purpose,parameters");
        assertThat(Files.list(directory).map(Path::getFileName).map(Path::toString))
                .containsExactlyInAnyOrder("privacy.jsonl", "privacy.jsonl.head", "privacy.jsonl.lock", "spent.csv");

        String end =
                outcome.out().strip().lines().reduce((first, second) -> second).orElseThrow();
        debit();
        Outcome.of("dp", "ledger", "--ledger", ledger(), "--known-end", end).done();
        Outcome other = Outcome.of("dp", "ledger", "--ledger", ledger(), "--known-end", "9" + end);
        assertThat(other.exitCode()).isNotZero();
        assertThat(other.err()).contains("the ledger must go on to the known end 94");
    }

    @Test
    void refusesALedgerThatWasTamperedWith() throws IOException {
        debit();
        Files.writeString(ledger(), Files.readString(ledger()).replace("pure(epsilon=0.5)", "pure(epsilon=0.1)"));
        Outcome outcome = Outcome.of("dp", "ledger", "--ledger", ledger());
        assertThat(outcome.exitCode()).isEqualTo(1);
        assertThat(outcome.err()).contains(ledger() + " is not as it was written: line 2: ");
        assertThat(outcome.out()).isEmpty();
    }

    @Test
    void refusesInputThatCannotBeUsed() throws IOException {
        Outcome missing = Outcome.of("dp", "ledger", "--ledger", ledger());
        assertThat(missing.exitCode()).isEqualTo(2);
        assertThat(missing.err()).contains("--ledger " + ledger() + ": there is no such file");
        assertThat(Files.list(directory)).isEmpty();
        debit();
        assertThat(Outcome.of("dp", "ledger", "--ledger", ledger(), "--delta", "1")
                        .err())
                .contains("--delta must be in [0, 1), was 1.0");
        assertThat(Outcome.of("dp", "ledger", "--ledger", ledger(), "--scope", "table")
                        .err())
                .contains("there is no such scope, but [run/heart, table/visits]");
        assertThat(Outcome.of("dp", "ledger", "--ledger", ledger(), "--known-end", "x")
                        .err())
                .contains("--known-end must be a number, a colon and 64 hexadecimal digits, was x");
        assertThat(Outcome.of("dp", "ledger", "--ledger", ledger(), "--csv", ledger())
                        .err())
                .contains("is the ledger itself");
    }
}
