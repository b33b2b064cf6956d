package io.fedlearn.examples.protection;

import io.fedlearn.core.budget.PrivacySpent;
import io.fedlearn.core.federation.Run;
import io.fedlearn.core.record.OutcomeRecord;
import io.fedlearn.core.record.RoundRecord;
import io.fedlearn.examples.report.Grid;
import io.fedlearn.examples.report.HtmlReport;
import io.fedlearn.examples.report.LineChart;
import io.fedlearn.privacy.site.DpSgdClient;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * What output and report say of a private run: whom it protects, how much that has cost so far, and what the model was worth at
 * that price.
 *
 * @param target what the run promises
 * @param unit whom it protects here, in words, such as {@code patient}
 * @param relation which two runs are to look alike, in words
 * @param mechanism how
 * @param warning of noise that drowns what there is to learn
 */
public record PrivacySection(
        PrivacyTarget target, String unit, String relation, Grid mechanism, Optional<String> warning) {
    /** Lines for the console, before anything is trained. */
    public List<String> toLines() {
        List<String> lines = new ArrayList<>();
        lines.add("PRIVATE: protects each " + unit + ", with " + target.guarantee() + " for the whole run; "
                + adversary() + ".");
        lines.add("Not protected: test examples, whose figures are exact, and the counts of data shown here.");
        lines.addAll(mechanism.toLines());
        warning.ifPresent(text -> lines.add("Warning: " + text + "."));
        return lines;
    }

    private String adversary() {
        return target.unit() == PrivacyUnit.PATIENT
                ? "from everybody outside the site, the coordinator included"
                : "from everybody but the coordinator, who sees single updates";
    }

    /** One line for the end of the run. */
    public String spent(Run run) {
        // Not of the last round alone: a site that did not answer it may have spent more than those that did.
        OptionalDouble spent = run.records().stream()
                .map(PrivacySection::epsilon)
                .flatMapToDouble(OptionalDouble::stream)
                .max();
        return "privacy spent: epsilon "
                + (spent.isPresent() ? String.format(Locale.ROOT, "%.4f", spent.getAsDouble()) : "unknown")
                + " of " + target.epsilon() + " at delta " + target.privacyDelta() + ", per " + unit;
    }

    /** What had been spent by the end of a round: at the site that had spent most, or by the coordinator. */
    private static OptionalDouble epsilon(RoundRecord record) {
        OptionalDouble most = OptionalDouble.empty();
        for (OutcomeRecord outcome : record.outcomes()) {
            OptionalDouble site = outcome.metrics().get(DpSgdClient.SITE_EPSILON);
            if (site.isPresent()) {
                most = OptionalDouble.of(Math.max(most.orElse(0), site.getAsDouble()));
            }
        }
        return most.isPresent()
                ? most
                : record.privacySpent()
                        .map(PrivacySpent::epsilon)
                        .map(OptionalDouble::of)
                        .orElse(OptionalDouble.empty());
    }

    /**
     * Adds the section to a report.
     *
     * @param metric what the model is worth
     * @param label of that metric
     */
    public void addTo(HtmlReport report, Run run, String metric, String label) {
        report.section("Privacy")
                .paragraph("This run protects each " + unit + ", " + adversary() + ": with " + target.guarantee()
                        + ". Whatever somebody concludes from all models of the run together, it is at most e^epsilon ="
                        + String.format(Locale.ROOT, " %.3g", Math.exp(target.epsilon()))
                        + " times as probable with this " + unit
                        + " as without, but for an event of probability delta.")
                .note(
                        "Outside this guarantee: test examples, whose figures on this page are exact and count as published,"
                                + " and the counts in the tables of data, which this page shows because all data of the"
                                + " demonstration lie in one place.")
                .note("Noise is drawn anew whenever it is needed, from a cryptographic source: a private run cannot be"
                        + " repeated bit for bit.")
                .facts(Grid.of("what", "value")
                        .with("protected", "each " + unit)
                        .with("neighbouring runs", relation)
                        .with("accountant", "privacy loss distributions (an upper bound)")
                        .with("epsilon, of the whole run", Double.toString(target.epsilon()))
                        .with("delta", Double.toString(target.privacyDelta()))
                        .with("clipping norm", Double.toString(target.clippingNorm()))
                        .with("spent", spent(run)))
                .table("How", mechanism);
        warning.ifPresent(text -> report.note("Warning: " + text + "."));
        List<LineChart.Point> points = new ArrayList<>();
        for (RoundRecord record : run.records()) {
            OptionalDouble worth = record.metrics().get(metric);
            OptionalDouble spent = epsilon(record);
            if (worth.isPresent() && spent.isPresent()) {
                points.add(new LineChart.Point(spent.getAsDouble(), worth.getAsDouble()));
            }
        }
        report.chart(
                label + " by epsilon spent, round after round",
                LineChart.of("epsilon", label).with("overall", points));
    }
}
