package io.fedlearn.luna16.network;

import io.fedlearn.core.client.Client;
import io.fedlearn.core.client.TaskContext;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.task.Task;
import io.fedlearn.core.training.LocalModelPool;
import io.fedlearn.core.training.LocalTrainingClient;
import io.fedlearn.luna16.patch.PatchExamples;

/**
 * A hospital that trains and tests a {@link LunaNet} on patches of its own scans, which never leave it.
 *
 * <p>All sites of a federation must cut their patches by the same {@link io.fedlearn.luna16.patch.PatchSettings}: the network
 * sees voxels, not millimetres. A site whose network is another refuses the model it is sent; a site without nodules trains
 * on what it has, and one without scans declines. Thread-safe.
 */
public final class Luna16Client implements Client {
    private final LocalTrainingClient client;

    private Luna16Client(LocalTrainingClient client) {
        this.client = client;
    }

    /**
     * A client with a network from a pool that it may share with others.
     *
     * @param models makes {@link LunaNet#create() networks} for patches of these shapes
     * @param training what it trains on, balanced and varied as wanted
     * @param test what it tests on, as it is
     */
    public static Luna16Client of(LocalModelPool models, PatchExamples training, PatchExamples test) {
        return new Luna16Client(LocalTrainingClient.of(models, training, test));
    }

    @Override
    public ClientUpdate fit(Task task, TaskContext context) throws Exception {
        return client.fit(task, context);
    }

    @Override
    public ClientUpdate evaluate(Task task, TaskContext context) throws Exception {
        return client.evaluate(task, context);
    }

    @Override
    public ClientUpdate perform(Task task, TaskContext context) throws Exception {
        return client.perform(task, context);
    }
}
