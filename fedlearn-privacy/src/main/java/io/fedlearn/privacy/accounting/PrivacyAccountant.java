package io.fedlearn.privacy.accounting;

/**
 * Adds up what releases cost. Every answer is an upper bound that holds for all of them together. Immutable and thread-safe:
 * {@link #compose} gives another accountant, so that a release can be weighed before it is made.
 *
 * <p>An accountant has one neighbouring relation, and refuses an event that it cannot analyse for it. It never guesses.
 */
public interface PrivacyAccountant {
    /** Which data sets are neighbours. */
    NeighboringRelation relation();

    /**
     * This accountant after {@code count} further releases of this kind, each with fresh noise.
     *
     * @param count at least 0
     * @throws UnsupportedEventException if the event cannot be analysed for this relation
     */
    PrivacyAccountant compose(PrivacyEvent event, long count);

    /** This accountant after one further release. */
    default PrivacyAccountant compose(PrivacyEvent event) {
        return compose(event, 1);
    }

    /**
     * The least epsilon that can be proven at this delta; infinite if none can.
     *
     * @param privacyDelta in [0, 1)
     */
    double epsilon(double privacyDelta);

    /**
     * The least delta that can be proven at this epsilon, in [0, 1].
     *
     * @param epsilon {@code >= 0} and finite
     */
    double privacyDelta(double epsilon);
}
