package io.fedlearn.privacy.accounting;

import java.util.Collections;
import java.util.Objects;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * Adds up pure mechanisms in the best way: for any number of one epsilon no composition theorem that knows nothing but epsilon can
 * give less. Of different epsilons it is a bound close above the best. Immutable and thread-safe.
 *
 * <p>An event that is not pure is refused. What was sampled counts by {@code log(1 + q (e^epsilon - 1))}.
 *
 * <p><b>Reference.</b> Kairouz, Oh, Viswanath, "The Composition Theorem for Differential Privacy", ICML 2015, arXiv:1311.0776,
 * Theorem 3.3, at every epsilon and not at its grid alone; Murtagh and Vadhan, TCC 2016, arXiv:1507.03113; sampling: Balle, Barthe,
 * Gaboardi, NeurIPS 2018, arXiv:1807.01647.
 */
public final class PureCompositionAccountant implements PrivacyAccountant {
    /** Of more mechanisms than this the sum of {@code epsilon tanh(epsilon / 2)} serves. */
    private static final long LARGEST_COUNT = 1_000_000_000;

    /** Of more different epsilons, too. */
    private static final int MOST_EPSILONS = 64;

    private final NeighboringRelation relation;
    private final SortedMap<Double, Long> counts;
    private final double basic;

    private PureCompositionAccountant(NeighboringRelation relation, SortedMap<Double, Long> counts, double basic) {
        this.relation = Objects.requireNonNull(relation, "relation");
        this.counts = counts;
        this.basic = basic;
    }

    /** An accountant that has seen nothing. */
    public static PureCompositionAccountant of(NeighboringRelation relation) {
        return new PureCompositionAccountant(relation, Collections.emptySortedMap(), 0);
    }

    @Override
    public NeighboringRelation relation() {
        return relation;
    }

    @Override
    public PureCompositionAccountant compose(PrivacyEvent event, long count) {
        if (count < 0) {
            throw new IllegalArgumentException("count must be >= 0, was " + count);
        }
        Analysable.check(event, relation);
        SortedMap<Double, Long> more = new TreeMap<>(counts);
        gather(event, count, more);
        double all = Upward.add(basic, count == 0 ? 0 : Upward.multiply(Upward.of(count), PureEpsilon.of(event)));
        return new PureCompositionAccountant(relation, Collections.unmodifiableSortedMap(more), all);
    }

    @Override
    public PureCompositionAccountant compose(PrivacyEvent event) {
        return compose(event, 1);
    }

    private void gather(PrivacyEvent event, long count, SortedMap<Double, Long> into) {
        if (event instanceof PrivacyEvent.Composed composed) {
            composed.events().forEach(part -> gather(part, count, into));
            return;
        }
        if (event instanceof PrivacyEvent.Repeated repeated) {
            gather(repeated.event(), saturated(count, repeated.count()), into);
            return;
        }
        double epsilon = PureEpsilon.of(event);
        if (Double.isInfinite(epsilon)) {
            throw new UnsupportedEventException(event, relation, "it is not of pure differential privacy");
        }
        if (epsilon > 0 && count > 0) {
            long had = into.getOrDefault(epsilon, 0L);
            into.put(epsilon, had > Long.MAX_VALUE - count ? Long.MAX_VALUE : had + count);
        }
    }

    private static long saturated(long one, long other) {
        return Math.multiplyHigh(one, other) != 0 || one * other < 0 ? Long.MAX_VALUE : one * other;
    }

    /** The sum of all epsilons. */
    public double basicEpsilon() {
        return basic;
    }

    @Override
    public double epsilon(double privacyDelta) {
        RdpAccountant.requireDelta(privacyDelta);
        if (basic == 0 || privacyDelta == 0) {
            return basic;
        }
        return Math.min(
                basic,
                isLarge()
                        ? concentrated().epsilon(privacyDelta)
                        : PureLosses.of(counts).epsilon(privacyDelta));
    }

    @Override
    public double privacyDelta(double epsilon) {
        if (!(epsilon >= 0) || Double.isInfinite(epsilon)) {
            throw new IllegalArgumentException("epsilon must be >= 0 and finite, was " + epsilon);
        }
        if (epsilon >= basic) {
            return 0;
        }
        return isLarge()
                ? concentrated().privacyDelta(epsilon)
                : PureLosses.of(counts).privacyDelta(epsilon);
    }

    private boolean isLarge() {
        return counts.size() > MOST_EPSILONS || counts.values().stream().anyMatch(count -> count > LARGEST_COUNT);
    }

    private ZcdpAccountant concentrated() {
        ZcdpAccountant accountant = ZcdpAccountant.of(relation);
        for (var entry : counts.entrySet()) {
            accountant = accountant.compose(new PrivacyEvent.PureLoss(entry.getKey()), entry.getValue());
        }
        return accountant;
    }

    @Override
    public String toString() {
        return "optimal composition of pure mechanisms, " + relation;
    }
}
