package io.fedlearn.core.task;

import java.util.regex.Pattern;

/**
 * What sort of work a task asks for. The set is open: a protocol with more exchanges brings kinds of its own, and a client
 * declines a kind that it does not know.
 *
 * @param name lower-case words joined by dashes, at most 64 characters
 */
public record TaskKind(String name) {
    private static final Pattern NAME = Pattern.compile("[a-z][a-z0-9]*(-[a-z0-9]+)*");

    /** Local training from the task's model; the answer holds the trained model or its delta. */
    public static final TaskKind FIT = new TaskKind("fit");

    /** Evaluation of the task's model on the site's own test examples; the answer holds metrics. */
    public static final TaskKind EVALUATE = new TaskKind("evaluate");

    /** What the site says of itself; the answer holds values. */
    public static final TaskKind PROPERTIES = new TaskKind("properties");

    /** The model to start from, as the site has it. */
    public static final TaskKind INITIAL_MODEL = new TaskKind("initial-model");

    /** Counts, means and squared deviations of the site's features, from which inputs are standardised alike everywhere. */
    public static final TaskKind FEATURE_STATISTICS = new TaskKind("feature-statistics");

    /** Training of the task's model into one that the site keeps for itself; the answer holds metrics and nothing else. */
    public static final TaskKind FINE_TUNE = new TaskKind("fine-tune");

    /** Validates the name. */
    public TaskKind {
        if (name.length() > 64 || !NAME.matcher(name).matches()) {
            throw new IllegalArgumentException(
                    "a task kind must be lower-case words joined by dashes, at most 64 characters, was '" + name + "'");
        }
    }

    @Override
    public String toString() {
        return name;
    }
}
