package io.fedlearn.core.budget;

import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * The record of what was debited, under a {@link PrivacyBudget}: it keeps charges and weighs nothing. Entries of a scope are
 * numbered from 1 on.
 *
 * <p>Rules for implementers, tested by {@code PrivacyLedgerContract}: (1) an entry is durable before {@link #append} returns;
 * (2) an entry is there as a whole or not at all; (3) an entry is appended only behind exactly those that the caller knew, however
 * many append at once, so that nobody debits on what is no longer true; (4) entries keep their order and their content, and none is
 * ever removed; (5) a ledger that was damaged, cut or changed is refused with place and reason, and if entries that the caller knew
 * are missing, that is. Thread-safe; if several processes cannot share one, the second is refused.
 */
public interface PrivacyLedger extends AutoCloseable {
    /**
     * Appends a charge, if its scope has exactly {@code known} entries.
     *
     * @param known how many entries of the scope the caller has weighed
     * @return the entry; empty, with nothing appended, if the scope has more: somebody was faster, and the caller weighs again
     * @throws PrivacyLedgerException if the scope has fewer, or the charge cannot be recorded; after the latter the entry may be
     *     there or not
     * @throws IllegalArgumentException if the charge has a parameter that the ledger cannot keep as it is
     */
    Optional<LedgerEntry> append(PrivacyCharge charge, long known);

    /**
     * The entries of a scope behind its first {@code known}, in order.
     *
     * @throws PrivacyLedgerException if the scope has fewer than {@code known}, or the ledger cannot be read
     */
    List<LedgerEntry> entries(String scope, long known);

    /** All entries of a scope, in order; none if nothing was debited in it. */
    default List<LedgerEntry> entries(String scope) {
        return entries(scope, 0);
    }

    /** The scopes that have entries, in alphabetical order. */
    Set<String> scopes();

    /** Releases what the ledger holds. Closing again does nothing. */
    @Override
    void close();
}
