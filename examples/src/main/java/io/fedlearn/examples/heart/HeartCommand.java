package io.fedlearn.examples.heart;

import io.fedlearn.core.client.Client;
import io.fedlearn.core.federation.Federation;
import io.fedlearn.core.federation.Run;
import io.fedlearn.core.training.TrainingSettings;
import io.fedlearn.examples.comparison.Comparison;
import io.fedlearn.examples.comparison.ModelScores;
import io.fedlearn.examples.postgres.DatabaseStores;
import io.fedlearn.examples.postgres.Databases;
import io.fedlearn.examples.postgres.JdbcOptions;
import io.fedlearn.examples.protection.PatientPrivacy;
import io.fedlearn.examples.protection.PrivacySection;
import io.fedlearn.examples.protection.PrivacyTarget;
import io.fedlearn.examples.protection.PrivacyUnit;
import io.fedlearn.examples.run.InputException;
import io.fedlearn.examples.run.RunFolder;
import io.fedlearn.examples.run.RunOptions;
import io.fedlearn.examples.run.RunStores;
import io.fedlearn.examples.run.TrainingCommand;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code fedlearn heart}: four hospitals train one classifier of heart disease. */
@Command(
        name = "heart",
        sortOptions = false,
        abbreviateSynopsis = true,
        description = {
            "Four hospitals train one classifier of heart disease together.",
            "",
            "Each hospital has its own file and trains on it; only models are exchanged. A fifth of each hospital's"
                    + " patients is kept aside to test on. Without --data the patients are generated: as many, as"
                    + " ill and as incompletely examined as those of the UCI heart-disease data.",
            ""
        },
        footerHeading = "%nData:%n",
        footer = {
            "  DIR holds heart_processed.cleveland.data, ...hungarian.data, ...switzerland.data and ...va.data: the"
                    + " processed UCI files, 14 fields separated by commas, no header:",
            "  age, sex, cp, trestbps, chol, fbs, restecg, thalach, exang, oldpeak, slope, ca, thal, num.",
            "  ? or NaN is a missing value, and so is 0 for chol or trestbps. num > 0 is ill.",
            "",
            "Files in the run's folder:",
            "  report.html        what came of it, with pictures; needs no network",
            "  history.json       every figure of every round; rounds[].metrics.auc is the federated test AUC",
            "  model.safetensors  the final model; best.safetensors the one with the least test loss",
            "  audit.jsonl        what happened, each record chained to the one before",
            "With --postgres there is no history.json: it is in the database.",
            "",
            "With --jdbc the hospitals' databases are called SCHEMA_heart_cleveland and so on, SCHEMA as in --schema; where the role"
                    + " may not make databases, they are schemas of those names. The rows in them are replaced by a new run and"
                    + " nothing is removed afterwards. Who reads has a role of its own where the role may make roles.",
            "",
            "Examples:",
            "  fedlearn heart --compare",
            "  fedlearn heart --data DIR --strategy fedprox --set mu=0.1 --out runs/prox",
            "  fedlearn heart --model mlp --rounds 50 --seed 7 --out runs/mlp",
            "  fedlearn heart --postgres --out runs/postgres",
            "  fedlearn heart --rounds 100 --out runs/mlp --model mlp --seed 7 --resume",
            ""
        })
public final class HeartCommand extends TrainingCommand {
    private static final Path DEFAULT_OUT = Path.of("runs", "heart");
    private static final int DEFAULT_ROUNDS = 20;
    private static final TrainingSettings DEFAULT_TRAINING = TrainingSettings.defaults()
            .withLocalEpochs(1)
            .withBatchSize(16)
            .withLearningRate(0.05)
            .withWeightDecay(0.01);
    private static final String GENERATED = "data";

    @Option(
            names = "--data",
            paramLabel = "DIR",
            order = -10,
            description = "Folder with the hospitals' files (default: generated patients, written to <out>/data).")
    private Optional<Path> data = Optional.empty();

    @Option(
            names = "--model",
            paramLabel = "NAME",
            order = -9,
            description = "logistic (regression) or mlp (a network with a hidden layer) (default: ${DEFAULT-VALUE}).")
    private HeartModel model = HeartModel.LOGISTIC;

    @Option(
            names = "--compare",
            order = -8,
            description = "Also train each hospital alone, and all data pooled in one place, and show the three side"
                    + " by side.")
    private boolean compare;

    @Option(
            names = "--postgres",
            order = -30,
            description =
                    "Keep each hospital's patients in a PostgreSQL database of its own, and models, history, budgets and audit log"
                            + " in one of the coordinator: on a server that starts by itself with its data in <out>/postgres, or the one of"
                            + " --jdbc.")
    private boolean postgres;

    @Mixin
    private JdbcOptions jdbc = new JdbcOptions();

    private Optional<Databases> databases = Optional.empty();
    private Optional<PrivacySection> privacy = Optional.empty();

