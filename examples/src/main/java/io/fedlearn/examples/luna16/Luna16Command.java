package io.fedlearn.examples.luna16;

import io.fedlearn.core.federation.Federation;
import io.fedlearn.core.federation.Run;
import io.fedlearn.core.strategy.Strategy;
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
import io.fedlearn.luna16.network.FlipAverage;
import io.fedlearn.luna16.network.HardNegatives;
import io.fedlearn.luna16.network.Normalization;
import io.fedlearn.luna16.patch.CandidateSelection;
import io.fedlearn.luna16.patch.PatchCache;
import io.fedlearn.luna16.phantom.PhantomDataset;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
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
                    + " exchanged. A quarter of each hospital's scans is kept aside to test on; at the end all candidates"
                    + " of these are scored as the challenge does. Without --data the scans are generated.",
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
            "  submission.csv     the scores of all candidates of the test scans, in the challenge's form",
            "  scores.json        AUC, CPM and sensitivities over them; written last of all",
            "  audit.jsonl        what happened, each record chained to the one before",
            "  patches/           the patches that were cut, for the next run; may be deleted",
            "",
            "Examples:",
            "  fedlearn luna16 --compare",
            "  fedlearn luna16 --data LUNA16 --hospitals 5 --patch 32x48x48 --rounds 40 --out runs/luna",
            "  fedlearn luna16 --data LUNA16 --sites manufacturers.csv --strategy fedprox --set mu=0.1",
            "  fedlearn luna16 --data LUNA16 --fold 0 --learning-rate-schedule cosine --hard-negatives 11 --flips",
            "  fedlearn luna16 --data LUNA16 --cross-validate --out runs/ten-folds",
            "  fedlearn luna16 --background chest.mhd --out runs/real",
            ""
        })
public final class Luna16Command extends TrainingCommand {
    /** The final model as a file of DL4J's own, in the run's folder: {@value}. */
    static final String DL4J_MODEL = "lunanet.zip";

    private static final Path DEFAULT_OUT = Path.of("runs", "luna16");
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

    @Mixin
    private final PatchOptions patches = new PatchOptions();

    @Option(
            names = "--compare",
            order = -9,
            description = "Also train each hospital alone, and all data pooled in one place, and show the three side"
                    + " by side.")
    private boolean compare;

    @Option(
            names = "--hard-negatives",
            paramLabel = "R[:K:S]",
            order = -9,
            description =
                    "From round R on hospitals train above all on what the network takes for nodules and is none: each"
                            + " asks it once about its patches, and from then on the K of them with the highest scores fill S of"
                            + " their places in a pass (shares; default: ${DEFAULT-VALUE}, which is never; K and S: "
                            + HardNegatives.DEFAULT_KEPT + " and " + HardNegatives.DEFAULT_SHOWN + ").")
    private String hardNegatives = "none";

    @Option(
            names = "--flips",
            order = -9,
            description =
                    "Score test scans by the mean over eight mirror images of each patch; takes eight times as long.")
    private boolean flips;

    @Option(
            names = "--cross-validate",
            order = -9,
            description =
                    "Do all folds of the challenge, one after the other, each in a folder of its own, and score the"
                            + " marks of all test scans together. The same line again goes on where it was.")
    private boolean crossValidate;

    @Option(
            names = "--dp-last-layer",
            order = -8,
            description =
                    "With --dp-epsilon for patients: train the network's last layer alone, on features that stay as they"
                            + " were at the start, so that less noise is needed.")
    private boolean lastLayer;

    @Option(
            names = "--distributed",
            order = -7,
            description = "Train each hospital in a process of its own on this machine, connected over mutual TLS with"
                    + " certificates made for this run; the model is the same, bit for bit.")
    private boolean distributed;

