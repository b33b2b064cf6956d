package io.fedlearn.luna16.detect;

import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.training.Batch;
import io.fedlearn.core.training.LocalModel;
import java.util.Arrays;
import java.util.List;

/** The mean of what several models of one network say. One network is held, into which models are loaded in turn. */
final class NetworkScorer implements PatchScorer {
    private final LocalModel network;
    private final List<Model> models;

    NetworkScorer(LocalModel network, List<Model> models) {
        this.network = network;
        this.models = models;
        network.load(models.get(0));
    }

    @Override
    public void score(Batch batch, float[] probabilities) {
        if (models.size() == 1) {
            network.evaluate(batch, probabilities);
            return;
        }
        double[] sums = new double[batch.size()];
        for (Model model : models) {
            network.load(model);
            network.evaluate(batch, probabilities);
            for (int i = 0; i < sums.length; i++) {
                sums[i] += probabilities[i];
            }
        }
        Arrays.fill(probabilities, 0);
        for (int i = 0; i < sums.length; i++) {
            probabilities[i] = (float) (sums[i] / models.size());
        }
    }
}
