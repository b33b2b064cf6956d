package io.fedlearn.examples.luna16;

import io.fedlearn.core.federation.Federation;
import io.fedlearn.core.federation.Run;
import io.fedlearn.core.partition.Partitioner;
import io.fedlearn.core.training.TrainingSettings;
import io.fedlearn.dl4j.Dl4jBackend;
import io.fedlearn.dl4j.Dl4jModel;
import io.fedlearn.dl4j.Dl4jModelFile;
import io.fedlearn.examples.comparison.Comparison;
import io.fedlearn.examples.comparison.ModelScores;
import io.fedlearn.examples.console.ProgressBar;
import io.fedlearn.examples.protection.PatientPrivacy;
import io.fedlearn.examples.protection.PrivacySection;
import io.fedlearn.examples.protection.PrivacyTarget;
import io.fedlearn.examples.protection.PrivacyUnit;
import io.fedlearn.examples.run.InputException;
import io.fedlearn.examples.run.RunFolder;
import io.fedlearn.examples.run.RunOptions;
import io.fedlearn.examples.run.TrainingCommand;
import io.fedlearn.luna16.dataset.DatasetCheck;
import io.fedlearn.luna16.dataset.Luna16Dataset;
import io.fedlearn.luna16.dataset.ScanSplit;
import io.fedlearn.luna16.dataset.SiteAssignment;
import io.fedlearn.luna16.dataset.SitesFile;
import io.fedlearn.luna16.network.Luna16Client;
import io.fedlearn.luna16.network.LunaNet;
import io.fedlearn.luna16.patch.Augmentation;
import io.fedlearn.luna16.patch.CandidateSelection;
import io.fedlearn.luna16.patch.PatchCache;
import io.fedlearn.luna16.patch.PatchShape;
import io.fedlearn.luna16.phantom.PhantomDataset;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code fedlearn luna16}: hospitals train one 3D network to tell lung nodules from other candidates on CT. */
@Command(
        name = "luna16",
        sortOptions = false,
        abbreviateSynopsis = true,
        description = {
            "Hospitals train one 3D network to tell lung nodules from what only looks like them, on CT.",
            "",
            "Each hospital cuts patches around the candidates in its own scans and trains on them; only models are"
                    + " exchanged. A quarter of each hospital's scans is kept aside to test on. Without --data the scans"
                    + " are generated.",
            ""
        },
        footerHeading = "%nData:%n",
        footer = {
            "  DIR is laid out as the LUNA16 challenge's data: subset0/*.mhd (to subset9) with their .raw or .zraw,"
                    + " annotations.csv, candidates_V2.csv or candidates.csv, and seriesuids.csv. A part of the subsets is"
                    + " enough.",
            "  Hospitals: by subset, by --sites (a CSV with the columns seriesuid and site; other names as"
                    + " FILE:SERIES:SITE), or by --partition.",
            "",
            "Files in the run's folder:",
            "  report.html        what came of it, with pictures; needs no network",
            "  history.json       every figure of every round; rounds[].metrics.auc is the federated test AUC",
            "  model.safetensors  the final model; best.safetensors the one with the least test loss",
            "  lunanet.zip        the final model as a file of DL4J's own",
            "  montage.png        test patches with their scores",
            "  audit.jsonl        what happened, each record chained to the one before",
            "  patches/           the patches that were cut, for the next run; may be deleted",
            "",
            "Examples:",
            "  fedlearn luna16 --compare",
            "  fedlearn luna16 --data LUNA16 --hospitals 5 --patch 32x48x48 --rounds 40 --out runs/luna",
            "  fedlearn luna16 --data LUNA16 --sites manufacturers.csv --strategy fedprox --set mu=0.1",
            "  fedlearn luna16 --background chest.mhd --out runs/real",
            ""
        })
public final class Luna16Command extends TrainingCommand {
    /** The final model as a file of DL4J's own, in the run's folder: {@value}. */
    static final String DL4J_MODEL = "lunanet.zip";

    private static final Path DEFAULT_OUT = Path.of("runs", "luna16");
    private static final int MOST_NATIVE_THREADS = 1024;
    private static final int DEFAULT_ROUNDS = 20;
    private static final TrainingSettings DEFAULT_TRAINING = TrainingSettings.defaults()
            .withLocalEpochs(1)
            .withBatchSize(8)
            .withLearningRate(0.02)
            .withMomentum(0.9);
    private static final String GENERATED = "data";
    private static final String PATCHES = "patches";

    @Mixin
    private final DataOptions data = new DataOptions();

    @Option(
            names = "--patch",
            paramLabel = "ZxYxX",
            order = -13,
            converter = Extent.class,
            description = "Voxels of a patch, at least 16 along each axis (default: ${DEFAULT-VALUE}; the challenge's"
                    + " detail takes about 32x48x48, and eight times as long).")
    private PatchShape patch = new PatchShape(16, 24, 24);

