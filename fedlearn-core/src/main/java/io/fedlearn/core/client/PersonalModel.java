package io.fedlearn.core.client;

import io.fedlearn.core.tensor.Model;
import java.util.Optional;

/**
 * The model that a site made its own by fine-tuning. It lies in the site's client state, under the run, the client's id, the
 * name {@value #NAME} and the round whose model it was made from, and never leaves the site.
 */
public final class PersonalModel {
    /** The name in a site's client state: {@value}. */
    public static final String NAME = "personal-model";

    private PersonalModel() {}

    /**
     * Reads a site's personal model back.
     *
     * @param states where the site keeps its state
     * @param runId of the run that was fine-tuned
     * @param clientId by which the run knows the site
     * @param round how many rounds the run had when it was fine-tuned
     * @return the model; empty if the site has none of that round
     */
    public static Optional<Model> load(ClientStateStore states, String runId, String clientId, int round) {
        return states.load(new ClientStateStore.Key(runId, clientId, NAME), round);
    }
}
