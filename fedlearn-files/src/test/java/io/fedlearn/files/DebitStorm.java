package io.fedlearn.files;

import io.fedlearn.core.budget.PrivacyBudgetExceededException;
import io.fedlearn.core.budget.PrivacyLedger;
import io.fedlearn.core.random.SeededRandom;
import io.fedlearn.privacy.accounting.NeighboringRelation;
import io.fedlearn.privacy.accounting.PrivacyEvent;
import io.fedlearn.privacy.budget.Composition;
import io.fedlearn.privacy.budget.LedgerBudget;
import io.fedlearn.privacy.budget.PrivacyCharges;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Debits from 64 threads until all is spent, and prints the purpose of each debit once it may be released; {@code spent} at the
 * end.
 */
final class DebitStorm {
    static final NeighboringRelation RELATION = NeighboringRelation.ADD_OR_REMOVE_ONE;
    static final List<String> SCOPES = List.of("client/berlin", "client/rome", "table/patients");
    private static final int THREADS = 64;

    private DebitStorm() {}

    static LedgerBudget budget(PrivacyLedger ledger, double limit) {
        return LedgerBudget.builder(ledger, Composition.basic(RELATION))
                .limitOfEachOtherScope(limit, 0)
                .build();
    }

    public static void main(String[] arguments) throws InterruptedException {
        long seed = Long.parseLong(arguments[1]);
        PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        try (FilePrivacyLedger ledger = FilePrivacyLedger.at(Path.of(arguments[0]))) {
            LedgerBudget budget = budget(ledger, Double.parseDouble(arguments[2]));
            List<Thread> threads = new ArrayList<>();
            for (int i = 0; i < THREADS; i++) {
                int number = i;
                threads.add(new Thread(() -> debitAll(budget, seed, number, out)));
            }
            threads.forEach(Thread::start);
            for (Thread thread : threads) {
                thread.join();
            }
            out.println("spent");
        }
    }

    private static void debitAll(LedgerBudget budget, long seed, int thread, PrintStream out) {
        SeededRandom random = SeededRandom.of(seed + thread);
        List<String> open = new ArrayList<>(SCOPES);
        for (int i = 0; !open.isEmpty(); i++) {
            String scope = open.get(random.nextInt(open.size()));
            PrivacyEvent event = new PrivacyEvent.PureLoss(random.nextInt(2) == 0 ? 0.01 : 0.02);
            String purpose = "release " + i + " of thread " + thread + " of storm " + seed + " in " + scope + ".";
            try {
                budget.debit(PrivacyCharges.of(scope, event, RELATION, purpose));
                out.println(purpose);
            } catch (PrivacyBudgetExceededException e) {
                if (e.askedEpsilon() - e.spent().epsilon() < 0.015) {
                    open.remove(scope);
                }
            }
        }
    }
}
