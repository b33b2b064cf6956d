package io.fedlearn.examples.luna16;

import io.fedlearn.core.federation.Federation;
import io.fedlearn.core.federation.Run;
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
import io.fedlearn.luna16.patch.Augmentation;
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

    @Override
    protected void train(RunFolder folder) throws InterruptedException, IOException {
        Dl4jBackend.useThreads(patches.nativeThreads());
        Dl4jBackend backend = Dl4jBackend.present();
        out().println("Backend: " + backend);
        backend.warning().ifPresent(warning -> out().println("Warning: " + warning));
        NetworkSettings settings = patches.settings();
        Luna16Data hospitals = read(folder, settings);
        Augmentation augmentation = settings.augmentation();
        Luna16Training training =
                new Luna16Training(settings.network(), patches.negativesPerPositive(), augmentation, options());
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
                .setting("testShare", data.testShare())
                .setting("negativesPerPositive", patches.negativesPerPositive())
                .setting("augmentation", settings.augmentation().toString())
                .setting("nativeThreads", patches.nativeThreads())
                .setting("nativeBuild", Dl4jBackend.present().build());
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
        Path directory = directory(folder);
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
        SiteAssignment sites = data.assign(check, directory, options().seed());
        out().println();
        Map<String, ScanSplit> splits = sites.split(data.testShare(), options().seed());
        out().print(check.text(sites, splits));
        out().println();
        out().flush();
        if (options().quorum() > sites.sites().size()) {
            throw new InputException("--quorum is " + options().quorum() + ", but there are only "
                    + sites.sites().size() + " hospitals");
        }
        CandidateSelection selection = data.selection(options().seed());
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
}
