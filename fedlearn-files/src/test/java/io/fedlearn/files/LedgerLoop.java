package io.fedlearn.files;

import io.fedlearn.core.budget.PrivacyCharge;
import io.fedlearn.core.budget.PrivacyLedgerException;
import io.fedlearn.core.task.Config;
import java.nio.file.Path;

/** Debits for ever, and prints the number of each entry in scope {@code a} once it is durable; or why it cannot. */
final class LedgerLoop {
    private LedgerLoop() {}

    public static void main(String[] arguments) {
        try (FilePrivacyLedger ledger = FilePrivacyLedger.at(Path.of(arguments[0]))) {
            PrivacyCharge charge =
                    new PrivacyCharge("a", "pure(epsilon=0.1)", Config.empty().with("purpose", arguments[1]));
            long known = ledger.entries("a").size();
            while (true) {
                if (ledger.append(charge, known).isPresent()) {
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
