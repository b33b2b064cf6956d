package io.fedlearn.luna16.lung;

import io.fedlearn.luna16.image.GridSize;
import io.fedlearn.luna16.image.Volume;
import io.fedlearn.luna16.lung.LungException.Problem;
import io.fedlearn.luna16.resample.Workers;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** One search for lungs, on the grid of the mask: see {@link LungFinder}. */
final class LungSearch {
    /** What a voxel is. */
    private static final byte TISSUE = 0;

    private static final byte OUTSIDE = 1;
    private static final byte INNER_AIR = 2;
    private static final byte AIRWAY = 3;
    /** Air so near to the airways that it is no lung's own. */
    private static final byte BESIDE_AIRWAY = 4;

    private static final byte TAKEN = 5;

    private static final double VOXEL_MILLILITRES = LungMask.SPACING * LungMask.SPACING * LungMask.SPACING / 1000;
    private static final double MOST_AIRWAY_MILLILITRES = 110;
    /** At what limits to try to follow the airways. */
    private static final int FIRST_AIRWAY_HU = -850;

    private static final int LAST_AIRWAY_HU = -990;
    private static final int AIRWAY_STEP_HU = 10;
    private static final double AIRWAY_MARGIN_MILLIMETRES = 4;

    private static final double LEAST_LUNG_MILLILITRES = 40;
    /** How large the smaller lung must be, as a share of the larger. */
    private static final double LEAST_SHARE = 0.15;
    /** Air in the bowel, or around a patient, is emptier than any lung. */
    private static final int EMPTIEST_LUNG_HU = -975;
    /** How far apart the middles of two lungs are at least, from left to right. */
    private static final double LEAST_APART_MILLIMETRES = 40;

    private static final double MOST_SHRINKING_MILLIMETRES = 14;

    private final Volume coarse;
    private final short[] hu;
    private final Grid grid;
    private final int threshold;
    private final double closing;
    private final Workers workers;
    private final byte[] kinds;

    LungSearch(Volume coarse, int threshold, double closing, Workers workers) {
        this.coarse = coarse;
        this.hu = coarse.values();
        this.grid = new Grid(coarse.geometry().size());
        this.threshold = threshold;
        this.closing = closing;
        this.workers = workers;
        this.kinds = new byte[hu.length];
    }

    /** What hangs together, where its middle is from left to right, and how empty it is. */
    private record Piece(Grid.Found voxels, double middleX, int medianHu) {
        double millilitres() {
            return voxels.count() * VOXEL_MILLILITRES;
        }
    }

    LungMask run() {
        workers.run(grid.sizeZ(), this::separateOutside);
        double middle = middleOfBody();
        followAirways(middle);
        List<Piece> lungs = lungs(middle);
        BitSet[] closed = new BitSet[] {new BitSet(), new BitSet()};
        boolean[][] taken = new boolean[2][];
        for (int i = 0; i < lungs.size(); i++) {
            taken[i] = new boolean[hu.length];
            Grid.Found voxels = lungs.get(i).voxels();
            for (int j = 0; j < voxels.count(); j++) {
                taken[i][voxels.get(j)] = true;
            }
        }
        for (int i = 0; i < lungs.size(); i++) {
            closed[i] = close(lungs.get(i), taken[1 - i]);
        }
        BitSet airways = new BitSet(hu.length);
        for (int i = 0; i < kinds.length; i++) {
            if (kinds[i] == AIRWAY) {
                airways.set(i);
            }
        }
        // What both lungs closed over belongs to the first, the larger one.
        closed[1].andNot(closed[0]);
        boolean firstIsLeft = lungs.size() == 2
                ? lungs.get(0).middleX() > lungs.get(1).middleX()
                : lungs.get(0).middleX() > middle;
        return LungMask.wrap(coarse.geometry(), closed[firstIsLeft ? 0 : 1], closed[firstIsLeft ? 1 : 0], airways);
    }

