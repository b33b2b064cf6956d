package io.fedlearn.examples.luna16;

import io.fedlearn.core.training.Batch;
import io.fedlearn.core.training.LocalModel;
import io.fedlearn.dl4j.Dl4jModel;
import io.fedlearn.examples.report.Grid;
import io.fedlearn.examples.run.InputException;
import io.fedlearn.formats.FormatException;
import io.fedlearn.luna16.image.GridSize;
import io.fedlearn.luna16.image.ImageGeometry;
import io.fedlearn.luna16.image.Point;
import io.fedlearn.luna16.image.Volume;
import io.fedlearn.luna16.patch.Patch;
import io.fedlearn.luna16.patch.PatchExtractor;
import io.fedlearn.luna16.patch.PatchFiles;
import io.fedlearn.luna16.patch.PatchSettings;
import io.fedlearn.luna16.patch.PatchShape;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.apache.commons.csv.CSVFormat;
import org.apache.commons.csv.CSVPrinter;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code fedlearn luna16-score}: says of patches how probably each shows a nodule. */
@Command(
        name = "luna16-score",
        sortOptions = false,
        abbreviateSynopsis = true,
        description = {
            "Says of patches how probably each shows a nodule, with a network that luna16 trained.",
            "",
            "Patches are .npy or .npz files with depth x height x width values in HU (z, y, x). Those of another size"
                    + " than the network's are cut off around the centre, or filled up with air. Files that are no such"
                    + " patches are skipped, and said to be.",
            ""
        },
        footerHeading = "%nExamples:%n",
        footer = {
            "  fedlearn luna16-score --model runs/luna16/model.safetensors --patches DIR",
            "  fedlearn luna16-score --model runs/luna16/lunanet.zip --patches DIR --spacing 1.25x0.7x0.7 --out scores.csv",
            ""
        })
public final class Luna16ScoreCommand implements Callable<Integer> {
    private static final int BATCH = 32;

    @Spec
    private CommandSpec spec;

    @Option(
            names = "--model",
            paramLabel = "FILE",
            required = true,
            description = "A run's model.safetensors or best.safetensors, or its " + Luna16Command.DL4J_MODEL
                    + ". What else must be known is read from the run.json beside it.")
    private Path model = Path.of("");

    @Option(names = "--patches", paramLabel = "DIR", required = true, description = "Folder with .npy or .npz files.")
    private Path patches = Path.of("");

    @Option(
            names = "--spacing",
            paramLabel = "ZxYxX",
            description = "Millimetres between the voxels of the patches; they are resampled to the network's (default:"
                    + " taken to have the network's).")
    private Optional<String> spacing = Optional.empty();

    @Option(
            names = "--out",
            paramLabel = "FILE",
            description = "The CSV to write: file, score (default: ${DEFAULT-VALUE}).")
    private Path out = Path.of("scores.csv");

    Luna16ScoreCommand() {}

    private record Scored(Path file, float score) {}

    @Override
    public Integer call() throws IOException {
        NetworkSettings settings = NetworkSettings.beside(model)
                .orElseThrow(() -> new InputException("there is no run.json beside --model " + model
                        + ", which says how its patches are cut: leave the model in the folder of its run"));
        if (Files.isDirectory(out)) {
            // An empty one would be replaced.
            throw new InputException("--out " + out + " is a folder");
        }
        Optional<PatchSettings.VoxelSpacing> given = spacing.map(Luna16ScoreCommand::spacing);
        LocalModel network = network(settings);
        if (!Files.isDirectory(patches)) {
            throw new InputException("--patches " + patches + " is not a folder");
        }
        List<Scored> scored = score(network, settings.patches(), given, PatchFiles.in(patches));
        if (scored.isEmpty()) {
            throw new InputException("--patches " + patches + " has no file that could be scored");
        }
        write(scored);
        Grid grid = Grid.of("patch", "score");
        for (Scored patch : scored) {
            grid = grid.with(name(patch), String.format(Locale.ROOT, "%.4f", patch.score()));
        }
        PrintWriter console = spec.commandLine().getOut();
        grid.toLines().forEach(console::println);
        console.println();
        console.println("Scores: " + out);
        console.flush();
        return 0;
    }

