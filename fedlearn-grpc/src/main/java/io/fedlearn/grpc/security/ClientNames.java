package io.fedlearn.grpc.security;

import java.util.Optional;

/** What may be a client's id. */
final class ClientNames {
    static final int MAX_LENGTH = 256;

    private ClientNames() {}

    /** What is wrong with an id, if anything. */
    static Optional<String> problem(String clientId) {
        if (clientId.isBlank()) {
            return Optional.of("is empty");
        }
        if (clientId.length() > MAX_LENGTH) {
            return Optional.of("has " + clientId.length() + " characters, at most " + MAX_LENGTH + " are taken");
        }
        if (!clientId.equals(clientId.strip())) {
            return Optional.of("begins or ends with a space");
        }
        return clientId.chars().anyMatch(Character::isISOControl)
                ? Optional.of("has control characters")
                : Optional.empty();
    }

    static String require(String clientId) {
        problem(clientId).ifPresent(problem -> {
            throw new IllegalArgumentException("clientId must be a name, but " + problem);
        });
        return clientId;
    }
}