    /** Tells air around the body from air in it, slice by slice: through an open mouth the two hang together. */
    private void separateOutside(int z) {
        int from = z * grid.slice();
        for (int i = from; i < from + grid.slice(); i++) {
            kinds[i] = hu[i] < threshold ? INNER_AIR : TISSUE;
        }
        Grid.Found outside = new Grid.Found();
        for (int x = 0; x < grid.sizeX(); x++) {
            takeOutside(outside, from + x);
            takeOutside(outside, from + (grid.sizeY() - 1) * grid.sizeX() + x);
        }
        for (int y = 0; y < grid.sizeY(); y++) {
            takeOutside(outside, from + y * grid.sizeX());
            takeOutside(outside, from + y * grid.sizeX() + grid.sizeX() - 1);
        }
        grid.spread(outside, true, Integer.MAX_VALUE, this::isOutside);
    }

    private void takeOutside(Grid.Found outside, int at) {
        if (isOutside(at)) {
            outside.add(at);
        }
    }

    private boolean isOutside(int at) {
        if (kinds[at] != INNER_AIR) {
            return false;
        }
        kinds[at] = OUTSIDE;
        return true;
    }

    private double middleOfBody() {
        double sum = 0;
        long count = 0;
        for (int i = 0; i < kinds.length; i++) {
            if (kinds[i] != OUTSIDE) {
                sum += grid.x(i);
                count++;
            }
        }
        if (count == 0) {
            throw new LungException(
                    Problem.NO_BODY,
                    "no body was found: all voxels are below " + threshold + " HU; is the scan in HU?");
        }
        return sum / count;
    }

    private void followAirways(double middle) {
        Optional<Grid.Found> trachea = Trachea.find(grid, hu, at -> kinds[at] == INNER_AIR, middle);
        if (trachea.isEmpty()) {
            return;
        }
        int most = (int) (MOST_AIRWAY_MILLILITRES / VOXEL_MILLILITRES);
        BitSet best = new BitSet();
        for (int limit = FIRST_AIRWAY_HU; limit >= LAST_AIRWAY_HU; limit -= AIRWAY_STEP_HU) {
            BitSet taken = new BitSet(hu.length);
            Grid.Found found = new Grid.Found();
            for (int i = 0; i < trachea.get().count(); i++) {
                found.add(trachea.get().get(i));
                taken.set(trachea.get().get(i));
            }
            int below = limit;
            grid.spread(found, false, most, at -> {
                if (kinds[at] != INNER_AIR || hu[at] >= below || taken.get(at)) {
                    return false;
                }
                taken.set(at);
                return true;
            });
            best = taken;
            if (found.count() <= most) {
                break;
            }
            if (limit - AIRWAY_STEP_HU < LAST_AIRWAY_HU) {
                // It always runs into a lung: the trachea alone, then.
                best = new BitSet(hu.length);
                for (int i = 0; i < trachea.get().count(); i++) {
                    best.set(trachea.get().get(i));
                }
            }
        }
        boolean[] airways = new boolean[hu.length];
        for (int i = best.nextSetBit(0); i >= 0; i = best.nextSetBit(i + 1)) {
            airways[i] = true;
            kinds[i] = AIRWAY;
        }
        boolean[] near = new Ball(AIRWAY_MARGIN_MILLIMETRES / LungMask.SPACING, workers)
                .grown(airways, grid.sizeX(), grid.sizeY(), grid.sizeZ());
        for (int i = 0; i < near.length; i++) {
            if (near[i] && kinds[i] == INNER_AIR) {
                kinds[i] = BESIDE_AIRWAY;
            }
        }
    }

