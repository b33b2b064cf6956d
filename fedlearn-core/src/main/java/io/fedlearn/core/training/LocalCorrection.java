package io.fedlearn.core.training;

import io.fedlearn.core.client.TaskContext;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.task.Task;
import io.fedlearn.core.tensor.Model;

/**
 * What a federated method changes about local training: a term added to each step's gradient, and what the client reports or
 * keeps afterwards. FedProx's proximal term, SCAFFOLD's control variates and FedDyn's linear term are corrections.
 *
 * <p>One object serves one task and is confined to its thread.
 */
public interface LocalCorrection {
    /**
     * A task's setting {@value} names the corrections that the client is to use, beside the proximal term: one, or several
     * joined by commas, which then work in this order.
     */
    String SETTING = "corrections";

    /**
     * The model that the client trains or evaluates in place of the global one, such as the global model with the tensors that
     * this site keeps to itself. The default is the global model.
     */
    default Model startFrom(Model global) {
        return global;
    }

    /**
     * Changes the gradient of one step in place.
     *
     * @param gradient of the trainable parameters, flat
     * @param trainables the parameters before the step, flat; not to be written
     */
    void correct(float[] gradient, float[] trainables);

    /** Completes the update after training. The default leaves it as it is. */
    default ClientUpdate complete(ClientUpdate update, LocalTrainer.Result result) {
        return update;
    }

    /** Makes corrections of one name; found through {@link java.util.ServiceLoader}. */
    interface Factory {
        /** The name that a task's setting gives; without commas. */
        String name();

        /** A correction for this task. */
        LocalCorrection create(Task task, TaskContext context);

        /**
         * Whether its corrections change what a site starts from, {@link LocalCorrection#startFrom}. Only such corrections have
         * a part in fine-tuning, which has the site's own loss for its goal and no cohort to agree with. The default is no.
         */
        default boolean changesStart() {
            return false;
        }
    }
}
