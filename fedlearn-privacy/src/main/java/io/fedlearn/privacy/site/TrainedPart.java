package io.fedlearn.privacy.site;

import io.fedlearn.core.tensor.ModelSpec;
import io.fedlearn.core.tensor.TensorRole;
import io.fedlearn.core.tensor.TensorSpec;
import io.fedlearn.privacy.internal.GridVector;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/** The trainables that private training moves, as ranges of the flat gradient. Immutable. */
final class TrainedPart {
    /** A run of trained numbers in the flat gradient. */
    private record Range(int from, int length) {}

    private final List<Range> ranges;
    private final boolean whole;

    private TrainedPart(List<Range> ranges, boolean whole) {
        this.ranges = ranges;
        this.whole = whole;
    }

    /**
     * The trainables whose name is, or starts with, one of these; all if there are none.
     *
     * @throws IllegalArgumentException if a prefix fits no trainable
     */
    static TrainedPart of(ModelSpec spec, Set<String> prefixes) {
        for (String prefix : prefixes) {
            if (spec.tensors().stream().noneMatch(tensor -> isTrained(tensor, Set.of(prefix)))) {
                throw new IllegalArgumentException("no trainable tensor's name starts with '" + prefix + "'");
            }
        }
        List<Range> ranges = new ArrayList<>();
        int at = 0;
        for (TensorSpec tensor : spec.tensors()) {
            if (tensor.role() == TensorRole.TRAINABLE) {
                int length = Math.toIntExact(tensor.shape().elementCount());
                if (isTrained(tensor, prefixes)) {
                    ranges.add(new Range(at, length));
                }
                at = Math.addExact(at, length);
            }
        }
        return prefixes.isEmpty()
                ? new TrainedPart(List.of(new Range(0, at)), true)
                : new TrainedPart(List.copyOf(ranges), false);
    }

    static boolean isTrained(TensorSpec tensor, Set<String> prefixes) {
        return tensor.role() == TensorRole.TRAINABLE
                && (prefixes.isEmpty() || prefixes.stream().anyMatch(tensor.name()::startsWith));
    }

    /** Whether everything that can be trained is. */
    boolean isWhole() {
        return whole;
    }

    /** The trained numbers of a flat gradient, one part for each range. */
    GridVector of(float[] gradient) {
        return new GridVector() {
            @Override
            public int parts() {
                return ranges.size();
            }

            @Override
            public int length(int part) {
                return ranges.get(part).length();
            }

            @Override
            public void read(int part, int from, double[] block, int count) {
                int start = ranges.get(part).from() + from;
                for (int i = 0; i < count; i++) {
                    block[i] = gradient[start + i];
                }
            }
        };
    }

    /** Sums in grid units, one array for each range. */
    long[][] zeros() {
        return ranges.stream().map(range -> new long[range.length()]).toArray(long[][]::new);
    }

    /** Where a range starts in the flat gradient. */
    int start(int part) {
        return ranges.get(part).from();
    }
}
