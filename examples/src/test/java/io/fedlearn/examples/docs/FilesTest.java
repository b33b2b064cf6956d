package io.fedlearn.examples.docs;

import static org.assertj.core.api.Assertions.assertThat;

import io.fedlearn.aggregators.FedAvg;
import io.fedlearn.core.federation.Federation;
import io.fedlearn.core.record.RoundRecord;
import io.fedlearn.core.store.SavedRun;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.files.FileRunStore;
import io.fedlearn.formats.safetensors.Safetensors;
import io.fedlearn.formats.safetensors.SafetensorsFile;
import io.fedlearn.models.LogisticRegression;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Code of {@code docs/files.md}. */
final class FilesTest {
    @TempDir
    Path folder;

    @BeforeEach
    void run() throws InterruptedException {
        Federation.of(Hospitals.all())
                .strategy(FedAvg.create())
                .initialModel(Hospitals.initialModel())
                .rounds(3)
                .store(FileRunStore.at(folder))
                .run();
    }

    @Test
    void opensTheModel() throws Exception {
        // tag::model[]
        try (SafetensorsFile file = Safetensors.open(folder.resolve("best.safetensors"))) {
            Model model = file.verify().model();
            LogisticRegression classifier = LogisticRegression.of(2).standardizing();
            classifier.load(model);
            System.out.println("trained in round " + file.metadata().get("round"));
        }
        // end::model[]
        assertThat(Safetensors.read(folder.resolve("model.safetensors")).metadata())
                .containsEntry("round", "3");
    }

    @Test
    void readsARun() {
        // tag::run[]
        try (FileRunStore store = FileRunStore.at(folder)) {
            SavedRun run = store.load().orElseThrow();
            for (RoundRecord record : run.records()) {
                System.out.println(record.round() + " " + record.metrics().get("auc"));
            }
        }
        // end::run[]
    }

    @Test
    void hasTheFilesThatThePageNames() throws Exception {
        for (String name : new String[] {
            "run.json",
            "records.jsonl",
            "history.json",
            "model.safetensors",
            "run.lock",
            "rounds/000003/model.safetensors",
            "rounds/000003/checkpoint.json"
        }) {
            assertThat(folder.resolve(name)).exists();
        }
        String history = Files.readString(folder.resolve("history.json"));
        String page = Files.readString(Path.of("..", "docs", "files.md"));
        var names = java.util.regex.Pattern.compile("\"([A-Za-z0-9]+)\":").matcher(history);
        while (names.find()) {
            assertThat(page).contains("`" + names.group(1) + "`");
        }
    }
}
