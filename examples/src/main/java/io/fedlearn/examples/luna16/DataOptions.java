package io.fedlearn.examples.luna16;

import io.fedlearn.core.federation.Federation;
import io.fedlearn.core.partition.Partitioner;
import io.fedlearn.examples.run.InputException;
import io.fedlearn.luna16.dataset.DatasetCheck;
import io.fedlearn.luna16.dataset.ScanSplit;
import io.fedlearn.luna16.dataset.SiteAssignment;
import io.fedlearn.luna16.dataset.SitesFile;
import io.fedlearn.luna16.image.VolumeException;
import io.fedlearn.luna16.image.VolumeReaders;
import io.fedlearn.luna16.network.Luna16Client;
import io.fedlearn.luna16.patch.CandidateSelection;
import io.fedlearn.luna16.phantom.PhantomDataset;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import picocli.CommandLine.Option;

/** The options that say which scans there are, which hospital has which, and what of them is used. */
final class DataOptions {
    @Option(
            names = "--data",
            paramLabel = "DIR",
            order = -30,
            description = "Folder with LUNA16's data, or a part of it (default: generated scans, in <out>/data).")
    private Optional<Path> folder = Optional.empty();

    @Option(
            names = "--hospitals",
            paramLabel = "N",
            order = -29,
            description = "How many hospitals share the scans, unless --sites says it (default: ${DEFAULT-VALUE}).")
    private int hospitals = PhantomDataset.DEFAULT_HOSPITALS;

    @Option(
            names = "--sites",
            paramLabel = "FILE",
            order = -28,
            description = "CSV that says which hospital has which scan.")
    private Optional<String> sites = Optional.empty();

    @Option(
            names = "--partition",
            paramLabel = "RULE",
            order = -27,
            description = "Distributes scans at random: iid, dirichlet:A (unequal shares of scans with and without"
                    + " nodules) or quantity:B (unequal numbers) (default: subset by subset).")
    private Optional<String> partition = Optional.empty();

    @Option(
            names = "--test-share",
            paramLabel = "X",
            order = -26,
            description = "What part of each hospital's scans is kept aside to test on (default: "
                    + Luna16Client.Builder.DEFAULT_TEST_SHARE + ").")
    private Optional<Double> testShare = Optional.empty();

    @Option(
            names = "--fold",
            paramLabel = "K",
            order = -26,
            description = "Tests on subset K, at every hospital, and trains on the other subsets, as the challenge's"
                    + " cross-validation does; hospitals then share all subsets alike, unless --sites or --partition"
                    + " says otherwise.")
    private Optional<Integer> fold = Optional.empty();

    @Option(
            names = "--negatives-per-scan",
            paramLabel = "N",
            order = -25,
            description = "The most candidates of a scan that are used and are no nodules; LUNA16 has some 850 to a"
                    + " scan (default: ${DEFAULT-VALUE}).")
    private int negativesPerScan = CandidateSelection.DEFAULT_NEGATIVES_PER_SCAN;

    @Option(
            names = "--cache",
            paramLabel = "DIR",
            order = -24,
            description = "Where patches are kept; several runs may share it (default: <out>/patches).")
    private Optional<Path> cache = Optional.empty();

    @Option(
            names = "--scans",
            paramLabel = "N",
            order = -23,
            description = "How many scans are generated (default: " + PhantomDataset.DEFAULT_SCANS + ").")
    private Optional<Integer> scans = Optional.empty();

    @Option(
            names = "--background",
            paramLabel = "FILE",
            order = -22,
            description = "A real chest CT (.mhd, .nii) to put generated nodules into, in place of generated chests.")
    private Optional<Path> background = Optional.empty();

    /** Finds mistakes before anything is opened. */
    void check() {
        if (hospitals < 1) {
            throw new InputException("--hospitals must be >= 1, was " + hospitals);
        }
        if (!(testShare() > 0 && testShare() < 1)) {
            throw new InputException("--test-share must be between 0 and 1, was " + testShare());
        }
        if (fold.isPresent() && testShare.isPresent()) {
            throw new InputException("--fold says what is tested on: --test-share goes without it");
        }
        if (fold.isPresent() && (fold.get() < 0 || fold.get() > 9)) {
            throw new InputException("--fold must be from 0 to 9, was " + fold.get());
        }
        if (negativesPerScan < 0) {
            throw new InputException("--negatives-per-scan must be >= 0, was " + negativesPerScan);
        }
        if (sites.isPresent() && partition.isPresent()) {
            throw new InputException("--sites and --partition exclude each other");
        }
        if (folder.isPresent() && (scans.isPresent() || background.isPresent())) {
            throw new InputException("--scans and --background are for generated scans, and --data is given");
        }
    }

