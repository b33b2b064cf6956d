package io.fedlearn.core.federation;

import io.fedlearn.core.client.ClientStateStore;
import io.fedlearn.core.client.PersonalModel;
import io.fedlearn.core.metric.Metrics;
import io.fedlearn.core.record.OutcomeRecord;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.training.LocalTrainingClient;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;

/**
 * What came of fine-tuning: for each site how its task ended, and what the model was worth on the site's test examples before
 * and after. Immutable.
 *
 * @param runId of the run whose model was fine-tuned
 * @param round how many rounds the run had: the version of the personal models
 * @param sites every client that was asked, in the order of ids
 */
public record FineTuning(String runId, int round, List<Site> sites) {
    /** Copies the list. */
    public FineTuning {
        sites = List.copyOf(sites);
    }

    /**
     * One site.
     *
     * @param outcome how its task ended, with all that it reported
     */
    public record Site(OutcomeRecord outcome) {
        /** The id by which the run knows the site. */
        public String clientId() {
            return outcome.clientId();
        }

        /**
         * What the site's test examples say of the model that it started from, its own tensors in place; empty if it has no test
         * examples or did not complete.
         */
        public Metrics before() {
            return metrics(LocalTrainingClient.BEFORE);
        }

        /** The same of its personal model. */
        public Metrics after() {
            return metrics(LocalTrainingClient.AFTER);
        }

        private Metrics metrics(String prefix) {
            Metrics metrics = Metrics.none();
            for (Map.Entry<String, Double> metric : outcome.metrics().asMap().entrySet()) {
                if (metric.getKey().startsWith(prefix) && metric.getKey().length() > prefix.length()) {
                    metrics = metrics.with(metric.getKey().substring(prefix.length()), metric.getValue());
                }
            }
            return metrics;
        }
    }

    /**
     * The mean over the sites that completed, weighted by their test examples. An AUC here is the mean of the sites' AUCs: scores
     * of different models have no common ROC curve.
     */
    public Metrics before() {
        return mean(Site::before);
    }

    /** The same after fine-tuning. */
    public Metrics after() {
        return mean(Site::after);
    }

    private Metrics mean(Function<Site, Metrics> metrics) {
        MetricsMean mean = new MetricsMean();
        for (Site site : sites) {
            if (site.outcome().isCompleted() && site.outcome().exampleCount() > 0) {
                mean.add(metrics.apply(site), site.outcome().exampleCount());
            }
        }
        return mean.result();
    }

    /**
     * A site's personal model, for a program that has the site's client state in its hands: that of a simulation, or of the site.
     */
    public Optional<Model> personalModel(ClientStateStore states, String clientId) {
        return PersonalModel.load(states, runId, clientId, round);
    }
}
