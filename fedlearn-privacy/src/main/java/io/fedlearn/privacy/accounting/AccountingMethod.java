package io.fedlearn.privacy.accounting;

import java.util.Arrays;
import java.util.function.Function;
import java.util.stream.Collectors;

/** The ways to add up what releases cost. */
public enum AccountingMethod {
    /** Renyi divergences, see {@link RdpAccountant}. */
    RDP("rdp", RdpAccountant::of),
    /** Privacy loss distributions, see {@link PldAccountant}: close to the truth, and slower. */
    PLD("pld", PldAccountant::of),
    /** Zero-concentrated differential privacy, see {@link ZcdpAccountant}. */
    ZCDP("zcdp", ZcdpAccountant::of),
    /** Optimal composition of pure mechanisms, see {@link PureCompositionAccountant}. */
    PURE("pure", PureCompositionAccountant::of);

    private final String text;
    private final Function<NeighboringRelation, PrivacyAccountant> factory;

    AccountingMethod(String text, Function<NeighboringRelation, PrivacyAccountant> factory) {
        this.text = text;
        this.factory = factory;
    }

    /**
     * The method of this name.
     *
     * @throws IllegalArgumentException if there is none, naming those there are
     */
    public static AccountingMethod parse(String text) {
        for (AccountingMethod method : values()) {
            if (method.text.equals(text)) {
                return method;
            }
        }
        String names = Arrays.stream(values()).map(AccountingMethod::toString).collect(Collectors.joining(", "));
        throw new IllegalArgumentException("accountant must be one of " + names + ", was '" + text + "'");
    }

    /** An accountant of this relation that has seen nothing. */
    public PrivacyAccountant start(NeighboringRelation relation) {
        return factory.apply(relation);
    }

    /** The name, as ledgers and the command line have it. */
    @Override
    public String toString() {
        return text;
    }
}
