package io.fedlearn.examples.conformance;

import io.fedlearn.core.client.Client;
import io.fedlearn.core.training.ExampleSource;
import io.fedlearn.core.training.LocalModelPool;
import io.fedlearn.core.training.LocalTrainingClient;

/**
 * A simulated site, honest or not.
 *
 * @param models that all sites share
 * @param training its examples
 */
record Site(LocalModelPool models, ExampleSource training) {
    /** The client that trains on its examples. */
    Client honest() {
        return LocalTrainingClient.of(models, training);
    }
}
