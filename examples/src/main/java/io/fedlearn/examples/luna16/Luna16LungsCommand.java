package io.fedlearn.examples.luna16;

import io.fedlearn.examples.report.Grid;
import io.fedlearn.examples.run.InputException;
import io.fedlearn.luna16.image.MetaImage;
import io.fedlearn.luna16.image.Volume;
import io.fedlearn.luna16.image.VolumeException;
import io.fedlearn.luna16.lung.Lung;
import io.fedlearn.luna16.lung.LungException;
import io.fedlearn.luna16.lung.LungFinder;
import io.fedlearn.luna16.lung.LungMask;
import io.fedlearn.luna16.lung.LungPicture;
import io.fedlearn.luna16.resample.Workers;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code fedlearn luna16-lungs}: finds the lungs in a CT. */
@Command(
        name = "luna16-lungs",
        sortOptions = false,
        abbreviateSynopsis = true,
        description = {
            "Finds the lungs in a chest CT, by threshold and by what hangs together.",
            "",
            "What it finds is lung as air shows it, with nodules and vessels inside. A lung that is filled by fluid or"
                    + " tumour is left out: look at the picture.",
            ""
        },
        footerHeading = "%nFiles in the folder:%n",
        footer = {
            "  lungs.mhd, lungs.zraw   the mask on the CT's own voxels: 3 left lung, 4 right lung, 5 airways",
            "  lungs.png               three planes through the lungs",
            "",
            "Examples:",
            "  fedlearn luna16-lungs --ct CT.mhd --out lungs",
            ""
        })
public final class Luna16LungsCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Option(names = "--ct", paramLabel = "FILE", required = true, description = "The CT, in HU (.mhd, .mha).")
    private Path ct = Path.of("");

    @Option(names = "--out", paramLabel = "DIR", required = true, description = "The folder to write to.")
    private Path out = Path.of("");

    @Option(names = "--threshold", paramLabel = "HU", description = "Below it is air (default: ${DEFAULT-VALUE}).")
    private int threshold = LungFinder.DEFAULT_THRESHOLD;

    @Option(
            names = "--closing",
            paramLabel = "MM",
            description = "Radius of the ball that closes gaps, such as those of nodules at the pleura (default:"
                    + " ${DEFAULT-VALUE}).")
    private double closing = LungFinder.DEFAULT_CLOSING;

    Luna16LungsCommand() {}

    @Override
    public Integer call() {
        LungFinder finder = finder();
        Volume scan = scan();
        LungMask mask = find(finder, scan);
        Path file = out.resolve("lungs.mhd");
        Path picture = out.resolve("lungs.png");
        try {
            Files.createDirectories(out);
            mask.write(file, scan.geometry());
            LungPicture.write(picture, scan, mask);
        } catch (IOException e) {
            throw InputException.of("--out " + out + " cannot be written", e);
        }
        PrintWriter console = spec.commandLine().getOut();
        Grid grid = Grid.of("lung", "ml");
        grid = grid.with("left", millilitres(mask.millilitres(Lung.LEFT)));
        grid = grid.with("right", millilitres(mask.millilitres(Lung.RIGHT)));
        grid = grid.with("both", millilitres(mask.millilitres()));
        grid.toLines().forEach(console::println);
        console.println();
        mask.warnings().forEach(warning -> console.println("Unusual: " + warning));
        console.println("Mask:    " + file);
        console.println("Picture: " + picture);
        console.flush();
        return 0;
    }

    private LungFinder finder() {
        try {
            return LungFinder.defaults().withThreshold(threshold).withClosing(closing);
        } catch (IllegalArgumentException e) {
            throw new InputException("--" + e.getMessage(), e);
        }
    }

    private Volume scan() {
        try {
            return MetaImage.read(ct);
        } catch (VolumeException e) {
            throw new InputException("--ct cannot be read: " + e.getMessage(), e);
        }
    }

    private LungMask find(LungFinder finder, Volume scan) {
        int threads = Runtime.getRuntime().availableProcessors();
        ExecutorService executor = Executors.newFixedThreadPool(threads);
        try {
            return finder.withWorkers(Workers.of(threads, executor)).find(scan);
        } catch (LungException e) {
            throw new InputException("--ct " + ct + ": " + e.getMessage(), e);
        } finally {
            executor.shutdownNow();
        }
    }

    private static String millilitres(double millilitres) {
        return String.format(Locale.ROOT, "%.0f", millilitres);
    }
}