    /** The folder with the scans; empty if they are to be generated. */
    Optional<Path> folder() {
        return folder;
    }

    /** How many hospitals there are, where no file says it. */
    int hospitals() {
        return hospitals;
    }

    /** The CSV that says which hospital has which scan. */
    Optional<String> sites() {
        return sites;
    }

    /** How scans are distributed at random. */
    Optional<String> partition() {
        return partition;
    }

    private double testShare() {
        return testShare.orElse(Luna16Client.Builder.DEFAULT_TEST_SHARE);
    }

    /** Which subset is tested on, if one is. */
    Optional<Integer> fold() {
        return fold;
    }

    /** Writes what is tested on into a run's settings. */
    void addTo(Federation.Builder federation) {
        if (fold.isPresent()) {
            federation.setting("fold", fold.get());
        } else {
            federation.setting("testShare", testShare());
        }
    }

    /**
     * Divides what each hospital has into what it trains on and what it tests on.
     *
     * @throws InputException if there are no scans to be divided so
     */
    Map<String, ScanSplit> split(SiteAssignment sites, long seed) {
        try {
            return fold.isPresent() ? sites.splitByFold(fold.get()) : sites.split(testShare(), seed);
        } catch (IllegalArgumentException e) {
            throw new InputException("--fold: " + e.getMessage(), e);
        }
    }

    /** The most candidates of a scan that are no nodules. */
    int negativesPerScan() {
        return negativesPerScan;
    }

    /** Where patches are kept. */
    Optional<Path> cache() {
        return cache;
    }

    /** The generator of scans. */
    PhantomDataset generator(Path directory, long seed) {
        try {
            PhantomDataset.Builder builder =
                    PhantomDataset.builder(directory).hospitals(hospitals).seed(seed);
            scans.ifPresent(builder::scans);
            background.ifPresent(
                    file -> builder.background(VolumeReaders.installed().read(file)));
            return builder.build();
        } catch (IllegalArgumentException e) {
            // It begins with the name of the setting, which is that of the option.
            throw new InputException("--" + e.getMessage(), e);
        } catch (VolumeException e) {
            throw new InputException("--background cannot be read: " + e.getMessage(), e);
        }
    }

    /** Which candidates of a scan are used. */
    CandidateSelection selection(long seed) {
        return new CandidateSelection(negativesPerScan, seed);
    }

    /**
     * Which hospital has which scan.
     *
     * @param directory of the scans
     * @throws InputException if the scans cannot be distributed so
     */
    SiteAssignment assign(DatasetCheck check, Path directory, long seed) {
        try {
            if (sites.isPresent()) {
                return SiteAssignment.byFile(check.scans(), SitesFile.parse(sites.get()));
            }
            if (partition.isPresent()) {
                Partitioner partitioner = Partitioner.parse(partition.get());
                return SiteAssignment.byPartitioner(check.scans(), partitioner, hospitals, seed);
            }
            // Of a generated data set each scan has a hospital whose scanner it looks like.
            Path generated = directory.resolve(PhantomDataset.SITES);
            if (Files.exists(generated) && Files.exists(directory.resolve(PhantomDataset.MARKER))) {
                return SiteAssignment.byFile(check.scans(), SitesFile.of(generated));
            }
            // By subset, a fold would test at one hospital, and another fold at another.
            return fold.isPresent()
                    ? SiteAssignment.byPartitioner(check.scans(), Partitioner.iid(), hospitals, seed)
                    : SiteAssignment.bySubset(check.scans(), hospitals);
        } catch (IllegalArgumentException e) {
            throw new InputException("the scans cannot be distributed: " + e.getMessage(), e);
        }
    }

    /**
     * These options as another process takes them, which finds the scans made and the patches cut.
     *
     * @param directory of the scans
     * @param patches where they are kept
     */
    List<String> arguments(Path directory, Path patches) {
        List<String> arguments = new ArrayList<>(List.of(
                "--data",
                directory.toString(),
                "--cache",
                patches.toString(),
                "--hospitals",
                Integer.toString(hospitals),
                "--negatives-per-scan",
                Integer.toString(negativesPerScan)));
        testShare.ifPresent(share -> arguments.addAll(List.of("--test-share", share.toString())));
        fold.ifPresent(number -> arguments.addAll(List.of("--fold", number.toString())));
        sites.ifPresent(file -> arguments.addAll(List.of("--sites", file)));
        partition.ifPresent(rule -> arguments.addAll(List.of("--partition", rule)));
        return arguments;
    }
}
