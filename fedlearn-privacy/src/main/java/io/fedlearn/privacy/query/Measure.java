package io.fedlearn.privacy.query;

import java.util.List;
import java.util.Objects;

/** What a source adds up for each group, over the rows that are left after bounding: whole numbers, exact. */
public sealed interface Measure {
    /** How many whole numbers it is. */
    default int size() {
        return 1;
    }

    /** How many different persons have a row left. */
    record Persons() implements Measure {}

    /** How many rows are left. */
    record Rows() implements Measure {}

    /**
     * The sum of {@link ValueGrid#index} of the values.
     *
     * @param grid that they are rounded to
     */
    record Values(ValueGrid grid) implements Measure {
        /** Validates that there is one. */
        public Values {
            Objects.requireNonNull(grid, "grid");
        }
    }

    /**
     * The sum of {@link ValueGrid#square} of {@link ValueGrid#index} of the values.
     *
     * @param grid that they are rounded to
     */
    record Squares(ValueGrid grid) implements Measure {
        /** Validates that there is one. */
        public Squares {
            Objects.requireNonNull(grid, "grid");
        }
    }

    /**
     * How many of the values, clamped to the first and the last edge, are in each bin: from an edge to the next, without the
     * latter; the last bin has both.
     *
     * @param edges finite, ascending, at least two
     */
    record Bins(List<Double> edges) implements Measure {
        /** Copies the edges. */
        public Bins {
            edges = List.copyOf(edges);
            if (edges.size() < 2) {
                throw new IllegalArgumentException("edges must be at least 2, were " + edges.size());
            }
        }

        @Override
        public int size() {
            return edges.size() - 1;
        }
    }
}
