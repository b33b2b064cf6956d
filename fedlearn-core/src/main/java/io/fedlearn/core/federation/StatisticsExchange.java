package io.fedlearn.core.federation;

import io.fedlearn.core.strategy.Exchange;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.task.Task;
import io.fedlearn.core.task.TaskKind;
import io.fedlearn.core.training.FeatureStatistics;
import io.fedlearn.core.update.InvalidUpdateException;
import io.fedlearn.core.update.UpdateCheck;
import java.util.List;
import java.util.Map;

/** Asks sites for the statistics of their features and merges them. */
final class StatisticsExchange implements Exchange {
    private static final UpdateCheck CHECK = new UpdateCheck(1 << 26, UpdateCheck.DEFAULT_MAX_EXAMPLE_COUNT);

    private final List<String> clients;
    private final FeatureStatistics merged;

    StatisticsExchange(List<String> clients, int featureCount) {
        this.clients = clients;
        this.merged = FeatureStatistics.empty(featureCount);
    }

    @Override
    public TaskKind kind() {
        return TaskKind.FEATURE_STATISTICS;
    }

    @Override
    public List<String> clients() {
        return clients;
    }

    @Override
    public void instruct(String clientId, Task.Builder task) {}

    @Override
    public void check(String clientId, ClientUpdate update) {
        CHECK.checkSizes(update);
        try {
            FeatureStatistics.ofUpdate(update, merged.featureCount());
        } catch (IllegalArgumentException e) {
            throw InvalidUpdateException.of(String.valueOf(e.getMessage()));
        }
    }

    @Override
    public Map<String, String> accept(List<Answer> answers) {
        for (Answer answer : answers) {
            merged.merge(FeatureStatistics.ofUpdate(answer.update(), merged.featureCount()));
        }
        return Map.of();
    }

    FeatureStatistics merged() {
        return merged;
    }
}
