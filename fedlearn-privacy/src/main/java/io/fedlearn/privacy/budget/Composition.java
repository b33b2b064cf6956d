package io.fedlearn.privacy.budget;

import io.fedlearn.privacy.accounting.NeighboringRelation;
import io.fedlearn.privacy.accounting.PrivacyAccountant;
import io.fedlearn.privacy.accounting.RdpAccountant;
import io.fedlearn.privacy.accounting.ZcdpAccountant;

/**
 * How a budget adds releases up, and with that, who may choose them when. Immutable.
 *
 * <p>A bound on a composition is proven for mechanisms that were fixed beforehand, or for mechanisms that are chosen one by one,
 * each after the results of those before were seen. That a query, a model or a batch depends on earlier results is fine in both
 * cases; what matters is the noise, the sampling and the kind of mechanism: all that a
 * {@link io.fedlearn.privacy.accounting.PrivacyEvent} says.
 * <pre>
 * {@link #sameEvent}          one kind of event, as often as fits            training: the tightest bound
 * {@link #zeroConcentrated}   any events of zCDP, chosen freely              Gaussian queries
 * {@link #basic(NeighboringRelation)}   any pure events, chosen freely       Laplace queries
 * {@link #basic(PrivacyAccountant)}     any events, each with its own delta  a few of different kinds
 * </pre>
 */
public final class Composition {
    private final NeighboringRelation relation;
    private final Tally empty;
    private final String description;

    private Composition(NeighboringRelation relation, Tally empty, String description) {
        this.relation = relation;
        this.empty = empty;
        this.description = description;
    }

    /**
     * The same event again and again, composed by an accountant of Rényi divergences or privacy losses. Another event than the
     * scope's first is refused: those bounds do not hold for events that are chosen by looking at results.
     *
     * <p>How often it is released may depend on results, for the scope ends where the next would not fit, and what is released
     * before that is a part of all that would have fitted. So in that case the guarantee is the limit, not what was spent.
     *
     * @param accountant into which nothing has been composed
     */
    public static Composition sameEvent(PrivacyAccountant accountant) {
        return new Composition(accountant.relation(), new SameEventTally(accountant), "repetitions of one event");
    }

    /**
     * Events of zero-concentrated differential privacy, each chosen freely after the results of those before: their {@code rho}
     * are added up, and the sum stays within the {@code rho} that the limit stands for. The guarantee is the limit, which must have a
     * delta.
     *
     * <p><b>Reference.</b> Feldman and Zrnic, "Individual Privacy Accounting via a Rényi Filter", NeurIPS 2021,
     * arXiv:2008.11193; Whitehouse, Ramdas, Rogers and Wu, "Fully-Adaptive Composition in Differential Privacy", ICML
     * 2023, arXiv:2203.05481.
     */
    public static Composition zeroConcentrated(NeighboringRelation relation) {
        return new Composition(relation, new AdaptiveTally(ZcdpAccountant.of(relation)), "sums of rho");
    }

    /**
     * Events of pure differential privacy, each chosen freely after the results of those before: their epsilons are added up.
     *
     * <p>The sum is exact for decimals: ten times 0.1 is 1. A number counts as the decimal that it is written as in the ledger,
     * which is within 2^-53 of the {@code double} that a mechanism used.
     *
     * <p><b>Reference.</b> Rogers, Roth, Ullman and Vadhan, "Privacy Odometers and Filters", NeurIPS 2016, arXiv:1605.08294.
     */
    public static Composition basic(NeighboringRelation relation) {
        return new Composition(relation, BasicTally.ofPureEvents(RdpAccountant.of(relation)), "sums of epsilon");
    }

    /**
     * Any events, each chosen freely after the results of those before, as {@link #basic(NeighboringRelation)}: epsilons are added
     * up, and deltas are. An event that is not pure takes the share of delta that its charge names, and the epsilon that the
     * accountant proves for it alone at that share.
     *
     * @param accountant into which nothing has been composed
     */
    public static Composition basic(PrivacyAccountant accountant) {
        return new Composition(accountant.relation(), BasicTally.of(accountant), "sums of epsilon and delta");
    }

    NeighboringRelation relation() {
        return relation;
    }

    Tally empty() {
        return empty;
    }

    /** What is added up, and under which relation. */
    @Override
    public String toString() {
        return description + " under " + relation;
    }
}