    private static PatchSettings.VoxelSpacing spacing(String text) {
        try {
            double[] millimetres = NetworkSettings.spacing(text);
            return new PatchSettings.VoxelSpacing(millimetres[0], millimetres[1], millimetres[2]);
        } catch (IllegalArgumentException e) {
            throw new InputException("--spacing: " + e.getMessage(), e);
        }
    }

    private LocalModel network(NetworkSettings settings) throws IOException {
        Dl4jModel network = settings.network().create();
        network.load(ModelFile.read("--model", model, settings));
        return network;
    }

    private List<Scored> score(
            LocalModel network,
            PatchSettings settings,
            Optional<PatchSettings.VoxelSpacing> spacing,
            List<Path> files) {
        int voxels = settings.shape().voxelCount();
        Batch batch = Batch.of(Math.min(BATCH, files.size()), voxels, 1);
        float[] outputs = new float[batch.capacity()];
        List<Path> waiting = new ArrayList<>();
        List<Scored> scored = new ArrayList<>();
        for (int i = 0; i < files.size(); i++) {
            Optional<Patch> patch = read(files.get(i));
            if (patch.isPresent()) {
                fit(patch.get(), settings, spacing)
                        .copyTo(settings.window(), batch.features(), waiting.size() * voxels);
                waiting.add(files.get(i));
            }
            if (waiting.size() == batch.capacity() || i == files.size() - 1 && !waiting.isEmpty()) {
                batch.resize(waiting.size());
                network.evaluate(batch, outputs);
                for (int j = 0; j < waiting.size(); j++) {
                    scored.add(new Scored(waiting.get(j), outputs[j]));
                }
                waiting.clear();
            }
        }
        return scored;
    }

    /** One file that is no patch must not keep the others from being scored. */
    private Optional<Patch> read(Path file) {
        String reason;
        try {
            return Optional.of(PatchFiles.read(file));
        } catch (FormatException e) {
            reason = String.valueOf(e.getMessage());
        } catch (IOException e) {
            reason = InputException.of(file + " cannot be read", e).getMessage();
        }
        spec.commandLine().getErr().println("fedlearn: skipped: " + reason);
        return Optional.empty();
    }

    private static Patch fit(Patch patch, PatchSettings settings, Optional<PatchSettings.VoxelSpacing> spacing) {
        if (spacing.isEmpty()) {
            return patch.centered(settings.shape());
        }
        PatchShape shape = patch.shape();
        PatchSettings.VoxelSpacing own = spacing.get();
        ImageGeometry geometry = ImageGeometry.of(
                new GridSize(shape.width(), shape.height(), shape.depth()),
                new Point(own.x(), own.y(), own.z()),
                new Point(0, 0, 0));
        Point center =
                geometry.toWorld((shape.width() - 1) / 2.0, (shape.height() - 1) / 2.0, (shape.depth() - 1) / 2.0);
        return PatchExtractor.of(Volume.wrap(geometry, patch.values()), settings.withMargin(0))
                .extract(center);
    }

    private void write(List<Scored> scored) {
        Path file = out.toAbsolutePath();
        Path aside = file.resolveSibling(file.getFileName() + ".tmp");
        try {
            Files.createDirectories(file.getParent());
            try (CSVPrinter csv = new CSVPrinter(
                    Files.newBufferedWriter(aside, StandardCharsets.UTF_8),
                    CSVFormat.DEFAULT
                            .builder()
                            .setHeader("file", "score")
                            .setRecordSeparator("\n")
                            .get())) {
                for (Scored patch : scored) {
                    csv.printRecord(name(patch), Float.toString(patch.score()));
                }
            }
            Files.move(aside, file, StandardCopyOption.REPLACE_EXISTING);
        } catch (IOException e) {
            throw InputException.of("--out " + out + " cannot be written", e);
        } finally {
            try {
                Files.deleteIfExists(aside);
            } catch (IOException e) {
                // What is left over is in nobody's way.
            }
        }
    }

    private static String name(Scored patch) {
        return String.valueOf(patch.file().getFileName());
    }
}
