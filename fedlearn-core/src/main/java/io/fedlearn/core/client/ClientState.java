package io.fedlearn.core.client;

import io.fedlearn.core.tensor.Model;
import java.util.Optional;

/**
 * What one client keeps between the rounds of one run, such as a control variate, the error of a lossy codec or tensors that
 * stay local.
 *
 * <p>State belongs to a round: what is saved while working on a round counts only if that round's update entered the global
 * model. When it did not (the answer came late, the coordinator was killed and asks again), the next task sees the state as it
 * was before, and so gives the same answer again.
 */
public interface ClientState {
    /** What was saved under this name in the latest round whose update of this client was accepted. */
    Optional<Model> load(String name);

    /**
     * Saves under this name what holds after this round, if its update is accepted. A method that keeps a value saves it in every
     * round in which it takes part, changed or not.
     */
    void save(String name, Model value);
}
