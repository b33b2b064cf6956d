package io.fedlearn.privacy.query;

import java.util.List;

/**
 * The answer for one group.
 *
 * @param key of the group; empty if nothing was grouped
 * @param estimates as many as the aggregate has: one, or one for each bin or probability; none if the group was suppressed
 */
public record GroupAnswer(String key, List<Estimate> estimates) {
    /** Copies the list. */
    public GroupAnswer {
        estimates = List.copyOf(estimates);
    }

    /** Whether nothing is told because the group, by its noisy count, has too few persons. */
    public boolean isSuppressed() {
        return estimates.isEmpty();
    }
}
