package io.fedlearn.files;

import io.fedlearn.core.budget.PrivacySpent;
import io.fedlearn.core.metric.Metrics;
import io.fedlearn.core.record.AuditHead;
import io.fedlearn.core.record.EvaluationRecord;
import io.fedlearn.core.record.OutcomeRecord;
import io.fedlearn.core.record.RoundRecord;
import io.fedlearn.core.record.RunHeader;
import io.fedlearn.core.store.Checkpoint;
import io.fedlearn.core.store.RunStore;
import io.fedlearn.core.task.Config;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.tensor.TensorRole;
import io.fedlearn.core.update.PartState;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/** A run whose every checkpoint follows from the round's number, and what tests do with its directory. */
final class Runs {
    private static final Instant START = Instant.parse("2025-03-01T10:15:30.123456789Z");

    private Runs() {}

    static RunHeader header() {
        return new RunHeader(
                "run \u00e4 7",
                Long.MIN_VALUE + 1,
                "FedAdam",
                Config.of(Map.of(
                        "whole", Long.MAX_VALUE, "real", 1.0, "tiny", Double.MIN_VALUE, "flag", true, "text", "1")),
                initial().model().digest(),
                "0.1.0",
                START);
    }

    static Checkpoint initial() {
        return new Checkpoint(0, model(0, 7), states(0), Optional.empty());
    }

    static Checkpoint checkpoint(int round) {
        return checkpoint(round, model(round, 7));
    }

    static Checkpoint checkpoint(int round, Model model) {
        return new Checkpoint(round, model, states(round), Optional.of(record(round, model.digest())));
    }

    /** A model of {@code size} parameters, beside a few tensors of other roles. */
    static Model model(int round, int size) {
        float[] weights = new float[size];
        for (int i = 0; i < size; i++) {
            weights[i] = (float) Math.sin(round * 31 + i);
        }
        return Model.builder()
                .trainable("layer/\u00fc weight", Tensor.copyOf(weights))
                .buffer("mean", Tensor.scalar((double) round))
                .add("steps", Tensor.scalar((long) round), TensorRole.COUNTER)
                .build();
    }

    private static Map<String, PartState> states(int round) {
        Model moments =
                Model.builder().trainable("m", Tensor.scalar(0.1 * round)).build();
        return Map.of(
                "optimizer",
                        new PartState(
                                Map.of("m", moments, "../v", Model.empty()),
                                Config.of(Map.of("step", round, "beta", 1.0))),
                "selector", new PartState(Map.of(), Config.of(Map.of("cursor", "a\nb"))));
    }

    static RoundRecord record(int round, String digest) {
        return record(round, digest, "the site's model is\ttoo \"old\" \ud800");
    }

    static RoundRecord record(int round, String digest, String reason) {
        OutcomeRecord good = new OutcomeRecord(
                "site-a", OutcomeRecord.COMPLETED, "", 303, 0.75, Metrics.of("loss", 1.0 / round), 4096, -12, 0.25);
        OutcomeRecord bad = new OutcomeRecord(
                "\u30b5\u30a4\u30c8", "rejected", reason, 0, 0, Metrics.none(), Long.MAX_VALUE, 0, 1e-7);
        boolean aborted = round % 3 == 0;
        return new RoundRecord(
                round,
                aborted ? Optional.of("1 of 2 clients answered") : Optional.empty(),
                Long.MIN_VALUE + 1,
                "FedAdam",
                Config.of(Map.of("whole", Long.MAX_VALUE, "real", 1.0)),
                Config.of(Map.of("mu", 0.1)),
                model(round - 1, 7).digest(),
                digest,
                List.of("site-a", "\u30b5\u30a4\u30c8"),
                List.of(good, bad),
                Metrics.of("loss", -0.0),
                new EvaluationRecord(
                        Metrics.of("auc", 0.5 + round / 100.0), Metrics.of("auc", 1.0 / 3), List.of(good, bad)),
                aborted ? List.of("late-1") : List.of(),
                aborted ? Optional.of(new PrivacySpent(1.5, 1e-6)) : Optional.empty(),
                round % 2 == 0 ? Optional.of(new AuditHead(round, "ab")) : Optional.empty(),
                "0.1.0",
                START.plusSeconds(round),
                0.1 + round);
    }

    /** Whether the model of this round counts as the best so far. */
    static boolean isBest(int round) {
        return round == 2 || round == 3;
    }

    static void commit(RunStore store, int round) {
        store.commit(checkpoint(round), isBest(round));
    }

    /** Leaves a run of that many rounds in the directory. */
    static void write(FileRunStore.Builder builder, int rounds) {
        try (FileRunStore store = builder.build()) {
            store.create(header(), initial());
            for (int round = 1; round <= rounds; round++) {
                commit(store, round);
            }
        }
    }

    static Checkpoint expected(int round) {
        return round == 0 ? initial() : checkpoint(round);
    }

    static List<RoundRecord> expectedRecords(int rounds) {
        List<RoundRecord> records = new ArrayList<>();
        for (int round = 1; round <= rounds; round++) {
            records.add(checkpoint(round).record().orElseThrow());
        }
        return records;
    }

    /** All files below a directory but the lock, by name relative to it. */
    static List<Path> files(Path directory) {
        try (Stream<Path> paths = Files.walk(directory)) {
            return paths.filter(Files::isRegularFile)
                    .filter(path -> !path.getFileName().toString().equals("run.lock"))
                    .map(directory::relativize)
                    .sorted()
                    .toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Copies everything as it is; the target must not exist. */
    static void copy(Path from, Path to) throws IOException {
        Files.walkFileTree(from, new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult preVisitDirectory(Path directory, BasicFileAttributes attributes)
                    throws IOException {
                Files.createDirectories(to.resolve(from.relativize(directory)));
                return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
                Files.copy(file, to.resolve(from.relativize(file)));
                return FileVisitResult.CONTINUE;
            }
        });
    }

    static void delete(Path directory) throws IOException {
        try {
            Disk.durable().delete(directory);
        } catch (NoSuchFileException e) {
            // that is what was wanted
        }
    }
}
