package org.example;

import io.fedlearn.aggregators.FedAvg;
import io.fedlearn.core.client.Client;
import io.fedlearn.core.federation.Federation;
import io.fedlearn.core.federation.Run;
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
import java.util.function.Supplier;

public final class Main {
    public static void main(String[] args) throws Exception {
        TableSchema.Builder columns = TableSchema.builder().numeric("age", "pressure");
        TableSchema schema = columns.label(Label.classes("ill", "0", "1")).build();
        Supplier<LogisticRegression> model = () -> LogisticRegression.of(2).standardizing();
        Map<String, Client> hospitals = new TreeMap<>();
        for (String name : List.of("north", "south", "west")) {
            Table.Split patients = schema.read(Path.of("data", name + ".csv")).stratifiedSplit(0.2, 1);
            hospitals.put(name, LocalTrainingClient.of(model, patients.training(), patients.test()));
        }
        FeatureStatistics statistics = Federation.of(hospitals).build().featureStatistics(2);
        Run run = Federation.of(hospitals)
                .strategy(FedAvg.create())
                .initialModel(LogisticRegression.of(2).standardizing(statistics).initialModel(1))
                .rounds(10)
                .run();
        System.out.println("round " + run.best().round() + ": " + run.best().metrics());
    }
}