    @Option(
            names = "--spacing",
            paramLabel = "ZxYxX",
            order = -12,
            description = "Millimetres between a patch's voxels (default: such that a patch shows 24x30x30 mm).")
    private Optional<String> spacing = Optional.empty();

    @Option(
            names = "--negatives-per-positive",
            paramLabel = "X",
            order = -11,
            description = "Patches of nodules are repeated in training until there are at most so many others to each"
                    + " (default: ${DEFAULT-VALUE}).")
    private double negativesPerPositive = Luna16Client.Builder.DEFAULT_NEGATIVES_PER_POSITIVE;

    @Option(
            names = "--native-threads",
            paramLabel = "N",
            order = -10,
            description = "Threads of one network's arithmetic; another number gives other bits (default:"
                    + " ${DEFAULT-VALUE}, and as many clients at a time as there are processors).")
    private int nativeThreads = 1;

    @Option(
            names = "--compare",
            order = -9,
            description = "Also train each hospital alone, and all data pooled in one place, and show the three side"
                    + " by side.")
    private boolean compare;

    @Option(
            names = "--dp-last-layer",
            order = -8,
            description =
                    "With --dp-epsilon for patients: train the network's last layer alone, on features that stay as they"
                            + " were at the start, so that less noise is needed.")
    private boolean lastLayer;

    private Optional<PrivacySection> privacy = Optional.empty();

    Luna16Command() {
        super(new RunOptions(DEFAULT_OUT, DEFAULT_ROUNDS, DEFAULT_TRAINING));
    }

    @Override
    protected void check() {
        data.check();
        options().check(Integer.MAX_VALUE);
        checkComparison(compare);
        if (lastLayer && options().privacy(PrivacyUnit.PATIENT).isEmpty()) {
            throw new InputException("--dp-last-layer needs --dp-epsilon");
        }
        if (nativeThreads < 1 || nativeThreads > MOST_NATIVE_THREADS) {
            throw new InputException(
                    "--native-threads must be from 1 to " + MOST_NATIVE_THREADS + ", was " + nativeThreads);
        }
        if (!(negativesPerPositive >= 0.01 && negativesPerPositive <= 10_000)) {
            throw new InputException(
                    "--negatives-per-positive must be from 0.01 to 10000, was " + negativesPerPositive);
        }
        settings();
    }

    private NetworkSettings settings() {
        try {
            String millimetres =
                    spacing.orElse(24.0 / patch.depth() + "x" + 30.0 / patch.height() + "x" + 30.0 / patch.width());
            return NetworkSettings.of(patch, millimetres, LunaNet.DEFAULT_CHANNELS);
        } catch (IllegalArgumentException e) {
            throw new InputException("--patch and --spacing: " + e.getMessage(), e);
        }
    }

    @Override
    protected void train(RunFolder folder) throws InterruptedException, IOException {
        Dl4jBackend.useThreads(nativeThreads);
        Dl4jBackend backend = Dl4jBackend.present();
        out().println("Backend: " + backend);
        backend.warning().ifPresent(warning -> out().println("Warning: " + warning));
        NetworkSettings settings = settings();
        Luna16Data hospitals = read(folder, settings);
        Augmentation augmentation =
                Augmentation.defaults().withShift(settings.patches().margin());
        Luna16Training training = new Luna16Training(settings.network(), negativesPerPositive, augmentation, options());
        Federation.Builder federation = federation(training, hospitals.hospitals())
                .setting("data", hospitals.digest())
                .setting("sites", hospitals.sitesText())
                .setting("testShare", data.testShare())
                .setting("negativesPerPositive", negativesPerPositive)
                .setting("augmentation", augmentation.toString())
                .setting("nativeThreads", nativeThreads)
                .setting("nativeBuild", backend.build());
        settings.addTo(federation);
        out().println();
        Run run = run(federation, hospitals.hospitals().size(), folder, Luna16Report.METRICS);
        report(folder, settings, hospitals, training, run);
    }

    private Federation.Builder federation(Luna16Training training, List<Hospital> hospitals) {
        Optional<PrivacyTarget> target = options().privacy(PrivacyUnit.PATIENT);
        if (target.isEmpty()) {
            return training.federation(hospitals);
        }
        if (target.get().unit() == PrivacyUnit.CLIENT) {
            privacy = Optional.of(protectClients(target.get(), hospitals.size(), 1, training.parameters()));
            return training.federation(hospitals).centralEvaluation(training.publicEvaluation(hospitals));
        }
        PatientPrivacy patients = protectPatients(target.get());
        Federation.Builder federation = training.privateFederation(hospitals, patients, lastLayer);
        PrivacySection section = new PrivacySection(
                target.get(), "patient with one scan", PatientPrivacy.RELATION, patients.grid(), Optional.empty());
        tell(section);
        privacy = Optional.of(section);
        return federation;
    }

