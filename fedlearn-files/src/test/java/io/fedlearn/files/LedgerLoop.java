package io.fedlearn.files;

import io.fedlearn.core.budget.PrivacyLedgerException;
import java.nio.file.Path;

/** Debits for ever, and prints the number of each entry in scope {@code a} once it is durable; or why it cannot. */
final class LedgerLoop {
    private LedgerLoop() {}

    public static void main(String[] arguments) {
        try (FilePrivacyLedger ledger = FilePrivacyLedger.at(Path.of(arguments[0]))) {
            long known = ledger.entries("a").size();
            while (true) {
                if (ledger.append(Ledgers.charge("a", (int) known + 1), known).isPresent()) {
                    System.out.println(++known);
                } else {
                    known += ledger.entries("a", known).size();
                }
            }
        } catch (PrivacyLedgerException e) {
            System.out.println(e.getMessage());
        }
    }
}
