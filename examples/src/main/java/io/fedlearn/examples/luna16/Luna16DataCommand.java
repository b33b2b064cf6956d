package io.fedlearn.examples.luna16;

import io.fedlearn.examples.console.ProgressBar;
import io.fedlearn.examples.console.ProgressStyle;
import io.fedlearn.examples.report.Grid;
import io.fedlearn.examples.run.InputException;
import io.fedlearn.luna16.image.VolumeException;
import io.fedlearn.luna16.image.VolumeReaders;
import io.fedlearn.luna16.phantom.GeneratedHospital;
import io.fedlearn.luna16.phantom.PhantomDataset;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code fedlearn luna16-data}: makes scans in the layout of LUNA16. */
@Command(
        name = "luna16-data",
        sortOptions = false,
        abbreviateSynopsis = true,
        description = {
            "Makes chest CTs in the layout of the LUNA16 challenge, for trials without real data.",
            "",
            "The scans show chests that nobody has, or, with --background, parts of one real CT; in them are nodules of"
                    + " 4 to 20 mm and what is mistaken for nodules: vessels, scars, plaques. Neither brightness nor a"
                    + " blob filter tells the two apart, a 3D network does. Each hospital has a scanner of its own: other"
                    + " noise, sharpness, spacing and orientation; and another mix of nodules.",
            "",
            "80 scans take about 0.8 GB. The same options give the same files. If it is interrupted, the same command"
                    + " goes on.",
            ""
        },
        footerHeading = "%nFiles in the folder:%n",
        footer = {
            "  subset0/ ... subset9/   the scans, *.mhd with *.raw",
            "  annotations.csv         the nodules: centre and diameter in mm",
            "  candidates_V2.csv       nodules (class 1) and what is mistaken for them (class 0)",
            "  seriesuids.csv          the names of all scans",
            "  sites.csv               which hospital has which scan",
            "  phantom.json            that the scans are generated, and by which options",
            "",
            "Examples:",
            "  fedlearn luna16-data --out data/phantoms",
            "  fedlearn luna16 --data data/phantoms",
            "  fedlearn luna16-data --out data/implanted --background CT.mhd --scans 40 --seed 7",
            ""
        })
public final class Luna16DataCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Option(
            names = "--out",
            paramLabel = "DIR",
            required = true,
            description = "The folder to make: new, empty, or begun by the same command.")
    private Path out = Path.of("");

    @Option(names = "--scans", paramLabel = "N", description = "How many scans (default: ${DEFAULT-VALUE}).")
    private int scans = PhantomDataset.DEFAULT_SCANS;

    @Option(
            names = "--hospitals",
            paramLabel = "N",
            description = "How many hospitals share them, 1 to " + PhantomDataset.MAX_HOSPITALS
                    + " (default: ${DEFAULT-VALUE}).")
    private int hospitals = PhantomDataset.DEFAULT_HOSPITALS;

    @Option(
            names = "--background",
            paramLabel = "FILE",
            description = "A real chest CT (.mhd, .nii) to put nodules into (default: generated chests).")
    private Optional<Path> background = Optional.empty();

    @Option(
            names = "--seed",
            paramLabel = "S",
            description = "Where all randomness starts; another seed makes other scans (default: ${DEFAULT-VALUE}).")
    private long seed;

    @Option(
            names = "--threads",
            paramLabel = "N",
            description = "How many scans are made at a time; changes the time taken, never the scans (default: one per"
                    + " processor).")
    private Optional<Integer> threads = Optional.empty();

    @Option(
            names = "--progress",
            paramLabel = "HOW",
            description = "auto, bars (redrawn in place) or plain (a line now and then) (default: ${DEFAULT-VALUE}).")
    private ProgressStyle progress = ProgressStyle.AUTO;

    Luna16DataCommand() {}

    @Override
    public Integer call() throws InterruptedException {
        PrintWriter console = spec.commandLine().getOut();
        PhantomDataset dataset = dataset();
        List<GeneratedHospital> made;
        try (ProgressBar bar = ProgressBar.start(console, progress, "Making scans")) {
            made = dataset.write(bar::update);
        }
        console.println();
        grid(made).toLines().forEach(console::println);
        console.println();
        console.println("These scans are GENERATED: they show how the software works, and nothing about patients.");
        console.println("Data:   " + out);
        console.println("To use: fedlearn luna16 --data " + out);
        console.flush();
        return 0;
    }

    private PhantomDataset dataset() {
        try {
            PhantomDataset.Builder builder = PhantomDataset.builder(out)
                    .scans(scans)
                    .hospitals(hospitals)
                    .seed(seed);
            threads.ifPresent(builder::threads);
            background.ifPresent(
                    file -> builder.background(VolumeReaders.installed().read(file)));
            return builder.build();
        } catch (IllegalArgumentException e) {
            throw new InputException("--" + e.getMessage(), e);
        } catch (VolumeException e) {
            throw new InputException("--background cannot be read: " + e.getMessage(), e);
        }
    }

    private static Grid grid(List<GeneratedHospital> made) {
        Grid grid = Grid.of("hospital", "scans", "nodules", "candidates", "of them nodules", "scanner");
        int[] sums = new int[4];
        for (GeneratedHospital hospital : made) {
            int[] counts = {
                hospital.scans(), hospital.nodules(), hospital.positives() + hospital.negatives(), hospital.positives()
            };
            grid = row(grid, hospital.name(), counts, hospital.scanner());
            for (int i = 0; i < sums.length; i++) {
                sums[i] += counts[i];
            }
        }
        return row(grid, "all", sums, "");
    }

    private static Grid row(Grid grid, String name, int[] counts, String scanner) {
        return grid.with(
                name,
                Integer.toString(counts[0]),
                Integer.toString(counts[1]),
                Integer.toString(counts[2]),
                Integer.toString(counts[3]),
                scanner);
    }
}
