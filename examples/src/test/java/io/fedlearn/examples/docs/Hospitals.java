package io.fedlearn.examples.docs;

import io.fedlearn.core.client.Client;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.training.FeatureStatistics;
import io.fedlearn.core.training.LocalTrainingClient;
import io.fedlearn.models.LogisticRegression;
import io.fedlearn.models.table.Label;
import io.fedlearn.models.table.Table;
import io.fedlearn.models.table.TableSchema;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** The three made-up hospitals of the README. */
final class Hospitals {
    static final Path DATA = Path.of("consumer", "data");

    static final List<String> NAMES = List.of("north", "south", "west");

    private Hospitals() {}

    private static TableSchema schema() {
        return TableSchema.builder()
                .numeric("age", "pressure")
                .label(Label.classes("ill", "0", "1"))
                .build();
    }

    static Table.Split split(String name) {
        return schema().read(DATA.resolve(name + ".csv")).stratifiedSplit(0.2, 1);
    }

    static Map<String, Client> all() {
        Map<String, Client> hospitals = new TreeMap<>();
        for (String name : NAMES) {
            Table.Split patients = split(name);
            hospitals.put(
                    name,
                    LocalTrainingClient.of(
                            () -> LogisticRegression.of(2).standardizing(), patients.training(), patients.test()));
        }
        return hospitals;
    }

    static FeatureStatistics statistics() {
        FeatureStatistics statistics = FeatureStatistics.empty(2);
        for (String name : NAMES) {
            statistics.merge(FeatureStatistics.of(split(name).training()));
        }
        return statistics;
    }

    static Model initialModel() {
        return LogisticRegression.of(2).standardizing(statistics()).initialModel(1);
    }
}