    @Option(
            names = "--hospital-memory",
            paramLabel = "MIB",
            order = -6,
            description =
                    "With --distributed, the memory of each hospital's process, heap and all (default: an equal share"
                            + " of most of this machine's, at most 4096).")
    private Optional<Integer> memory = Optional.empty();

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
        patches.check();
        recipe();
        if (recipe().hardNegatives().isPresent()
                && options().privacy(PrivacyUnit.PATIENT).isPresent()) {
            throw new InputException(
                    "--hard-negatives chooses patches by what a network learnt of them, which --dp-epsilon"
                            + " does not account for: pass one of the two");
        }
        if (patches.settings().network().normalization() == Normalization.BATCH
                && options().privacy(PrivacyUnit.PATIENT).isPresent()) {
            throw new InputException(
                    "--normalization batch needs statistics of many patches at once, which --dp-epsilon does"
                            + " not let be kept: pass one of the two");
        }
        if (crossValidate && (data.fold().isPresent() || compare || distributed)) {
            throw new InputException(
                    "--cross-validate does all folds, each in this process and without comparison: pass it"
                            + " without --fold, --compare and --distributed");
        }
        if (distributed && options().privacy(PrivacyUnit.PATIENT).isPresent()) {
            throw new InputException(
                    "--distributed trains without noise as yet: --dp-epsilon is for hospitals in one" + " process");
        }
        memory.ifPresent(mebibytes -> {
            if (!distributed) {
                throw new InputException("--hospital-memory is of --distributed");
            }
            HospitalProcesses.checkMemory(mebibytes);
        });
    }

    private Recipe recipe() {
        return patches.recipe(hard());
    }

    private Optional<HardNegatives> hard() {
        if (hardNegatives.equalsIgnoreCase("none")) {
            return Optional.empty();
        }
        String[] parts = hardNegatives.split(":", -1);
        try {
            if (parts.length == 1) {
                return Optional.of(HardNegatives.from(Integer.parseInt(parts[0])));
            }
            if (parts.length == 3) {
                return Optional.of(new HardNegatives(
                        Integer.parseInt(parts[0]), Double.parseDouble(parts[1]), Double.parseDouble(parts[2])));
            }
        } catch (NumberFormatException e) {
            throw new InputException("--hard-negatives: a number cannot be read, was '" + hardNegatives + "'", e);
        } catch (IllegalArgumentException e) {
            throw new InputException("--hard-negatives: " + e.getMessage(), e);
        }
        throw new InputException("--hard-negatives must be none, R or R:KEPT:SHOWN, was '" + hardNegatives + "'");
    }

    @Override
    protected Strategy strategy(int clients) {
        return recipe().appliedTo(super.strategy(clients));
    }

    @Override
    protected boolean isDoneOtherwise() throws Exception {
        if (!crossValidate) {
            return false;
        }
        List<String> given =
                new ArrayList<>(spec().commandLine().getParseResult().originalArgs());
        // What comes before the command's name is of the launcher.
        given = given.subList(given.indexOf(spec().name()) + 1, given.size());
        CrossValidation.in(options().out(), out())
                .run(SubRuns.without(given, Set.of("--cross-validate", "--resume", "--stacktrace"), Set.of("--out")));
        return true;
    }

    /** The folder of the scans; empty if they are to be generated. */
    Optional<Path> data() {
        return data.folder();
    }

    /** How many rounds there are in all. */
    int rounds() {
        return options().rounds();
    }

    /** How often a hospital passes over its patches in a round. */
    int localEpochs() {
        return options().training().localEpochs();
    }

    /** The most candidates of a scan that are used and are no nodules. */
    int negativesPerScan() {
        return data.negativesPerScan();
    }

    /** Makes the scans that the options ask for. */
    void generate(Path directory) throws InterruptedException {
        try (ProgressBar bar = ProgressBar.start(out(), options().progress(), "Making scans")) {
            data.generator(directory, options().seed()).write(bar::update);
        }
    }

    @Override
    protected void train(RunFolder folder) throws InterruptedException, IOException {
        Dl4jBackend.useThreads(patches.nativeThreads());
        Dl4jBackend backend = Dl4jBackend.present();
        out().println("Backend: " + backend);
        backend.warning().ifPresent(warning -> out().println("Warning: " + warning));
        NetworkSettings settings = patches.settings();
        Luna16Data hospitals = read(folder, settings);
        Luna16Training training = new Luna16Training(settings, recipe(), flips, options());
        if (!distributed) {
            Federation.Builder federation = federation(training, hospitals.hospitals());
            report(folder, settings, hospitals, training, run(federation, folder, settings, hospitals));
            return;
        }
        Run run;
        try (HospitalProcesses processes =
                HospitalProcesses.start(folder.path(), hospitals.hospitals(), memory, arguments(folder), this::say)) {
            processes.toLines().forEach(out()::println);
            Federation.Builder federation = training.remoteFederation(
                    processes.runtime(), hospitals.hospitals().size());
            run = run(federation, folder, settings, hospitals);
            processes.finish();
        }
        report(folder, settings, hospitals, training, run);
    }

    /** What a hospital's process must know, beside its own name. */
    private List<String> arguments(RunFolder folder) {
        List<String> arguments = new ArrayList<>(data.arguments(
                directory(folder), data.cache().orElse(folder.path().resolve(PATCHES))));
        arguments.addAll(patches.arguments());
        arguments.addAll(List.of("--seed", Long.toString(options().seed())));
        return arguments;
    }

    private Run run(Federation.Builder federation, RunFolder folder, NetworkSettings settings, Luna16Data hospitals)
            throws InterruptedException {
        federation
                .setting("data", hospitals.digest())
                .setting("sites", hospitals.sitesText())
                .setting("nativeThreads", patches.nativeThreads())
                .setting("nativeBuild", Dl4jBackend.present().build());
        data.addTo(federation);
        recipe().addTo(federation);
        settings.addTo(federation);
        out().println();
        return run(federation, hospitals.hospitals().size(), folder, Luna16Report.METRICS);
    }

    private Path directory(RunFolder folder) {
        return data.folder().orElse(folder.path().resolve(GENERATED));
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
        Luna16Training.Worth worth;
        try (ProgressBar bar = ProgressBar.start(out(), options().progress(), "Scoring test scans")) {
            worth = training.worth(run.model(), hospitals, threads(), bar::update);
        }
        ModelScores scores = worth.patches();
        Dl4jModel network = settings.network().create();
        network.load(run.model());
        Dl4jModelFile.write(network, folder.path().resolve(DL4J_MODEL));
        Optional<Path> montage = Montage.write(folder.path().resolve(Montage.FILE), network, hospitals.hospitals());
        Luna16Report report = new Luna16Report(hospitals, run, scores, worth.scans());
        print(report.hospitals());
        worth.scans().flatMap(ScanScores::froc).ifPresent(froc -> {
            out().println();
            out().println(report.challenge());
            ScanScores.grid(froc).toLines().forEach(out()::println);
        });
        Optional<Comparison> comparison = Optional.empty();
        if (compare) {
            out().println();
            try (ProgressBar bar = ProgressBar.start(
                    out(), options().progress(), "Training each hospital alone, and all data pooled")) {
                comparison = Optional.of(
                        training.comparison(worth, hospitals, run.records().size(), bar));
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
        if (worth.scans().isPresent()) {
            leaveScores(folder.path(), settings, run, worth.scans().get());
        }
    }

    private void leaveScores(Path folder, NetworkSettings settings, Run run, ScanScores scores)
            throws IOException, InterruptedException {
        scores.scores().failures().forEach(failure -> out().println("Note: not scored: " + failure.message()));
        Path submission = folder.resolve(ScoreFile.SUBMISSION);
        scores.scores().submission().write(submission);
        Map<Integer, ScoreFile.Figures> figures = new TreeMap<>();
        figures.put(flips ? FlipAverage.FLIPS : 1, ScoreFile.Figures.of(scores));
        if (flips) {
            // So that it can be seen what they are worth.
            figures.put(
                    1,
                    ScoreFile.Figures.of(
                            scores.tests().score(settings, run.model(), false, threads(), (done, all) -> {})));
        }
        ScoreFile.of(run, scores, figures).write(folder);
        out().println("Scores:  " + submission + ", " + folder.resolve(ScoreFile.NAME));
    }

    private int threads() {
        return options().threads().orElse(Runtime.getRuntime().availableProcessors());
    }

    private Luna16Data read(RunFolder folder, NetworkSettings settings) throws InterruptedException {
        Path directory = directory(folder);
        List<String> notes = new ArrayList<>();
        if (data.folder().isEmpty()) {
            out().println("The scans are GENERATED, not real: " + directory + " (--data takes real ones).");
            generate(directory);
        }
        if (Files.exists(directory.resolve(PhantomDataset.MARKER))) {
            notes.add("The scans of this run are generated, not real: the figures show how federated training works,"
                    + " and say nothing about medicine.");
        }
        Luna16Dataset dataset = Luna16Dataset.open(directory);
        DatasetCheck check = DatasetCheck.of(dataset);
        SiteAssignment sites = data.assign(check, directory, options().seed());
        out().println();
        Map<String, ScanSplit> splits = data.split(sites, options().seed());
        out().print(check.text(sites, splits));
        out().println();
        out().flush();
        if (options().quorum() > sites.sites().size()) {
            throw new InputException("--quorum is " + options().quorum() + ", but there are only "
                    + sites.sites().size() + " hospitals");
        }
        CandidateSelection selection = data.selection(options().seed());
        PatchCache cache = PatchCache.at(data.cache().orElse(folder.path().resolve(PATCHES)))
                .withThreads(threads());
        Luna16Data hospitals;
        try (ProgressBar bar = ProgressBar.start(out(), options().progress(), "Cutting out patches")) {
            hospitals = Luna16Data.cut(
                            check,
                            sites,
                            splits,
                            TestScans.of(dataset, splits),
                            selection,
                            settings.patches(),
                            cache,
                            bar)
                    .withNotes(notes);
        }
        print(hospitals.grid());
        hospitals.remarks().forEach(remark -> out().println("Note: " + remark));
        out().flush();
        return hospitals;
    }
}
