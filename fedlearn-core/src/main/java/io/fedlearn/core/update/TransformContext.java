package io.fedlearn.core.update;

import io.fedlearn.core.client.ClientState;
import io.fedlearn.core.tensor.Model;
import java.util.Optional;

/**
 * What a transform knows beside the update.
 *
 * @param clientId whose update it is
 * @param round of the task
 * @param seed for the transform's randomness, derived from (run seed, round, client)
 * @param globalModel that the task carried
 * @param clientState at the client; empty at the server
 */
public record TransformContext(
        String clientId, int round, long seed, Model globalModel, Optional<ClientState> clientState) {}
