package io.fedlearn.examples.luna16;

import io.fedlearn.core.tensor.Model;
import io.fedlearn.examples.run.InputException;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * The models that detect together, all of one network.
 *
 * @param settings of the network
 * @param files that the models are from, in their order
 * @param models one or more
 */
record DetectionModels(NetworkSettings settings, List<Path> files, List<Model> models) {
    private static final String ROUNDS = "rounds";
    private static final String CHECKPOINT = "model.safetensors";
    private static final Pattern ROUND = Pattern.compile("[0-9]{6,10}");

    /**
     * Reads models.
     *
     * @param ensemble of how many rounds of the only model's run
     * @param given settings, instead of those beside the models
     */
    static DetectionModels read(List<Path> models, Optional<Integer> ensemble, Optional<NetworkSettings> given)
            throws IOException {
        List<Path> files = ensemble.isPresent() ? rounds(models, ensemble.get()) : models;
        NetworkSettings settings = given.isPresent() ? given.get() : beside(models);
        List<Model> read = new ArrayList<>();
        for (Path file : files) {
            read.add(ModelFile.read("--model", file, settings));
        }
        return new DetectionModels(settings, List.copyOf(files), List.copyOf(read));
    }

    private static NetworkSettings beside(List<Path> models) {
        Optional<NetworkSettings> first = Optional.empty();
        for (Path model : models) {
            NetworkSettings settings = NetworkSettings.beside(model)
                    .orElseThrow(() -> new InputException("there is no run.json beside --model " + model
                            + ", which says how its patches are cut: leave the model in the folder of its run, or give"
                            + " --patch and --spacing"));
            if (first.isPresent()
                    && !(first.get().patches().equals(settings.patches())
                            && first.get()
                                    .network()
                                    .channels()
                                    .equals(settings.network().channels()))) {
                throw new InputException("--model " + model + " is of " + settings.network() + " with patches "
                        + settings.patches() + ", and --model " + models.get(0) + " of "
                        + first.get().network() + " with patches " + first.get().patches()
                        + ": models that are averaged must be of one network");
            }
            first = Optional.of(settings);
        }
        return first.orElseThrow();
    }

    /** The models of the last rounds that are kept. */
    private static List<Path> rounds(List<Path> models, int count) throws IOException {
        if (count < 1) {
            throw new InputException("--ensemble must be >= 1, was " + count);
        }
        if (models.size() > 1) {
            throw new InputException(
                    "--ensemble takes the rounds of one run, and there are " + models.size() + " --model options");
        }
        Path folder = models.get(0).toAbsolutePath().resolveSibling(ROUNDS);
        if (!Files.isDirectory(folder)) {
            throw new InputException("--ensemble needs the rounds of a run, and there is no folder " + folder);
        }
        List<Path> rounds = new ArrayList<>();
        try (DirectoryStream<Path> present = Files.newDirectoryStream(folder)) {
            for (Path round : present) {
                if (ROUND.matcher(String.valueOf(round.getFileName())).matches()
                        && Files.isRegularFile(round.resolve(CHECKPOINT))) {
                    rounds.add(round);
                }
            }
        }
        if (rounds.size() < count) {
            throw new InputException(
                    "--ensemble " + count + " is more than the " + rounds.size() + " rounds that " + folder + " keeps");
        }
        rounds.sort(Comparator.comparingInt(DetectionModels::number).reversed());
        return rounds.subList(0, count).stream()
                .map(round -> round.resolve(CHECKPOINT))
                .toList();
    }

    private static int number(Path round) {
        return Integer.parseInt(String.valueOf(round.getFileName()));
    }
}
