package io.fedlearn.privacy.query;

import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/** What is computed over the rows of a query. Immutable. */
public sealed interface Aggregate {
    /** How many steps a quantile's range has unless it is said: {@value}. */
    int DEFAULT_RESOLUTION = 1000;

    /** The most bins of a histogram, and steps of a quantile's range: {@value}. */
    int MAX_BINS = 100_000;

    /** How many rows. */
    static Aggregate count() {
        return new Count();
    }

    /** How many persons have at least one row. */
    static Aggregate persons() {
        return new Persons();
    }

    /** The sum of a column, each value clamped to the bounds. */
    static Aggregate sum(String column, double lower, double upper) {
        return new Sum(BoundedColumn.of(column, lower, upper));
    }

    /** The mean of a column, each value clamped to the bounds. */
    static Aggregate mean(String column, double lower, double upper) {
        return new Mean(BoundedColumn.of(column, lower, upper));
    }

    /** The variance of a column (the mean squared distance from the mean), each value clamped to the bounds. */
    static Aggregate variance(String column, double lower, double upper) {
        return new Variance(BoundedColumn.of(column, lower, upper));
    }

    /**
     * How many rows have a value in each bin: from an edge to the next, without the latter; the last bin has both. A value below
     * the first edge or above the last counts in the nearest bin.
     *
     * @param edges finite, ascending, at least two
     */
    static Aggregate histogram(String column, double... edges) {
        if (edges.length < 2) {
            throw new IllegalArgumentException(
                    "edges for column '" + column + "' must be at least 2, were " + edges.length);
        }
        return new Histogram(
                BoundedColumn.of(column, edges[0], edges[edges.length - 1]),
                Arrays.stream(edges).boxed().toList());
    }

    /**
     * The values below which these shares of the rows lie, such as 0.5 for the median.
     *
     * @param probabilities in (0, 1), ascending, at least one
     */
    static Aggregate quantiles(String column, double lower, double upper, double... probabilities) {
        return new Quantiles(
                BoundedColumn.of(column, lower, upper),
                Arrays.stream(probabilities).boxed().toList(),
                DEFAULT_RESOLUTION);
    }

    /** Which column it is computed from; a count needs none. */
    default Optional<BoundedColumn> column() {
        return Optional.empty();
    }

    /** How many numbers its answer has for each group. */
    default int size() {
        return 1;
    }

    /** See {@link #count()}. */
    record Count() implements Aggregate {
        @Override
        public String toString() {
            return "count";
        }
    }

    /** See {@link #persons()}. */
    record Persons() implements Aggregate {
        @Override
        public String toString() {
            return "persons";
        }
    }

    /**
     * See {@link #sum}.
     *
     * @param bounded which column
     */
    record Sum(BoundedColumn bounded) implements Aggregate {
        /** Validates that there is one. */
        public Sum {
            Objects.requireNonNull(bounded, "bounded");
        }

        @Override
        public Optional<BoundedColumn> column() {
            return Optional.of(bounded);
        }

        @Override
        public String toString() {
            return "sum of " + bounded;
        }
    }

    /**
     * See {@link #mean}.
     *
     * @param bounded which column
     */
    record Mean(BoundedColumn bounded) implements Aggregate {
        /** Validates that there is one. */
        public Mean {
            Objects.requireNonNull(bounded, "bounded");
        }

        @Override
        public Optional<BoundedColumn> column() {
            return Optional.of(bounded);
        }

        @Override
        public String toString() {
            return "mean of " + bounded;
        }
    }

    /**
     * See {@link #variance}.
     *
     * @param bounded which column
     */
    record Variance(BoundedColumn bounded) implements Aggregate {
        /** Validates that there is one. */
        public Variance {
            Objects.requireNonNull(bounded, "bounded");
        }

        @Override
        public Optional<BoundedColumn> column() {
            return Optional.of(bounded);
        }

        @Override
        public String toString() {
            return "variance of " + bounded;
        }
    }

    /**
     * See {@link #histogram}.
     *
     * @param bounded which column, its bounds the outermost edges
     * @param edges finite, ascending
     */
    record Histogram(BoundedColumn bounded, List<Double> edges) implements Aggregate {
        /** Copies and validates the edges. */
        public Histogram {
            edges = List.copyOf(edges);
            requireAscending("edges", bounded, edges);
            if (edges.size() < 2 || edges.size() - 1 > MAX_BINS) {
                throw new IllegalArgumentException("edges for column '" + bounded.name() + "' must be 2 to "
                        + (MAX_BINS + 1) + ", were " + edges.size());
            }
            if (edges.get(0) != bounded.lower() || edges.get(edges.size() - 1) != bounded.upper()) {
                throw new IllegalArgumentException("edges for column '" + bounded.name() + "' must go from "
                        + bounded.lower() + " to " + bounded.upper() + ", went from " + edges.get(0) + " to "
                        + edges.get(edges.size() - 1));
            }
        }

        @Override
        public Optional<BoundedColumn> column() {
            return Optional.of(bounded);
        }

        @Override
        public int size() {
            return edges.size() - 1;
        }

        @Override
        public String toString() {
            return "histogram of " + bounded + " with edges " + edges;
        }
    }

    /**
     * See {@link #quantiles}.
     *
     * @param bounded which column
     * @param probabilities in (0, 1), ascending
     * @param resolution into how many equal steps the range is cut; answers are ends of steps
     */
    record Quantiles(BoundedColumn bounded, List<Double> probabilities, int resolution) implements Aggregate {
        /** Copies and validates the probabilities. */
        public Quantiles {
            probabilities = List.copyOf(probabilities);
            if (probabilities.isEmpty()) {
                throw new IllegalArgumentException(
                        "probabilities for column '" + bounded.name() + "' must be at least one, were none");
            }
            for (double probability : probabilities) {
                if (!(probability > 0 && probability < 1)) {
                    throw new IllegalArgumentException(
                            "a probability for column '" + bounded.name() + "' must be in (0, 1), was " + probability);
                }
            }
            requireAscending("probabilities", bounded, probabilities);
            if (resolution < 2 || resolution > MAX_BINS) {
                throw new IllegalArgumentException("resolution for column '" + bounded.name() + "' must be in [2, "
                        + MAX_BINS + "], was " + resolution);
            }
        }

        @Override
        public Optional<BoundedColumn> column() {
            return Optional.of(bounded);
        }

        @Override
        public int size() {
            return probabilities.size();
        }

        @Override
        public String toString() {
            return "quantiles " + probabilities + " of " + bounded;
        }
    }

    private static void requireAscending(String name, BoundedColumn column, List<Double> values) {
        for (int i = 1; i < values.size(); i++) {
            if (!(values.get(i - 1) < values.get(i))) {
                throw new IllegalArgumentException(name + " for column '" + column.name()
                        + "' must be ascending and finite, was " + values.get(i) + " after " + values.get(i - 1));
            }
        }
    }
}
