package io.fedlearn.examples.froc;

import io.fedlearn.examples.report.Grid;
import io.fedlearn.examples.run.InputException;
import io.fedlearn.luna16.dataset.ReferenceStandard;
import io.fedlearn.luna16.dataset.Submission;
import io.fedlearn.luna16.froc.Froc;
import io.fedlearn.luna16.froc.FrocBand;
import io.fedlearn.luna16.froc.FrocCounts;
import io.fedlearn.luna16.froc.FrocResult;
import io.fedlearn.luna16.froc.OperatingPoint;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code fedlearn froc}: the challenge's score of a submission. */
@Command(
        name = "froc",
        sortOptions = false,
        abbreviateSynopsis = true,
        description = {
            "Scores a submission as the LUNA16 challenge does: sensitivity at 1/8 to 8 false positives per scan, and their mean,"
                    + " the CPM.",
            "",
            "Files are the challenge's own, as they are or gzipped. A mark is right if it is nearer to a nodule's centre than its"
                    + " radius; docs/luna16-froc.md has all rules.",
            ""
        },
        footerHeading = "%nExamples:%n",
        footer = {
            "  fedlearn froc --annotations annotations.csv --excluded annotations_excluded.csv \\",
            "                --seriesuids seriesuids.csv --submission mine.csv",
            "  fedlearn froc --annotations annotations.csv --excluded annotations_excluded.csv \\",
            "                --seriesuids seriesuids.csv --submission mine.csv --bootstrap 1000 --out froc",
            ""
        })
public final class FrocCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Option(
            names = "--annotations",
            paramLabel = "FILE",
            required = true,
            description = "The nodules: seriesuid,coordX,coordY,coordZ,diameter_mm.")
    private Path annotations = Path.of("");

    @Option(
            names = "--excluded",
            paramLabel = "FILE",
            description = "Findings that count neither way, with the same columns (default: none).")
    private Optional<Path> excluded = Optional.empty();

    @Option(
            names = "--seriesuids",
            paramLabel = "FILE",
            required = true,
            description = "The scans that count, one series UID in a line.")
    private Path series = Path.of("");

    @Option(
            names = "--submission",
            paramLabel = "FILE",
            required = true,
            description = "The marks: " + Submission.HEADER + ".")
    private Path submission = Path.of("");

    @Option(
            names = "--bootstrap",
            paramLabel = "N",
            description =
                    "How many samples of the scans the 95 %% confidence band is taken from, such as 1000; 0 for no band"
                            + " (default: ${DEFAULT-VALUE}).")
    private int bootstraps;

    @Option(
            names = "--seed",
            paramLabel = "N",
            description = "Where the band's randomness starts (default: ${DEFAULT-VALUE}).")
    private long seed;

    @Option(
            names = "--ignore-unlisted",
            description =
                    "Pass over marks on scans that do not count, such as those of other folds. Without it they are an"
                            + " error.")
    private boolean isIgnoringUnlisted;

    @Option(
            names = "--out",
            paramLabel = "DIR",
            description = "Folder for the curve (" + FrocFiles.SVG + ", " + FrocFiles.PNG + ", " + FrocFiles.CURVE
                    + "), the result (" + FrocFiles.RESULT + "), the nodules that were missed (" + FrocFiles.MISSES
                    + ") and the false positives (" + FrocFiles.FALSE_POSITIVES + ").")
    private Optional<Path> out = Optional.empty();

    FrocCommand() {}

    @Override
    public Integer call() {
        if (bootstraps < 0 || bootstraps > Froc.MAX_BOOTSTRAPS) {
            throw new InputException("--bootstrap must be from 0 to " + Froc.MAX_BOOTSTRAPS + ", was " + bootstraps);
        }
        Optional<FrocFiles> files = out.map(FrocFiles::in);
        ReferenceStandard reference = excluded.map(list -> ReferenceStandard.read(annotations, list, series))
                .orElseGet(() -> ReferenceStandard.read(annotations, series));
        if (reference.noduleCount() == 0) {
            throw new InputException("--annotations " + annotations + " has no nodule in the "
                    + reference.series().size() + " scans of --seriesuids " + series + ": there is no sensitivity");
        }
        Submission submitted = Submission.read(submission);
        int others = 0;
        if (isIgnoringUnlisted) {
            Submission all = submitted;
            submitted = all.restrictedTo(reference.series());
            others = all.size() - submitted.size();
        }
        FrocResult result =
                Froc.builder().bootstraps(bootstraps).seed(seed).build().score(reference, submitted);
        PrintWriter console = spec.commandLine().getOut();
        console.println("Submission: " + submitted
                + (others == 0 ? "" : ", and " + others + " marks on scans that do not count"));
        console.println("Reference:  " + reference);
        console.println();
        grid(result).toLines().forEach(console::println);
        console.println();
        lines(result.counts()).forEach(console::println);
        files.ifPresent(folder -> {
            folder.write(result, FrocChart.of(String.valueOf(submission.getFileName()), result));
            console.println();
            console.println("Curve: " + out.orElseThrow().resolve(FrocFiles.SVG));
        });
        console.println();
        console.println("CPM " + nine(result.cpm()));
        console.flush();
        return 0;
    }

    private static Grid grid(FrocResult result) {
        Grid grid = Grid.of("FP/scan", "sensitivity", "threshold");
        if (result.band().isPresent()) {
            FrocBand band = result.band().get();
            grid = Grid.of("FP/scan", "sensitivity", "threshold", "mean", "lower", "upper");
            for (int i = 0; i < result.operatingPoints().size(); i++) {
                OperatingPoint point = result.operatingPoints().get(i);
                FrocBand.Spread spread = band.operatingPoints().get(i).sensitivity();
                grid = grid.with(
                        rate(point),
                        nine(point.sensitivity()),
                        threshold(point),
                        nine(spread.mean()),
                        nine(spread.lower()),
                        nine(spread.upper()));
            }
            FrocBand.Spread cpm = band.cpm();
            return grid.with("CPM", nine(result.cpm()), "", nine(cpm.mean()), nine(cpm.lower()), nine(cpm.upper()));
        }
        for (OperatingPoint point : result.operatingPoints()) {
            grid = grid.with(rate(point), nine(point.sensitivity()), threshold(point));
        }
        return grid.with("CPM", nine(result.cpm()), "");
    }

    private static String rate(OperatingPoint point) {
        double rate = point.falsePositivesPerScan();
        return rate < 1 ? "1/" + Math.round(1 / rate) : Long.toString(Math.round(rate));
    }

    private static String threshold(OperatingPoint point) {
        return Double.isFinite(point.threshold()) ? String.format(Locale.ROOT, "%.6g", point.threshold()) : "-";
    }

    private static List<String> lines(FrocCounts counts) {
        return List.of(
                "TP " + counts.truePositives() + " of " + counts.nodules() + " nodules (" + nine(counts.sensitivity())
                        + ")",
                "FP " + counts.falsePositives(),
                "FN " + counts.falseNegatives(),
                "ignored " + counts.ignored() + " (on excluded findings)",
                "double " + counts.doubles() + " (on nodules that were found by another mark)",
                "surplus " + counts.surplus() + " (beyond the " + Froc.DEFAULT_MARKS_PER_SCAN
                        + " most probable of a scan)");
    }

    private static String nine(double value) {
        return String.format(Locale.ROOT, "%.9f", value);
    }
}
