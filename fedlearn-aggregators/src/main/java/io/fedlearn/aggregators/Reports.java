package io.fedlearn.aggregators;

import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.task.UpdateForm;
import io.fedlearn.core.update.InvalidUpdateException;

/** Reads what clients report beside their models, and trusts none of it. */
final class Reports {
    private Reports() {}

    /**
     * The metric of this name.
     *
     * @param method that needs it, for the message
     * @throws InvalidUpdateException if the client did not report it
     */
    static double metric(ClientUpdate update, String name, String method) {
        return update.metrics()
                .get(name)
                .orElseThrow(() ->
                        InvalidUpdateException.of("metric '" + name + "' is missing, which " + method + " needs"));
    }

    /**
     * Refuses a sum over several clients, of whose reports nothing is left.
     *
     * @throws InvalidUpdateException if it is one
     */
    static void requireSingleClient(ClientUpdate update, String method) {
        if (update.form() == UpdateForm.WEIGHTED_SUM) {
            throw InvalidUpdateException.of(
                    "a " + update.form() + " over several clients is not what " + method + " can take");
        }
    }
}
