package io.fedlearn.core.runtime;

import java.util.Optional;

/**
 * A client that was not let in.
 *
 * @param clientId whose it says it is, if that is known
 * @param isProven whether it proved that, by a certificate or a token
 * @param reason why, in words; of several times the first
 * @param count how often, for the same kind of reason
 */
public record Refusal(Optional<String> clientId, boolean isProven, String reason, long count) {
    /** Validates the count. */
    public Refusal {
        if (count < 1) {
            throw new IllegalArgumentException("count must be >= 1, was " + count);
        }
        if (isProven && clientId.isEmpty()) {
            throw new IllegalArgumentException("isProven must be false without a clientId");
        }
    }
}
