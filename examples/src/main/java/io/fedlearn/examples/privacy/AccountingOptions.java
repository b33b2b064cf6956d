package io.fedlearn.examples.privacy;

import io.fedlearn.examples.run.InputException;
import io.fedlearn.privacy.accounting.AccountingMethod;
import io.fedlearn.privacy.accounting.NeighboringRelation;
import io.fedlearn.privacy.accounting.PrivacyAccountant;
import io.fedlearn.privacy.accounting.PrivacyEvent;
import io.fedlearn.privacy.accounting.UnsupportedEventException;
import java.util.Optional;
import picocli.CommandLine.Option;

/** What all commands of {@code dp} ask: delta, the relation, and who accounts. */
final class AccountingOptions {
    /** What is said of relations, sampling and noise in every help. */
    static final String CONVENTIONS =
            "The unit that is protected is whatever --q samples and sigma is measured against:"
                    + " a client, a person or a record. --relation add-remove: one unit more or less; sampled by Poisson, each"
                    + " unit with probability q on its own. --relation replace: one unit for another; sampled without"
                    + " replacement, a fixed share q of all. Either way who was sampled must stay secret. --q 1 is no sampling."
                    + " sigma is the noise multiplier: the standard deviation of the noise on the sum over the most that one unit"
                    + " moves it under the relation: the clipping norm C for add-remove, 2 C for replace.";

    @Option(
            names = "--delta",
            paramLabel = "D",
            required = true,
            description = "The privacy delta, in (0, 1): far below 1 over the number of units.")
    private double delta;

    @Option(
            names = "--relation",
            paramLabel = "NAME",
            defaultValue = "add-remove",
            description = "Which data sets are neighbours: add-remove or replace (default: ${DEFAULT-VALUE}).")
    private String relation = "";

    @Option(
            names = "--accountant",
            paramLabel = "NAME",
            description =
                    "Who accounts: pld (privacy loss distributions, close to the truth), rdp (Renyi divergences, quick)"
                            + " or zcdp (default: pld, and rdp for what pld cannot analyse).")
    private Optional<String> accountant = Optional.empty();

    double delta() {
        if (!(delta > 0 && delta < 1)) {
            throw new InputException("--delta must be in (0, 1), was " + delta);
        }
        return delta;
    }

    NeighboringRelation relation() {
        for (NeighboringRelation known :
                new NeighboringRelation[] {NeighboringRelation.ADD_OR_REMOVE_ONE, NeighboringRelation.REPLACE_ONE}) {
            if (known.toString().equals(relation)) {
                return known;
            }
        }
        throw new InputException("--relation must be add-remove or replace, was '" + relation + "'");
    }

    /** The method for events like this one: that asked for, or the closest that can analyse it. */
    AccountingMethod method(PrivacyEvent event) {
        if (accountant.isEmpty()) {
            return canAnalyse(AccountingMethod.PLD, event) ? AccountingMethod.PLD : AccountingMethod.RDP;
        }
        try {
            return AccountingMethod.parse(accountant.get());
        } catch (IllegalArgumentException e) {
            throw new InputException("--" + e.getMessage(), e);
        }
    }

    private boolean canAnalyse(AccountingMethod method, PrivacyEvent event) {
        try {
            method.start(relation()).compose(event);
            return true;
        } catch (UnsupportedEventException e) {
            return false;
        }
    }

    /** An accountant that has seen an event so often. */
    static PrivacyAccountant composed(PrivacyAccountant accountant, PrivacyEvent event, long count) {
        try {
            return accountant.compose(event, count);
        } catch (UnsupportedEventException e) {
            throw refused(e);
        }
    }

    /** That the accountant asked for cannot do it is the caller's mistake here. */
    static InputException refused(UnsupportedEventException refusal) {
        return new InputException(String.valueOf(refusal.getMessage()), refusal);
    }
}
