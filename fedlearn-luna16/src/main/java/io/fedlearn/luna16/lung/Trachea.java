package io.fedlearn.luna16.lung;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/** Looks for the trachea: a round spot of air near the middle of the body that goes on from slice to slice. */
final class Trachea {
    private static final double AREA = LungMask.SPACING * LungMask.SPACING;
    private static final double LEAST_AREA = 40;
    private static final double MOST_AREA = 800;
    private static final double MOST_WIDTH = 40;
    /** A disc fills pi / 4 of the square around it. */
    private static final double LEAST_FILLING = 0.5;

    private static final double MOST_BESIDE_MIDDLE = 50;
    private static final double MOST_MEAN_HU = -700;
    private static final double LEAST_LENGTH = 10;

    private Trachea() {}

    private record Spot(Grid.Found voxels, int length, Optional<Spot> above) {
        boolean touches(Grid.Found other, int slice) {
            for (int i = 0; i < other.count(); i++) {
                for (int j = 0; j < voxels.count(); j++) {
                    if (other.get(i) + slice == voxels.get(j)) {
                        return true;
                    }
                }
            }
            return false;
        }
    }

    /** The voxels of the longest chain of spots, of equal ones the highest. */
    static Optional<Grid.Found> find(Grid grid, short[] hu, LungSearch.Test isInnerAir, double middle) {
        Optional<Spot> longest = Optional.empty();
        List<Spot> above = List.of();
        boolean[] seen = new boolean[grid.slice()];
        for (int z = grid.sizeZ() - 1; z >= 0; z--) {
            Arrays.fill(seen, false);
            List<Spot> spots = new ArrayList<>();
            int from = z * grid.slice();
            for (int i = from; i < from + grid.slice(); i++) {
                if (seen[i - from] || !isInnerAir.at(i)) {
                    continue;
                }
                Grid.Found found = new Grid.Found();
                found.add(i);
                seen[i - from] = true;
                grid.spread(found, true, Integer.MAX_VALUE, at -> {
                    if (seen[at - from] || !isInnerAir.at(at)) {
                        return false;
                    }
                    seen[at - from] = true;
                    return true;
                });
                if (isRound(grid, hu, found, middle)) {
                    spots.add(chained(found, above, grid.slice()));
                }
            }
            for (Spot spot : spots) {
                if (longest.isEmpty() || spot.length() > longest.get().length()) {
                    longest = Optional.of(spot);
                }
            }
            above = spots;
        }
        return longest.filter(spot -> spot.length() * LungMask.SPACING >= LEAST_LENGTH)
                .map(Trachea::voxels);
    }

    private static Spot chained(Grid.Found found, List<Spot> above, int slice) {
        Optional<Spot> best = Optional.empty();
        for (Spot spot : above) {
            if (spot.touches(found, slice)
                    && (best.isEmpty() || spot.length() > best.get().length())) {
                best = Optional.of(spot);
            }
        }
        return new Spot(found, best.map(Spot::length).orElse(0) + 1, best);
    }

    private static boolean isRound(Grid grid, short[] hu, Grid.Found found, double middle) {
        double area = found.count() * AREA;
        if (area < LEAST_AREA || area > MOST_AREA) {
            return false;
        }
        int lowX = Integer.MAX_VALUE;
        int lowY = Integer.MAX_VALUE;
        int highX = 0;
        int highY = 0;
        double sumX = 0;
        double sumHu = 0;
        for (int i = 0; i < found.count(); i++) {
            int x = grid.x(found.get(i));
            int y = grid.y(found.get(i));
            lowX = Math.min(lowX, x);
            highX = Math.max(highX, x);
            lowY = Math.min(lowY, y);
            highY = Math.max(highY, y);
            sumX += x;
            sumHu += hu[found.get(i)];
        }
        double width = highX - lowX + 1.0;
        double depth = highY - lowY + 1.0;
        return Math.max(width, depth) * LungMask.SPACING <= MOST_WIDTH
                && found.count() >= LEAST_FILLING * width * depth
                && Math.abs(sumX / found.count() - middle) * LungMask.SPACING <= MOST_BESIDE_MIDDLE
                && sumHu / found.count() <= MOST_MEAN_HU;
    }

    private static Grid.Found voxels(Spot lowest) {
        Grid.Found all = new Grid.Found();
        for (Optional<Spot> spot = Optional.of(lowest);
                spot.isPresent();
                spot = spot.get().above()) {
            Grid.Found voxels = spot.get().voxels();
            for (int i = 0; i < voxels.count(); i++) {
                all.add(voxels.get(i));
            }
        }
        return all;
    }
}
