package io.fedlearn.core.budget;

import java.time.Instant;
import java.util.Objects;

/**
 * A charge that was debited. A parameter of the charge that is a number without a fraction may come back as a {@link Long}.
 *
 * @param number among the entries of the charge's scope, counted from 1
 * @param time at which it was recorded, by the clock of whoever did
 * @param charge what was debited
 */
public record LedgerEntry(long number, Instant time, PrivacyCharge charge) {
    /** Validates the number. */
    public LedgerEntry {
        if (number < 1) {
            throw new IllegalArgumentException("number must be >= 1, was " + number);
        }
        Objects.requireNonNull(time, "time");
        Objects.requireNonNull(charge, "charge");
    }
}
