package io.fedlearn.examples.credit;

import io.fedlearn.core.client.Client;
import io.fedlearn.core.federation.Federation;
import io.fedlearn.core.federation.RoundPolicy;
import io.fedlearn.core.federation.Run;
import io.fedlearn.core.partition.Partitioner;
import io.fedlearn.core.training.Evaluation;
import io.fedlearn.core.training.FeatureStatistics;
import io.fedlearn.core.training.InMemoryExamples;
import io.fedlearn.core.training.LocalTrainingClient;
import io.fedlearn.core.training.TrainingSettings;
import io.fedlearn.examples.comparison.ModelScores;
import io.fedlearn.examples.postgres.DatabaseStores;
import io.fedlearn.examples.postgres.Databases;
import io.fedlearn.examples.postgres.JdbcOptions;
import io.fedlearn.examples.protection.PrivacyUnit;
import io.fedlearn.examples.report.Figures;
import io.fedlearn.examples.run.InputException;
import io.fedlearn.examples.run.RunFolder;
import io.fedlearn.examples.run.RunOptions;
import io.fedlearn.examples.run.RunStores;
import io.fedlearn.examples.run.TrainingCommand;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code fedlearn credit}: banks train one risk model and account for it. */
@Command(
        name = "credit",
        sortOptions = false,
        abbreviateSynopsis = true,
        description = {
            "Banks train one model of credit default together, and account for it.",
            "",
            "Each bank has its customers in a PostgreSQL database of its own, unevenly many and unevenly many of them in default, and"
                    + " trains by FedProx on what it reads there. Rounds, models and audit log are in the coordinator's database; the best"
                    + " model is registered there, and goes into production if it is better than the one that is. A report says"
                    + " what an auditor asks. The server starts by itself unless --jdbc names one. Without --data the customers are"
                    + " generated.",
            ""
        },
        footerHeading = "%nData:%n",
        footer = {
            "  FILE is the UCI credit-default table as CSV, or .csv.gz, with a header: LIMIT_BAL, SEX, EDUCATION, MARRIAGE, AGE,"
                    + " PAY_0, PAY_2 to PAY_6, BILL_AMT1 to BILL_AMT6, PAY_AMT1 to PAY_AMT6 and default.payment.next.month; other columns"
                    + " are passed over. A new run replaces the rows in the banks' databases.",
            "",
            "Files in the run's folder:",
            "  report.html        the compliance report: audit logs verified, budgets, lineage, what each bank tells of its data",
            "  compliance.json    the same for programs",
            "  best.safetensors   the model that was registered; model.safetensors is that of the last round",
            "  audit.jsonl        the coordinator's audit log, exported: fedlearn audit verify audit.jsonl",
            "",
            "Examples:",
            "  fedlearn credit",
            "  fedlearn credit --data credit.csv.gz --model mlp --banks 8",
            "  fedlearn credit --jdbc jdbc:postgresql://db.example.org/study?user=trial --out runs/credit-7",
            ""
        })
public final class CreditCommand extends TrainingCommand {
    private static final Path DEFAULT_OUT = Path.of("runs", "credit");
    private static final int DEFAULT_ROUNDS = 30;
    private static final int MAX_BANKS = 100;
    private static final TrainingSettings DEFAULT_TRAINING =
            TrainingSettings.defaults().withLocalEpochs(1).withBatchSize(32).withLearningRate(0.1);
    private static final List<String> METRICS = List.of(Evaluation.LOSS, Evaluation.AUC, Evaluation.ACCURACY);

    @Option(
            names = "--data",
            paramLabel = "FILE",
            order = -40,
            description = "The customers of all banks (default: generated ones, written to <out>/data/credit.csv).")
    private Optional<Path> data = Optional.empty();

    @Option(
            names = "--banks",
            paramLabel = "N",
            order = -39,
            description = "How many banks there are (default: ${DEFAULT-VALUE}).")
    private int banks = 4;

    @Option(
            names = "--skew",
            paramLabel = "HOW",
            order = -38,
            description =
                    "How customers are distributed: dirichlet:A (the smaller A, the less even in number and in defaults),"
                            + " quantity:B or iid (default: ${DEFAULT-VALUE}).")
    private String skew = "dirichlet:1:50";

    @Option(
            names = "--model",
            paramLabel = "NAME",
            order = -37,
            description = "logistic (regression) or mlp (a network with a hidden layer) (default: ${DEFAULT-VALUE}).")
    private CreditModel model = CreditModel.MLP;

    @Mixin
    private JdbcOptions jdbc = new JdbcOptions();

