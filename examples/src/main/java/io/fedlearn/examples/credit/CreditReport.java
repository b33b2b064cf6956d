package io.fedlearn.examples.credit;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import io.fedlearn.core.federation.Run;
import io.fedlearn.core.record.AuditHead;
import io.fedlearn.core.training.Evaluation;
import io.fedlearn.examples.comparison.ModelScores;
import io.fedlearn.examples.report.Figures;
import io.fedlearn.examples.report.Grid;
import io.fedlearn.examples.report.HtmlReport;
import io.fedlearn.examples.report.RunSections;
import io.fedlearn.formats.audit.AuditReport;
import io.fedlearn.pg.audit.PgAuditLog;
import io.fedlearn.pg.registry.Lineage;
import io.fedlearn.pg.registry.ModelVersion;
import io.fedlearn.pg.registry.Stage;
import io.fedlearn.pg.schema.PgSchema;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * What an auditor asks about a model: where it comes from, what it is worth, on whose data, what was told of those, and whether the
 * records of it are whole.
 */
final class CreditReport {
    private static final ObjectMapper JSON = new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);

    private static final int SHORT_HASH = 12;

    private final Run run;
    private final ModelScores scores;
    private final Registration registration;
    private final List<Summary> summaries;
    private final AuditReport audit;
    private final boolean isGenerated;

    private CreditReport(
            Run run,
            ModelScores scores,
            Registration registration,
            List<Summary> summaries,
            AuditReport audit,
            boolean isGenerated) {
        this.run = run;
        this.scores = scores;
        this.registration = registration;
        this.summaries = summaries;
        this.audit = audit;
        this.isGenerated = isGenerated;
    }

    /** The report about a run that is done; verifies the coordinator's audit log. */
    static CreditReport of(
            Run run,
            ModelScores scores,
            Registration registration,
            List<Summary> summaries,
            PgSchema schema,
            boolean isGenerated) {
        AuditReport audit = PgAuditLog.of(schema, run.header().runId()).verify();
        return new CreditReport(run, scores, registration, List.copyOf(summaries), audit, isGenerated);
    }

    /** What the registered model is worth at each bank. */
    Grid banks() {
        Grid grid = Grid.of("bank", "AUC", "accuracy", "loss");
        for (Summary summary : summaries) {
            String name = summary.bank();
            grid = grid.with(
                    name,
                    Figures.metric(scores.auc(name)),
                    Figures.metric(scores.metric(name, Evaluation.ACCURACY)),
                    Figures.metric(scores.metric(name, Evaluation.LOSS)));
        }
        return grid.with(
                "all together",
                Figures.metric(scores.auc()),
                Figures.metric(scores.mean(Evaluation.ACCURACY)),
                Figures.metric(scores.mean(Evaluation.LOSS)));
    }

    /** What each bank tells of its customers. */
    Grid summaries() {
        Grid grid = Grid.of("bank", "what", "about", "95 % interval");
        for (Summary summary : summaries) {
            for (Summary.Fact fact : summary.facts()) {
                grid = grid.with(
                        summary.bank(),
                        fact.what(),
                        whole(fact.value()),
                        whole(fact.low()) + " to " + whole(fact.high()));
            }
            for (String refused : summary.refused()) {
                grid = grid.with(summary.bank(), refused, "refused", "-");
            }
        }
        return grid;
    }

    private static String whole(double value) {
        return String.format(Locale.ROOT, "%,.0f", value);
    }

    /** What each bank may spend on being asked, and has spent. */
    Grid budgets() {
        Grid grid = Grid.of("bank", "scope", "epsilon spent", "of", "delta", "debits");
        for (Summary summary : summaries) {
            grid = grid.with(
                    summary.bank(),
                    summary.budget().scope(),
                    Figures.metric(summary.budget().spent().epsilon()),
                    Figures.metric(summary.budget().limit().epsilon()),
                    Double.toString(summary.budget().spent().privacyDelta()),
                    Long.toString(summary.budget().entries()));
        }
        return grid;
    }

    /** Whether the audit logs are as they were written. */
    Grid audits() {
        Grid grid = Grid.of("log of", "name", "found", "signed", "its end");
        grid = grid.with("coordinator", run.header().runId(), audit.toString(), signed(audit), end(audit.head()));
        for (Summary summary : summaries) {
            grid = grid.with(
                    summary.bank(),
                    summary.log(),
                    summary.audit().toString(),
                    signed(summary.audit()),
                    end(summary.audit().head()));
        }
        return grid;
    }

    /** By which keys; whether these are the right ones, who has their public halves can verify. */
    private static String signed(AuditReport report) {
        return report.signatures().isEmpty()
                ? "no, chained only"
                : report.signatures().entrySet().stream()
                        .map(key -> key.getValue() + " of " + report.recordCount() + " by key " + key.getKey())
                        .collect(Collectors.joining(", "));
    }

    /** The same for the console, with the beginning of each end. */
    Grid auditsInShort() {
        Grid grid = Grid.of("log of", "name", "records", "found", "its end");
        grid = grid.with(inShort("coordinator", run.header().runId(), audit));
        for (Summary summary : summaries) {
            grid = grid.with(inShort(summary.bank(), summary.log(), summary.audit()));
        }
        return grid;
    }

    private static String[] inShort(String whose, String name, AuditReport report) {
        AuditHead head = report.head();
        return new String[] {
            whose,
            name,
            Long.toString(report.recordCount()),
            report.firstBreak().map(broken -> "BROKEN at " + broken.line()).orElse("whole"),
            head.sequence() + ":"
                    + head.hash().substring(0, Math.min(SHORT_HASH, head.hash().length())) + "..."
        };
    }

    private static String end(AuditHead head) {
        return head.sequence() + ":" + head.hash();
    }

    private static String word(Stage stage) {
        return stage.name().toLowerCase(Locale.ROOT);
    }

    private Grid versions() {
        Grid grid = Grid.of("version", "stage", "run", "round", "AUC in its run", "digest");
        for (ModelVersion version : registration.versions()) {
            grid = grid.with(
                    Integer.toString(version.version()),
                    word(version.stage()),
                    version.lineage().map(lineage -> lineage.run().runId()).orElse("-"),
                    version.lineage()
                            .map(lineage -> Integer.toString(lineage.roundNumber()))
                            .orElse("-"),
                    Figures.metric(version.metrics(), Evaluation.AUC),
                    version.digest());
        }
        return grid;
    }

    private Grid lineage() {
        ModelVersion version = registration.version();
        Grid grid = Grid.of("what", "value")
                .with("model", version.name() + ", version " + version.version())
                .with("stage", word(version.stage()))
                .with("decision", registration.decision())
                .with("digest", version.digest());
        if (version.lineage().isPresent()) {
            Lineage lineage = version.lineage().get();
            grid = grid.with(
                            "made by",
                            "round " + lineage.roundNumber() + " of run "
                                    + lineage.run().runId())
                    .with("run started", lineage.run().startedAt().toString())
                    .with("strategy", lineage.run().strategy())
                    .with("seed", Long.toString(lineage.run().seed()))
                    .with("run began with", lineage.run().initialDigest())
                    .with("library", lineage.run().libraryVersion());
            if (lineage.round().isPresent()) {
                grid = grid.with(
                        "banks in that round",
                        String.join(", ", lineage.round().get().cohort()));
            }
        }
        return grid;
    }

    private Grid stages() {
        Grid grid = Grid.of("stage", "since", "by", "reason");
        for (var change : registration.history()) {
            grid = grid.with(word(change.stage()), change.at().toString(), change.by(), change.reason());
        }
        return grid;
    }

    /** The whole page. */
    HtmlReport page(List<String> metrics) {
        boolean isWhole = audit.isWhole()
                && summaries.stream().allMatch(summary -> summary.audit().isWhole());
        HtmlReport report = HtmlReport.of(
                        "Compliance report: credit default, learned by " + summaries.size() + " banks")
                .paragraph("Each bank trained on its own customers, in its own database; only models were exchanged. "
                        + registration.version() + " has an AUC of " + Figures.metric(scores.auc())
                        + " on the test customers of all banks; it " + registration.decision() + ".");
        if (isGenerated) {
            report.note("The customers of this run are generated, not real: the figures say nothing about credit.");
        }
        if (!isWhole) {
            report.note("An audit log is NOT as it was written: see below where.");
        }
        report.section("Audit logs").facts(audits());
        report.paragraph(
                "Each record is chained to the one before by its hash. Keep the ends elsewhere: fedlearn audit verify --head finds"
                        + " a tail that was cut off. Signatures were not checked here: fedlearn audit verify --public-key"
                        + " does, with the public half of the key.");
        report.section("Privacy budgets").table("What questions about customers may cost, and have", budgets());
        report.note(
                "The budgets are for the summaries below. Training is without noise here: what the model itself tells of"
                        + " single customers is not bounded.");
        report.section("The model and where it comes from").facts(lineage());
        report.facts(stages());
        report.facts(versions());
        report.section("What it is worth").table("The registered model, on test customers", banks());
        report.section("What the banks tell of their data")
                .table("Answers with noise, each paid for from the bank's budget", summaries());
        RunSections sections = RunSections.of(run);
        report.section("Curves");
        List<String> names = summaries.stream().map(Summary::bank).toList();
        sections.addCurve(report, Evaluation.AUC, "AUC", names);
        sections.addCurve(report, Evaluation.LOSS, "loss", names);
        report.chart(
                "ROC of the registered model, on test customers", scores.roc("sound taken for risky", "risky found"));
        sections.addRounds(report, metrics);
        sections.addSettings(report);
        report.section("How to read this")
                .points(List.of(
                        "AUC is how probably a customer who defaults gets a higher score than one who does not: 0.5 is guessing.",
                        "A 95 % interval covers the noise alone: with that probability it holds what the bank's table would have said.",
                        "Round records, models and the registry are in the coordinator's database; compliance.json beside this page"
                                + " says the same for programs, and audit.jsonl is the coordinator's log."));
        return report;
    }

    /** Writes the same for programs, at once or not at all. */
    void writeJson(Path file) throws IOException {
        Map<String, Object> root = new LinkedHashMap<>();
        root.put("run", run.header().runId());
        root.put("generatedData", isGenerated);
        root.put("rounds", run.records().size());
        Map<String, Object> model = new LinkedHashMap<>();
        ModelVersion version = registration.version();
        model.put("name", version.name());
        model.put("version", version.version());
        model.put("stage", word(version.stage()));
        model.put("decision", registration.decision());
        model.put("digest", version.digest());
        scores.auc().ifPresent(auc -> model.put("testAuc", auc));
        version.lineage().ifPresent(lineage -> {
            model.put("madeByRun", lineage.run().runId());
            model.put("madeInRound", lineage.roundNumber());
            model.put("strategy", lineage.run().strategy());
            model.put("seed", lineage.run().seed());
            model.put("initialDigest", lineage.run().initialDigest());
            model.put("library", lineage.run().libraryVersion());
        });
        root.put("model", model);
        root.put("audit", log(run.header().runId(), audit));
        List<Object> banks = new ArrayList<>();
        for (Summary summary : summaries) {
            Map<String, Object> bank = new LinkedHashMap<>();
            bank.put("name", summary.bank());
            scores.auc(summary.bank()).ifPresent(auc -> bank.put("testAuc", auc));
            bank.put("audit", log(summary.log(), summary.audit()));
            Map<String, Object> budget = new LinkedHashMap<>();
            budget.put("scope", summary.budget().scope());
            budget.put("epsilonSpent", summary.budget().spent().epsilon());
            budget.put("epsilonLimit", summary.budget().limit().epsilon());
            budget.put("debits", summary.budget().entries());
            bank.put("budget", budget);
            List<Object> facts = new ArrayList<>();
            for (Summary.Fact fact : summary.facts()) {
                Map<String, Object> entry = new LinkedHashMap<>();
                entry.put("what", fact.what());
                entry.put("value", fact.value());
                entry.put("low", fact.low());
                entry.put("high", fact.high());
                facts.add(entry);
            }
            bank.put("summary", facts);
            bank.put("refused", summary.refused());
            banks.add(bank);
        }
        root.put("banks", banks);
        Path aside = file.resolveSibling(file.getFileName() + ".tmp");
        try {
            Files.write(aside, JSON.writeValueAsBytes(root));
            Files.move(aside, file, StandardCopyOption.ATOMIC_MOVE);
        } finally {
            Files.deleteIfExists(aside);
        }
    }

    private static Map<String, Object> log(String name, AuditReport report) {
        Map<String, Object> log = new LinkedHashMap<>();
        log.put("log", name);
        log.put("whole", report.isWhole());
        log.put("records", report.recordCount());
        log.put("signatures", report.signatures());
        log.put("head", end(report.head()));
        report.firstBreak().ifPresent(broken -> log.put("firstBreak", broken.line() + ": " + broken.reason()));
        return log;
    }
}
