package io.fedlearn.examples;

import static org.assertj.core.api.Assertions.assertThat;

import io.fedlearn.aggregators.FedAvg;
import io.fedlearn.core.client.Client;
import io.fedlearn.core.client.TaskContext;
import io.fedlearn.core.federation.Federation;
import io.fedlearn.core.federation.RoundListener;
import io.fedlearn.core.federation.Run;
import io.fedlearn.core.record.OutcomeRecord;
import io.fedlearn.core.record.RoundRecord;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.task.Task;
import io.fedlearn.core.task.TaskKind;
import io.fedlearn.core.tensor.Shape;
import io.fedlearn.core.training.InMemoryExamples;
import io.fedlearn.core.training.LocalTrainingClient;
import io.fedlearn.core.training.TrainingSettings;
import io.fedlearn.files.FileAuditLog;
import io.fedlearn.files.FileRunStore;
import io.fedlearn.models.LinearRegression;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Invariant 8: what a run writes, logs and tells holds no example and no label, not even when sites fail. Features and labels are
 * numbers that nothing else comes to; they are looked for as text and as bytes.
 */
class DataStaysTest {
    private static final float FEATURE = 731.40625f;
    private static final float LABEL = 919.8125f;

    @TempDir
    Path folder;

    private final List<String> said = Collections.synchronizedList(new ArrayList<>());

    private final Handler logs = new Handler() {
        @Override
        public void publish(LogRecord entry) {
            said.add(entry.getMessage() + " " + entry.getThrown());
        }

        @Override
        public void flush() {}

        @Override
        public void close() {}
    };

    private static InMemoryExamples examples(float other) {
        return InMemoryExamples.wrap(
                Shape.of(2), new float[] {FEATURE, 1, other, FEATURE, 2, 3, 4, 5}, new float[] {LABEL, 1, LABEL, 2});
    }

    @Test
    void nothingThatIsWrittenOrSaidHoldsAnExample() throws Exception {
        Logger root = Logger.getLogger("io.fedlearn");
        root.addHandler(logs);
        root.setLevel(Level.ALL);
        try {
            Client good = LocalTrainingClient.of(() -> LinearRegression.of(2), examples(7), examples(8));
            // Missing features are refused by a model that does not standardise.
            Client broken =
                    LocalTrainingClient.of(() -> LinearRegression.of(2), examples(Float.NaN), examples(Float.NaN));
            Client diverging = new Client() {
                @Override
                public ClientUpdate fit(Task task, TaskContext context) throws Exception {
                    return good.fit(
                            task.toBuilder()
                                    .config(TrainingSettings.defaults()
                                            .withLearningRate(1e30)
                                            .withLocalEpochs(9)
                                            .toConfig())
                                    .build(),
                            context);
                }
            };
            Run run = Federation.of(Map.of("good", good, "broken", broken, "diverging", diverging))
                    .strategy(FedAvg.create())
                    .training(TrainingSettings.defaults().withLearningRate(1e-6))
                    .rounds(3)
                    .store(FileRunStore.at(folder.resolve("run")))
                    .audit(FileAuditLog.at(folder.resolve("audit.jsonl")))
                    .listener(new RoundListener() {
                        @Override
                        public void clientFinished(int round, TaskKind kind, OutcomeRecord outcome) {
                            said.add(outcome.toString());
                        }

                        @Override
                        public void roundFinished(RoundRecord record) {
                            said.add(record.toString());
                        }
                    })
                    .run();
            said.add(run.toString());
        } finally {
            root.removeHandler(logs);
            root.setLevel(null);
        }

        assertThat(said).isNotEmpty().anyMatch(text -> text.contains("failed"));
        List<Path> files = files();
        assertThat(files).hasSizeGreaterThan(4);
        for (Path file : files) {
            said.add(new String(Files.readAllBytes(file), StandardCharsets.ISO_8859_1));
            assertThat(HexFormat.of().formatHex(Files.readAllBytes(file)))
                    .as("%s", file)
                    .doesNotContain(hex(FEATURE))
                    .doesNotContain(hex(LABEL));
        }
        assertThat(said).noneMatch(text -> text.contains("731.4") || text.contains("919.8"));
    }

    private List<Path> files() throws IOException {
        try (Stream<Path> walk = Files.walk(folder)) {
            return walk.filter(Files::isRegularFile).toList();
        }
    }

    private static String hex(float value) {
        ByteBuffer bytes = ByteBuffer.allocate(Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        return HexFormat.of().formatHex(bytes.putFloat(value).array());
    }
}
