package io.fedlearn.pg.budget;

import io.fedlearn.privacy.accounting.NeighboringRelation;
import io.fedlearn.privacy.accounting.PldAccountant;
import io.fedlearn.privacy.accounting.RdpAccountant;
import io.fedlearn.privacy.budget.Composition;
import java.util.Arrays;
import java.util.function.Function;
import java.util.stream.Collectors;

/** How the releases of a scope are added up, by a name that a row can hold. */
public enum CompositionRule {
    /** Sums of epsilon; delta is 0: Laplace queries, chosen freely ({@link Composition#basic(NeighboringRelation)}). */
    PURE("pure", Composition::basic),
    /** Sums of epsilon and delta, each event weighed by its distribution of losses: queries of any noise, chosen freely. */
    BASIC("basic", relation -> Composition.basic(PldAccountant.of(relation))),
    /** Sums of rho: Gaussian queries, chosen freely ({@link Composition#zeroConcentrated}). */
    ZERO_CONCENTRATED("zero-concentrated", Composition::zeroConcentrated),
    /** One event again and again, by Rényi divergences: training. */
    SAME_EVENT_RDP("same-event-rdp", relation -> Composition.sameEvent(RdpAccountant.of(relation))),
    /** One event again and again, by distributions of losses: training. */
    SAME_EVENT_PLD("same-event-pld", relation -> Composition.sameEvent(PldAccountant.of(relation)));

    private final String text;
    private final Function<NeighboringRelation, Composition> composition;

    CompositionRule(String text, Function<NeighboringRelation, Composition> composition) {
        this.text = text;
        this.composition = composition;
    }

    /** The composition under this relation. */
    Composition composition(NeighboringRelation relation) {
        return composition.apply(relation);
    }

    /**
     * The rule of this name.
     *
     * @throws IllegalArgumentException if there is none, naming those there are
     */
    static CompositionRule parse(String text) {
        return Arrays.stream(values())
                .filter(rule -> rule.text.equals(text))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("composition must be one of "
                        + Arrays.stream(values()).map(rule -> rule.text).collect(Collectors.joining(", "))
                        + ", was '" + text + "'"));
    }

    /** The name, as a row has it. */
    @Override
    public String toString() {
        return text;
    }
}
