package io.fedlearn.privacy.query;

import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * One answer for each declared value of a column. Keys are declared, never read from the data: which of them occur is itself
 * something about the persons in it. Rows with another key are left out.
 *
 * @param column whose values are the keys
 * @param keys as text, all different; of a column of numbers, the numbers
 * @param maxGroupsPerPerson to how many of the groups a person's rows may contribute
 */
public record Grouping(String column, List<String> keys, int maxGroupsPerPerson) {
    /** Copies the keys, and validates. */
    public Grouping {
        keys = List.copyOf(keys);
        if (column.isEmpty()) {
            throw new IllegalArgumentException("column must be named, was ''");
        }
        if (keys.isEmpty()) {
            throw new IllegalArgumentException(
                    "keys of the groups by column '" + column + "' must be at least one, were none");
        }
        Set<String> seen = new HashSet<>();
        for (String key : keys) {
            if (key.isEmpty() || !seen.add(key)) {
                throw new IllegalArgumentException("keys of the groups by column '" + column
                        + "' must be different and not empty, was '" + key + "'" + (key.isEmpty() ? "" : " twice"));
            }
        }
        if (maxGroupsPerPerson < 1) {
            throw new IllegalArgumentException("maxGroupsPerPerson must be >= 1, was " + maxGroupsPerPerson);
        }
    }

    /** In how many groups a person can be: as many as may be, or as there are. */
    int reachableGroups() {
        return Math.min(maxGroupsPerPerson, keys.size());
    }

    /** Column and keys. */
    @Override
    public String toString() {
        return column + " " + keys + ", at most " + maxGroupsPerPerson + " a person";
    }
}