    private List<Piece> lungs(double middle) {
        List<Piece> pieces = pieces(at -> kinds[at] == INNER_AIR, at -> kinds[at] = TAKEN);
        pieces.removeIf(piece -> piece.medianHu() < EMPTIEST_LUNG_HU);
        if (pieces.isEmpty() || pieces.get(0).millilitres() < LEAST_LUNG_MILLILITRES) {
            double largest = pieces.isEmpty() ? 0 : pieces.get(0).millilitres();
            throw new LungException(
                    Problem.NO_LUNG,
                    String.format(
                            Locale.ROOT,
                            "no lungs were found: the largest piece of air in the body that may be one has %.0f ml, and at"
                                    + " least %.0f are expected; does the scan show a chest, in HU, with air near"
                                    + " %d?",
                            largest,
                            LEAST_LUNG_MILLILITRES,
                            Volume.AIR));
        }
        Piece first = pieces.get(0);
        for (Piece second : pieces.subList(1, pieces.size())) {
            if (second.millilitres() < LEAST_SHARE * first.millilitres()) {
                break;
            }
            if (areApart(first, second)) {
                return List.of(first, second);
            }
        }
        return split(first, middle);
    }

    private static boolean areApart(Piece first, Piece second) {
        return Math.abs(first.middleX() - second.middleX()) * LungMask.SPACING >= LEAST_APART_MILLIMETRES;
    }

    /** Whether a voxel is of interest. */
    @FunctionalInterface
    interface Test {
        boolean at(int place);
    }

    /** What becomes of a voxel that is taken. */
    @FunctionalInterface
    private interface Taking {
        void at(int place);
    }

    /** What hangs together by faces, the largest first. */
    private List<Piece> pieces(Test test, Taking taking) {
        List<Piece> pieces = new ArrayList<>();
        int least = (int) (LEAST_LUNG_MILLILITRES / 10 / VOXEL_MILLILITRES);
        Grid.Found found = new Grid.Found();
        for (int i = 0; i < hu.length; i++) {
            if (!test.at(i)) {
                continue;
            }
            found.clear();
            found.add(i);
            taking.at(i);
            grid.spread(found, false, Integer.MAX_VALUE, at -> {
                boolean isNew = test.at(at);
                if (isNew) {
                    taking.at(at);
                }
                return isNew;
            });
            if (found.count() >= least) {
                pieces.add(piece(found));
                found = new Grid.Found();
            }
        }
        pieces.sort(Comparator.comparingInt((Piece piece) -> piece.voxels().count())
                .reversed()
                .thenComparingInt(piece -> piece.voxels().get(0)));
        return pieces;
    }

    private Piece piece(Grid.Found voxels) {
        long sumX = 0;
        // All is below the threshold, and nothing below air.
        int[] counts = new int[threshold - Volume.AIR];
        for (int i = 0; i < voxels.count(); i++) {
            sumX += grid.x(voxels.get(i));
            counts[hu[voxels.get(i)] - Volume.AIR]++;
        }
        int median = 0;
        for (int below = counts[0]; below <= voxels.count() / 2; below += counts[median]) {
            median++;
        }
        return new Piece(voxels, (double) sumX / voxels.count(), Volume.AIR + median);
    }

    /** Shrinks what may be two lungs until it is two pieces, and shares it out among them. */
    private List<Piece> split(Piece both, double middle) {
        boolean[] set = new boolean[hu.length];
        for (int i = 0; i < both.voxels().count(); i++) {
            set[both.voxels().get(i)] = true;
        }
        if (!isOnBothSides(both, middle)) {
            return List.of(both);
        }
        for (double radius = 1; radius * LungMask.SPACING <= MOST_SHRINKING_MILLIMETRES; radius++) {
            boolean[] left = new Ball(radius, workers).shrunk(set, grid.sizeX(), grid.sizeY(), grid.sizeZ());
            List<Piece> pieces = pieces(at -> left[at], at -> left[at] = false);
            for (int i = 1; i < pieces.size(); i++) {
                if (pieces.get(i).millilitres() >= LEAST_SHARE * pieces.get(0).millilitres()
                        && areApart(pieces.get(0), pieces.get(i))) {
                    return shareOut(set, pieces.get(0), pieces.get(i));
                }
            }
        }
        Grid.Found left = new Grid.Found();
        Grid.Found right = new Grid.Found();
        for (int i = 0; i < both.voxels().count(); i++) {
            int at = both.voxels().get(i);
            (grid.x(at) > middle ? left : right).add(at);
        }
        return List.of(piece(left), piece(right));
    }

