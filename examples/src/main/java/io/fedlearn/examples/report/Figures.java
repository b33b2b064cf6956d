package io.fedlearn.examples.report;

import io.fedlearn.core.metric.Metrics;
import io.fedlearn.core.record.EvaluationRecord;
import io.fedlearn.core.record.OutcomeRecord;
import io.fedlearn.core.record.RoundRecord;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalDouble;

/** How numbers are written on the console and in reports. */
public final class Figures {
    /** What is written for a metric that is not defined, such as the AUC where one class is missing. */
    public static final String UNDEFINED = "undefined";

    private Figures() {}

    /** A metric with four decimals, or {@value #UNDEFINED}. */
    public static String metric(OptionalDouble value) {
        return value.isPresent() ? metric(value.getAsDouble()) : UNDEFINED;
    }

    /** The metric of this name with four decimals, or {@value #UNDEFINED}. */
    public static String metric(Metrics metrics, String name) {
        return metric(metrics.get(name));
    }

    /**
     * A metric of a round's model with four decimals, or {@value #UNDEFINED}; where it is not over all sites that test the model,
     * with how many gave it: {@code 0.8710 (2 of 3)}.
     */
    public static String metric(RoundRecord record, String name) {
        return metric(record.metrics(), name)
                + part(record, name).map(part -> " (" + part + ")").orElse("");
    }

    /** How many of the sites that test a round's model gave this metric, if not all did: {@code 2 of 3}. */
    public static Optional<String> part(RoundRecord record, String name) {
        EvaluationRecord evaluation = record.evaluation();
        int given = evaluation.givenBy(name);
        return given == 0
                        || given == evaluation.sites()
                        || record.metrics().get(name).isEmpty()
                ? Optional.empty()
                : Optional.of(given + " of " + evaluation.sites());
    }

    /** A number with four decimals. */
    public static String metric(double value) {
        return String.format(Locale.ROOT, "%.4f", value);
    }

    /** Seconds, with three decimals. */
    public static String seconds(double value) {
        return String.format(Locale.ROOT, "%.3f", value);
    }

    /** A share as whole per cent. */
    public static String percent(double part, double whole) {
        return whole == 0 ? "-" : String.format(Locale.ROOT, "%.0f%%", 100 * part / whole);
    }

    /** How many clients completed a round, of how many; of a private run, what it tells. */
    public static String clients(RoundRecord record) {
        if (record.outcomes().isEmpty() && !record.isAborted()) {
            return record.cohort().isEmpty()
                    ? "secret"
                    : Integer.toString(record.cohort().size());
        }
        return record.outcomes().stream().filter(OutcomeRecord::isCompleted).count() + "/"
                + record.cohort().size();
    }
}
