package io.fedlearn.core.federation;

import io.fedlearn.core.metric.Metrics;

/**
 * By which metric models are compared, and in which direction.
 *
 * @param metric by name, as evaluation reports it
 * @param maximize whether more is better
 */
public record Goal(String metric, boolean maximize) {
    /** Validates the name. */
    public Goal {
        if (metric.isEmpty()) {
            throw new IllegalArgumentException("a goal's metric must not be empty");
        }
    }

    /** Less is better, as for a loss. */
    public static Goal minimize(String metric) {
        return new Goal(metric, false);
    }

    /** More is better, as for an accuracy. */
    public static Goal maximize(String metric) {
        return new Goal(metric, true);
    }

    /** Whether the candidate is better by more than {@code minimumGain}; a model without the metric never is. */
    boolean isBetter(Metrics candidate, Metrics incumbent, double minimumGain) {
        if (candidate.get(metric).isEmpty()) {
            return false;
        }
        if (incumbent.get(metric).isEmpty()) {
            return true;
        }
        double gain =
                candidate.get(metric).getAsDouble() - incumbent.get(metric).getAsDouble();
        return (maximize ? gain : -gain) > minimumGain;
    }

    @Override
    public String toString() {
        return (maximize ? "maximize " : "minimize ") + metric;
    }
}
