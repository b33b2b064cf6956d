package io.fedlearn.examples.report;

import io.fedlearn.core.federation.Run;
import io.fedlearn.core.record.RoundRecord;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.function.Function;

/** The sections of a report that every run has. */
public final class RunSections {
    private static final String OVERALL = "overall";

    private final Run run;

    private RunSections(Run run) {
        this.run = run;
    }

    /** The sections of this run. */
    public static RunSections of(Run run) {
        return new RunSections(run);
    }

    /** Adds a curve of a metric over the rounds, overall and, where clients measured it, of each of them. */
    public void addCurve(HtmlReport report, String metric, String label, List<String> clients) {
        LineChart chart = LineChart.of("round", label)
                .with(OVERALL, points(record -> record.metrics().get(metric)));
        for (String client : clients) {
            chart = chart.with(client, points(record -> at(record, client, metric)));
        }
        report.chart(capitalised(label) + " after each round, on test examples", chart);
    }

    private static String capitalised(String text) {
        return text.substring(0, 1).toUpperCase(Locale.ROOT) + text.substring(1);
    }

    private List<LineChart.Point> points(Function<RoundRecord, OptionalDouble> value) {
        return LineChart.points(1, run.records().stream().map(value).toList());
    }

    private static OptionalDouble at(RoundRecord record, String client, String metric) {
        return record.evaluation().clients().stream()
                .filter(outcome -> outcome.clientId().equals(client) && outcome.isCompleted())
                .findFirst()
                .map(outcome -> outcome.metrics().get(metric))
                .orElse(OptionalDouble.empty());
    }

    /** Adds the table of all rounds. */
    public void addRounds(HtmlReport report, List<String> metrics) {
        List<String> header = new ArrayList<>(List.of("round"));
        header.addAll(metrics);
        header.addAll(List.of("clients", "seconds", "remarks", "model digest"));
        Grid grid = new Grid(header, List.of());
        for (RoundRecord record : run.records()) {
            List<String> row = new ArrayList<>(List.of(Integer.toString(record.round())));
            metrics.forEach(name -> row.add(record.isAborted() ? "" : Figures.metric(record, name)));
            row.add(Figures.clients(record));
            row.add(Figures.seconds(record.seconds()));
            row.add(remarks(record));
            row.add(record.modelDigest()
                    .substring(0, Math.min(12, record.modelDigest().length())));
            grid = grid.with(row);
        }
        report.section("Rounds").table(grid);
    }

    private String remarks(RoundRecord record) {
        List<String> remarks = new ArrayList<>();
        record.abortReason().ifPresent(reason -> remarks.add("aborted: " + reason));
        record.outcomes().stream()
                .filter(outcome -> !outcome.isCompleted())
                .forEach(
                        outcome -> remarks.add(outcome.clientId() + " " + outcome.outcome() + ", " + outcome.reason()));
        if (!record.isAborted() && record.round() == run.best().round()) {
            remarks.add("best");
        }
        return String.join("; ", remarks);
    }

    /** Adds the settings that decide what the run computes. */
    public void addSettings(HtmlReport report) {
        Grid grid = Grid.of("setting", "value")
                .with("strategy", run.header().strategy())
                .with("seed", Long.toString(run.header().seed()))
                .with("rounds done", Integer.toString(run.records().size()));
        for (Map.Entry<String, Object> setting : run.header().settings().asMap().entrySet()) {
            grid = grid.with(setting.getKey(), setting.getValue().toString());
        }
        report.section("Settings").facts(grid);
    }

    /** Adds what identifies the run and its models. */
    public void addDigests(HtmlReport report) {
        report.section("Digests")
                .facts(Grid.of("what", "value")
                        .with("run", run.header().runId())
                        .with("started", run.header().startedAt().toString())
                        .with("library", run.header().libraryVersion())
                        .with("model it started from", run.header().initialDigest())
                        .with("final model (model.safetensors)", run.model().digest())
                        .with("best model (best.safetensors)", run.bestModel().digest()));
    }

    /** Adds what a reader has to know. */
    public void addHowToRead(HtmlReport report, List<String> more) {
        List<String> points = new ArrayList<>(more);
        points.add("A digest is the SHA-256 of a model's names, types, shapes and values: two runs with one digest"
                + " have the same model, bit for bit. Unless a run is private, the same settings and data give the same digest on any"
                + " number of threads.");
        points.add("Beside this page lie history.json (every figure of every round), model.safetensors and"
                + " best.safetensors (the models), and audit.jsonl (what happened, each record chained to the one"
                + " before by its hash).");
        report.section("How to read this").points(points);
    }
}