    private Optional<Databases> databases = Optional.empty();
    private Optional<InMemoryExamples> customers = Optional.empty();

    CreditCommand() {
        super(new RunOptions(DEFAULT_OUT, DEFAULT_ROUNDS, DEFAULT_TRAINING).withStrategyOtherwise("fedprox"));
    }

    @Override
    protected void check() {
        if (banks < 1 || banks > MAX_BANKS) {
            throw new InputException("--banks must be from 1 to " + MAX_BANKS + ", was " + banks);
        }
        options().check(banks);
        partitioner();
        if (options().privacy(PrivacyUnit.PATIENT).isPresent()) {
            throw new InputException("--dp-epsilon is not for credit, whose budgets are for questions; heart has it");
        }
        data.ifPresent(file -> {
            if (!Files.isRegularFile(file)) {
                throw new InputException("--data " + file + ": there is no such file");
            }
            // Before a server is started for nothing.
            customers = Optional.of(CreditTable.SCHEMA.read(file).examples());
        });
    }

    private Partitioner partitioner() {
        try {
            return Partitioner.parse(skew);
        } catch (IllegalArgumentException e) {
            throw new InputException("--skew: " + e.getMessage(), e);
        }
    }

    @Override
    protected RunStores stores() throws InterruptedException {
        Databases opened = Databases.open(jdbc, "credit", options().out().resolve("postgres"));
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
        try (CreditData read = read(folder)) {
            Federation.Builder federation = federation(read, folder.holdsRun())
                    .setting("model", model.description())
                    .setting("features", String.join(" ", CreditTable.SCHEMA.featureNames()))
                    .setting("data", read.digest())
                    .setting("testShare", Bank.TEST_SHARE);
            out().println();
            Run run = run(federation, banks, folder, METRICS);
            ModelScores scores = ModelScores.of(model.create(), run.bestModel(), read.tests());
            out().println();
            out().println("Asking the banks for their summaries, and verifying audit logs ...");
            out().flush();
            Registration registration =
                    Registration.of(databases.orElseThrow().schema(), options().auditSigner(), run, read.tests());
            List<Summary> summaries = read.banks().stream().map(Summary::of).toList();
            CreditReport report = CreditReport.of(
                    run,
                    scores,
                    registration,
                    summaries,
                    databases.orElseThrow().schema(),
                    data.isEmpty());
            print(report.banks());
            print(report.summaries());
            print(report.budgets());
            print(report.auditsInShort());
            Path json = folder.path().resolve("compliance.json");
            report.writeJson(json);
            finish(run, folder, report.page(METRICS));
            out().println(registration.version() + " " + registration.decision());
            out().println("For programs: " + json + ", with the ends of the audit logs in full");
            out().println("AUC of the best model on all banks' test customers: " + Figures.metric(scores.auc()));
        }
    }

    private CreditData read(RunFolder folder) throws InterruptedException {
        Databases all = databases.orElseThrow();
        Path file = folder.path().resolve("data").resolve("credit.csv");
        if (data.isEmpty()) {
            out().println("The customers are GENERATED, not real: " + file + " (--data takes real ones).");
        }
        // A run that is resumed finds the customers in the databases.
        if (!folder.holdsRun()) {
            if (data.isEmpty()) {
                GeneratedCredit.write(file, options().seed());
                customers = Optional.of(CreditTable.SCHEMA.read(file).examples());
            }
            CreditData.load(
                    all,
                    customers.orElseThrow(),
                    CreditData.names(banks),
                    partitioner(),
                    options().seed());
        }
        CreditData read =
                CreditData.read(all, CreditData.names(banks), options().seed());
        print(read.grid());
        out().flush();
        return read;
    }

    private Federation.Builder federation(CreditData held, boolean isResumed) throws InterruptedException {
        Map<String, Client> clients = new LinkedHashMap<>();
        for (Bank bank : held.banks()) {
            clients.put(bank.name(), LocalTrainingClient.of(model::create, bank.training(), bank.test()));
        }
        Federation.Builder federation = Federation.of(clients);
        options().configure(federation);
        if (!isResumed) {
            // The common scale of inputs comes from all banks' statistics together.
            FeatureStatistics statistics = Federation.of(clients)
                    .seed(options().seed())
                    .policy(RoundPolicy.defaults().withQuorum(options().quorum()))
                    .build()
                    .featureStatistics(CreditTable.SCHEMA.featureCount());
            federation.initialModel(model.create()
                    .standardizing(statistics)
                    .initialModel(options().seed()));
        }
        return federation;
    }
}