    private void report(
            RunFolder folder, NetworkSettings settings, Luna16Data hospitals, Luna16Training training, Run run)
            throws InterruptedException, IOException {
        Dl4jModel network = settings.network().create();
        ModelScores scores = ModelScores.of(network, run.model(), Luna16Training.tests(hospitals.hospitals()));
        Dl4jModelFile.write(network, folder.path().resolve(DL4J_MODEL));
        Optional<Path> montage = Montage.write(folder.path().resolve(Montage.FILE), network, hospitals.hospitals());
        Luna16Report report = new Luna16Report(hospitals, run, scores);
        print(report.hospitals());
        Optional<Comparison> comparison = Optional.empty();
        if (compare) {
            out().println();
            try (ProgressBar bar = ProgressBar.start(
                    out(), options().progress(), "Training each hospital alone, and all data pooled")) {
                comparison = Optional.of(training.comparison(
                        scores,
                        hospitals.hospitals(),
                        hospitals.pooled(),
                        run.records().size(),
                        bar));
            }
            out().println();
            comparison.get().toLines().forEach(out()::println);
        } else if (Comparison.isIn(folder.report())) {
            out().println();
            out().println("Note: the report had a comparison, which is not repeated: pass --compare to have it again.");
        }
        finish(run, folder, report.page(comparison, montage, privacy));
        privacy.ifPresent(section -> out().println(section.spent(run)));
        out().println("DL4J:    " + folder.path().resolve(DL4J_MODEL));
        montage.ifPresent(picture -> out().println("Picture: " + picture));
    }

    private Luna16Data read(RunFolder folder, NetworkSettings settings) throws InterruptedException {
        Path directory = data.folder().orElse(folder.path().resolve(GENERATED));
        List<String> notes = new ArrayList<>();
        if (data.folder().isEmpty()) {
            out().println("The scans are GENERATED, not real: " + directory + " (--data takes real ones).");
            try (ProgressBar bar = ProgressBar.start(out(), options().progress(), "Making scans")) {
                data.generator(directory, options().seed()).write(bar::update);
            }
        }
        if (Files.exists(directory.resolve(PhantomDataset.MARKER))) {
            notes.add("The scans of this run are generated, not real: the figures show how federated training works,"
                    + " and say nothing about medicine.");
        }
        DatasetCheck check = DatasetCheck.of(Luna16Dataset.open(directory));
        SiteAssignment sites = sites(check, directory);
        out().println();
        Map<String, ScanSplit> splits = sites.split(data.testShare(), options().seed());
        out().print(check.text(sites, splits));
        out().println();
        out().flush();
        if (options().quorum() > sites.sites().size()) {
            throw new InputException("--quorum is " + options().quorum() + ", but there are only "
                    + sites.sites().size() + " hospitals");
        }
        CandidateSelection selection =
                new CandidateSelection(data.negativesPerScan(), options().seed());
        PatchCache cache = PatchCache.at(data.cache().orElse(folder.path().resolve(PATCHES)))
                .withThreads(options().threads().orElse(Runtime.getRuntime().availableProcessors()));
        Luna16Data hospitals;
        try (ProgressBar bar = ProgressBar.start(out(), options().progress(), "Cutting out patches")) {
            hospitals = Luna16Data.cut(check, sites, splits, selection, settings.patches(), cache, bar)
                    .withNotes(notes);
        }
        print(hospitals.grid());
        hospitals.remarks().forEach(remark -> out().println("Note: " + remark));
        out().flush();
        return hospitals;
    }

    private SiteAssignment sites(DatasetCheck check, Path directory) {
        try {
            if (data.sites().isPresent()) {
                return SiteAssignment.byFile(
                        check.scans(), SitesFile.parse(data.sites().get()));
            }
            if (data.partition().isPresent()) {
                Partitioner partitioner = Partitioner.parse(data.partition().get());
                return SiteAssignment.byPartitioner(
                        check.scans(), partitioner, data.hospitals(), options().seed());
            }
            // Of a generated data set each scan has a hospital whose scanner it looks like.
            Path generated = directory.resolve(PhantomDataset.SITES);
            return Files.exists(generated) && Files.exists(directory.resolve(PhantomDataset.MARKER))
                    ? SiteAssignment.byFile(check.scans(), SitesFile.of(generated))
                    : SiteAssignment.bySubset(check.scans(), data.hospitals());
        } catch (IllegalArgumentException e) {
            throw new InputException("the scans cannot be distributed: " + e.getMessage(), e);
        }
    }
}
