package io.fedlearn.examples.luna16;

import io.fedlearn.core.training.Batch;
import io.fedlearn.core.training.BatchReader;
import io.fedlearn.core.training.ExampleOrder;
import io.fedlearn.core.training.LocalModel;
import io.fedlearn.luna16.patch.PatchExamples;
import io.fedlearn.luna16.patch.PatchMontage;
import io.fedlearn.luna16.patch.PatchSet;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;

/** A picture of test patches with their scores: what the network is surest of, and where it errs most. */
final class Montage {
    /** The picture's name in the run's folder: {@value}. */
    static final String FILE = "montage.png";

    static final String CAPTION =
            "Nodules (orange frames) with the highest and with the lowest scores, then other candidates (blue) with"
                    + " the highest and with the lowest. The bar is as long as the network's score.";

    private static final int OF_A_KIND = 6;

    private record Scored(PatchSet patches, int index, float score) {
        boolean isNodule() {
            return patches.isNodule(index);
        }
    }

    private Montage() {}

    /**
     * Scores all test patches and writes the picture.
     *
     * @param network with the model to be shown
     * @return the picture; empty if there is no test patch
     */
    static Optional<Path> write(Path file, LocalModel network, List<Hospital> hospitals) throws IOException {
        List<Scored> scored = new ArrayList<>();
        for (Hospital hospital : hospitals) {
            float[] scores = scores(network, hospital.testExamples());
            for (int i = 0; i < scores.length; i++) {
                scored.add(new Scored(hospital.test(), i, scores[i]));
            }
        }
        if (scored.isEmpty()) {
            return Optional.empty();
        }
        scored.sort(Comparator.comparingDouble(Scored::score).reversed());
        PatchMontage montage = PatchMontage.of(hospitals.get(0).test().settings());
        Predicate<Scored> isNodule = Scored::isNodule;
        for (Predicate<Scored> kind : List.of(isNodule, isNodule.negate())) {
            List<Scored> own = scored.stream().filter(kind).toList();
            // Few enough of a kind are all shown once.
            int high = Math.min(OF_A_KIND, (own.size() + 1) / 2);
            int low = Math.min(OF_A_KIND, own.size() - high);
            add(montage, own.subList(0, high));
            add(montage, own.subList(own.size() - low, own.size()));
        }
        montage.write(file);
        return Optional.of(file);
    }

    private static void add(PatchMontage montage, List<Scored> row) {
        row.forEach(patch -> montage.add(patch.patches().patch(patch.index()), patch.isNodule(), patch.score()));
    }

    /** What a network says to each patch. */
    private static float[] scores(LocalModel network, PatchExamples examples) {
        float[] all = new float[Math.toIntExact(examples.exampleCount())];
        if (all.length == 0) {
            return all;
        }
        Batch batch = Batch.of(Math.min(all.length, 64), examples);
        float[] outputs = new float[batch.capacity()];
        try (BatchReader reader = examples.open(ExampleOrder.sequential())) {
            for (int at = 0; reader.read(batch); at += batch.size()) {
                network.evaluate(batch, outputs);
                System.arraycopy(outputs, 0, all, at, batch.size());
            }
        }
        return all;
    }
}