    HeartCommand() {
        super(new RunOptions(DEFAULT_OUT, DEFAULT_ROUNDS, DEFAULT_TRAINING));
    }

    @Override
    protected void check() {
        options().check(HeartData.NAMES.size());
        checkComparison(compare);
        if (jdbc.isGiven() && !postgres) {
            throw new InputException("--jdbc needs --postgres");
        }
        if (postgres) {
            options().checkLedgersElsewhere("the coordinator's database");
            // Before a server is started for nothing.
            data.ifPresent(HeartDatabase::patients);
        }
    }

    @Override
    protected RunStores stores() throws InterruptedException {
        if (!postgres) {
            return super.stores();
        }
        Databases opened = Databases.open(jdbc, "heart", options().out().resolve("postgres"));
        databases = Optional.of(opened);
        out().println("Data and run: " + opened + ".");
        return DatabaseStores.open(opened, options().name(), options().auditSigner(), this::say);
    }

    @Override
    protected String kept() {
        return databases.map(Databases::toString).orElseGet(super::kept);
    }

    @Override
    protected void train(RunFolder folder) throws InterruptedException, IOException {
        HeartData hospitals = read(folder);
        HeartTraining training = new HeartTraining(model, options());
        Optional<PrivacyTarget> target = options().privacy(PrivacyUnit.PATIENT);
        Federation.Builder federation = target.isPresent()
                ? privateFederation(target.get(), training, hospitals)
                : federation(training, hospitals, folder.holdsRun());
        federation
                .setting("model", model.description())
                .setting("features", String.join(" ", HeartTable.SCHEMA.featureNames()))
                .setting("data", hospitals.digest())
                .setting("testShare", Hospital.TEST_SHARE);
        out().println();
        Run run = run(federation, hospitals.hospitals().size(), folder, HeartReport.METRICS);
        ModelScores scores = ModelScores.of(model.create(), run.model(), hospitals.tests());
        HeartReport report = new HeartReport(hospitals, run, scores);
        print(report.hospitals());
        Optional<Comparison> comparison = Optional.empty();
        if (compare) {
            out().println();
            out().println("Training each hospital alone, and all data pooled, for comparison ...");
            out().flush();
            comparison = Optional.of(
                    training.comparison(scores, hospitals, run.records().size()));
            out().println();
            comparison.get().toLines().forEach(out()::println);
        } else if (Comparison.isIn(folder.report())) {
            out().println();
            out().println("Note: the report had a comparison, which is not repeated: pass --compare to have it again.");
        }
        finish(run, folder, report.page(comparison, data.isEmpty(), privacy));
        privacy.ifPresent(section -> out().println(section.spent(run)));
    }

    private Federation.Builder federation(HeartTraining training, HeartData hospitals, boolean isResumed)
            throws InterruptedException {
        Map<String, Client> clients = training.clients(hospitals.hospitals());
        return isResumed
                ? training.resumedFederation(clients)
                : training.newFederation(
                        clients,
                        (name, reason) -> out().println("Note: " + name + " gave no statistics of its features, so they"
                                + " do not count for the common scale (" + reason + ")."));
    }

    private Federation.Builder privateFederation(PrivacyTarget target, HeartTraining training, HeartData hospitals) {
        if (target.unit() == PrivacyUnit.CLIENT) {
            privacy = Optional.of(protectClients(target, hospitals.present().size(), 1, training.parameters()));
            return training.declaredFederation(training.clients(hospitals.present()))
                    .centralEvaluation(training.publicEvaluation(hospitals));
        }
        PatientPrivacy patients = protectPatients(target);
        Federation.Builder federation =
                training.declaredFederation(training.privateClients(hospitals.hospitals(), patients));
        patients.describeTo(federation);
        PrivacySection section =
                new PrivacySection(target, "patient", PatientPrivacy.RELATION, patients.grid(), Optional.empty());
        tell(section);
        privacy = Optional.of(section);
        return federation;
    }

    private HeartData read(RunFolder folder) throws InterruptedException {
        Path directory = data.orElse(folder.path().resolve(GENERATED));
        if (data.isEmpty()) {
            // A run that is resumed finds the patients that it had.
            if (!folder.holdsRun()) {
                GeneratedHospitals.write(directory, options().seed());
            }
            out().println("The patients are GENERATED, not real: " + directory + " (--data takes real files).");
        }
        HeartData hospitals;
        if (databases.isPresent()) {
            // A run that is resumed finds the patients in the databases.
            if (!folder.holdsRun()) {
                HeartDatabase.load(databases.get(), directory);
            }
            hospitals = HeartDatabase.read(databases.get(), options().seed());
        } else {
            hospitals = HeartData.read(directory, options().seed());
        }
        print(hospitals.grid());
        hospitals.remarks().forEach(remark -> out().println("Note: " + remark));
        out().flush();
        return hospitals;
    }
}
