package io.fedlearn.examples.docs;

import static org.assertj.core.api.Assertions.assertThat;

import io.fedlearn.aggregators.FedAvg;
import io.fedlearn.core.client.Client;
import io.fedlearn.core.federation.Federation;
import io.fedlearn.core.federation.Run;
import io.fedlearn.core.record.OutcomeRecord;
import io.fedlearn.core.training.FeatureStatistics;
import io.fedlearn.core.training.LocalTrainingClient;
import io.fedlearn.formats.safetensors.Safetensors;
import io.fedlearn.models.LogisticRegression;
import io.fedlearn.models.table.Label;
import io.fedlearn.models.table.Table;
import io.fedlearn.models.table.TableSchema;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Code of {@code docs/getting-started.md}. */
final class GettingStartedTest {
    @TempDir
    Path folder;

    @Test
    void federatesThreeHospitals() throws Exception {
        Path data = Hospitals.DATA;
        // tag::schema[]
        TableSchema schema = TableSchema.builder()
                .numeric("age", "pressure")
                .label(Label.classes("ill", "0", "1"))
                .build();
        // end::schema[]
        // tag::sites[]
        Map<String, Client> hospitals = new TreeMap<>();
        for (String name : new String[] {"north", "south", "west"}) {
            Table patients = schema.read(data.resolve(name + ".csv"));
            Table.Split split = patients.stratifiedSplit(0.2, 1);
            hospitals.put(
                    name,
                    LocalTrainingClient.of(
                            () -> LogisticRegression.of(2).standardizing(), split.training(), split.test()));
        }
        // end::sites[]
        // tag::statistics[]
        FeatureStatistics statistics = Federation.of(hospitals).build().featureStatistics(2);
        // end::statistics[]
        // tag::run[]
        Run run = Federation.of(hospitals)
                .strategy(FedAvg.create())
                .initialModel(LogisticRegression.of(2).standardizing(statistics).initialModel(1))
                .rounds(10)
                .run();
        // end::run[]
        // tag::result[]
        System.out.println("round " + run.best().round() + ": " + run.best().metrics());
        for (OutcomeRecord site : run.best().evaluation().clients()) {
            System.out.println(site.clientId() + ": " + site.exampleCount() + " test patients, " + site.metrics());
        }
        // end::result[]
        // tag::save[]
        Safetensors.write(run.bestModel(), folder.resolve("ill.safetensors"));
        // end::save[]
        // tag::predict[]
        LogisticRegression classifier = LogisticRegression.of(2).standardizing();
        classifier.load(Safetensors.read(folder.resolve("ill.safetensors")).model());
        float probability = classifier.predict(61, 148)[0];
        System.out.printf(Locale.ROOT, "ill with probability %.2f%n", probability);
        // end::predict[]

        assertThat(run.records()).hasSize(10);
        assertThat(probability).isBetween(0.5f, 1f).isGreaterThan(classifier.predict(30, 110)[0]);
        assertThat(run.best().metrics().get("auc").orElseThrow()).isGreaterThan(0.7);
        assertThat(run.best().evaluation().clients())
                .extracting(OutcomeRecord::clientId)
                .containsExactly("north", "south", "west");
        assertThat(Safetensors.read(folder.resolve("ill.safetensors")).verify().model())
                .isEqualTo(run.bestModel());
    }
}