    private boolean isOnBothSides(Piece piece, double middle) {
        int left = 0;
        for (int i = 0; i < piece.voxels().count(); i++) {
            left += grid.x(piece.voxels().get(i)) > middle ? 1 : 0;
        }
        double share = (double) left / piece.voxels().count();
        return Math.min(share, 1 - share) >= LEAST_SHARE;
    }

    /** Gives each voxel to the nearer of two pieces, as one gets there from voxel to voxel. */
    private List<Piece> shareOut(boolean[] set, Piece first, Piece second) {
        Grid.Found[] shares = {first.voxels(), second.voxels()};
        for (Grid.Found share : shares) {
            for (int i = 0; i < share.count(); i++) {
                set[share.get(i)] = false;
            }
        }
        int[] next = new int[2];
        while (next[0] < shares[0].count() || next[1] < shares[1].count()) {
            for (int i = 0; i < 2; i++) {
                int end = shares[i].count();
                next[i] = grid.step(shares[i], next[i], end, at -> {
                    boolean isNew = set[at];
                    set[at] = false;
                    return isNew;
                });
            }
        }
        return List.of(piece(shares[0]), piece(shares[1]));
    }

    /** Closes gaps of a lung and fills up what it has around it. */
    private BitSet close(Piece lung, boolean @Nullable [] other) {
        Ball ball = new Ball(closing / LungMask.SPACING, workers);
        int pad = ball.reach() + 1;
        int[] low = {Integer.MAX_VALUE, Integer.MAX_VALUE, Integer.MAX_VALUE};
        int[] high = {0, 0, 0};
        for (int i = 0; i < lung.voxels().count(); i++) {
            int at = lung.voxels().get(i);
            int[] place = {grid.x(at), grid.y(at), grid.z(at)};
            for (int axis = 0; axis < 3; axis++) {
                low[axis] = Math.min(low[axis], place[axis]);
                high[axis] = Math.max(high[axis], place[axis]);
            }
        }
        int sizeX = high[0] - low[0] + 1 + 2 * pad;
        int sizeY = high[1] - low[1] + 1 + 2 * pad;
        int sizeZ = high[2] - low[2] + 1 + 2 * pad;
        boolean[] set = new boolean[sizeX * sizeY * sizeZ];
        for (int i = 0; i < lung.voxels().count(); i++) {
            int at = lung.voxels().get(i);
            set[((grid.z(at) - low[2] + pad) * sizeY + grid.y(at) - low[1] + pad) * sizeX + grid.x(at) - low[0] + pad] =
                    true;
        }
        boolean[] closed = ball.shrunk(ball.grown(set, sizeX, sizeY, sizeZ), sizeX, sizeY, sizeZ);
        fill(closed, sizeX, sizeY, sizeZ);
        BitSet result = new BitSet(hu.length);
        for (int z = pad; z < sizeZ - pad; z++) {
            for (int y = pad; y < sizeY - pad; y++) {
                for (int x = pad; x < sizeX - pad; x++) {
                    int at = ((z - pad + low[2]) * grid.sizeY() + y - pad + low[1]) * grid.sizeX() + x - pad + low[0];
                    boolean isFree = kinds[at] != OUTSIDE && kinds[at] != AIRWAY && (other == null || !other[at]);
                    if (isFree && closed[(z * sizeY + y) * sizeX + x]) {
                        result.set(at);
                    }
                }
            }
        }
        return result;
    }

    /** Sets what cannot be reached from the border of a box. */
    private static void fill(boolean[] set, int sizeX, int sizeY, int sizeZ) {
        Grid box = new Grid(new GridSize(sizeX, sizeY, sizeZ));
        boolean[] reached = new boolean[set.length];
        Grid.Found found = new Grid.Found();
        // The border is never set: there is room all around.
        found.add(0);
        reached[0] = true;
        box.spread(found, false, Integer.MAX_VALUE, at -> {
            if (set[at] || reached[at]) {
                return false;
            }
            reached[at] = true;
            return true;
        });
        for (int i = 0; i < set.length; i++) {
            set[i] = !reached[i];
        }
    }
}
