package io.fedlearn.core.strategy;

import io.fedlearn.core.task.Config;

/**
 * A client as a selector sees it.
 *
 * @param id by which it is known in every round
 * @param properties that it has told of itself
 */
public record ClientInfo(String id, Config properties) {
    /** Validates the id. */
    public ClientInfo {
        if (id.isEmpty() || id.length() > 256 || id.chars().anyMatch(Character::isISOControl)) {
            throw new IllegalArgumentException("a client's id must have 1 to 256 characters and no control characters");
        }
    }
}
