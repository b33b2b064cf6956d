package io.fedlearn.luna16.detect;

import io.fedlearn.luna16.image.GridSize;
import io.fedlearn.luna16.image.ImageGeometry;
import io.fedlearn.luna16.image.Point;
import io.fedlearn.luna16.image.Volume;
import io.fedlearn.luna16.lung.LungMask;
import io.fedlearn.luna16.lung.PatientBox;
import io.fedlearn.luna16.resample.Workers;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;

/**
 * Looks where a CT has blobs that are brighter than what is around them, in and near the lungs. Immutable.
 *
 * <p><b>Method.</b> The scan, cut to [{@value #LOW}, {@value #HIGH}] HU, is smoothed by Gaussians of standard deviation
 * {@code s} = 1, 1.4 and 2 mm on a grid of 1 mm, and of 2.8, 4, 5.7 and 8 mm on one of 2 mm, which fit to nodules of
 * {@code 2 sqrt(3) s} = 3.5 to 28 mm. A candidate is where the scale-normalised Laplacian
 * <pre>
 *   r = -s^2 (d^2/dx^2 + d^2/dy^2 + d^2/dz^2) f
 * </pre>
 * is greater than at all 26 neighbours and than the least response, and falls off in all directions: of the eigenvalues of
 * the matrix of second derivatives, all negative, the one nearest to 0 is at least the least roundness times the
 * farthest. A ball has roundness 1, a long vessel or a flat pleura 0. The response to a ball of {@code c} HU more than what is
 * around it is up to {@code 0.93 c}. Of candidates that are nearer to each other than their {@code s} the one with the greater
 * response is kept, and of all the ones with the greatest.
 *
 * <p><b>Settings</b> (default, range): the least response ({@value #DEFAULT_RESPONSE} HU, (0, 1000]), the least roundness
 * ({@value #DEFAULT_ROUNDNESS}, [0, 1)), how far beyond the lungs it looks ({@value #DEFAULT_MARGIN} mm, [0, 30]) and the
 * most candidates ({@value #DEFAULT_MOST}, [1, 1 000 000]).
 *
 * <p><b>Memory.</b> The scan is taken block by block: about 20 MB for each thread at work, whatever its size.
 *
 * <p><b>Reference.</b> Lindeberg, "Feature detection with automatic scale selection", International Journal of Computer Vision
 * 30 (2), 1998. <b>Differs</b> in taking maxima in space at each scale alone, which merging brings together.
 */
public final class BlobFinder implements CandidateFinder {
    /** Default least response, in HU: {@value}. */
    public static final double DEFAULT_RESPONSE = 100;

    /** Default least roundness: {@value}. */
    public static final double DEFAULT_ROUNDNESS = 0.2;

    /** Default millimetres beyond the lungs: {@value}. */
    public static final double DEFAULT_MARGIN = 3;

    /** Default number of candidates at most: {@value}. */
    public static final int DEFAULT_MOST = 1000;

    static final int LOW = -900;
    static final int HIGH = 100;

    private static final double MOST_RESPONSE = 1000;
    private static final double MOST_MARGIN = 30;
    private static final int MOST_CANDIDATES = 1_000_000;
    /** Voxels along each side of the blocks that are done at a time, margins not counted. */
    private static final int BLOCK = 80;

    /** Millimetres between voxels, and the Gaussians in voxels. */
    private record Octave(double spacing, double[] deviations) {}

    private static final double ROOT = Math.sqrt(2);
    private static final List<Octave> OCTAVES =
            List.of(new Octave(1, new double[] {1, ROOT, 2}), new Octave(2, new double[] {ROOT, 2, 2 * ROOT, 4}));
    private static final BlobFinder DEFAULTS =
            new BlobFinder(DEFAULT_RESPONSE, DEFAULT_ROUNDNESS, DEFAULT_MARGIN, DEFAULT_MOST);

    private final double response;
    private final double roundness;
    private final double margin;
    private final int most;

    private BlobFinder(double response, double roundness, double margin, int most) {
        this.response = response;
        this.roundness = roundness;
        this.margin = margin;
        this.most = most;
        if (!(response > 0 && response <= MOST_RESPONSE)) {
            throw new IllegalArgumentException("response must be in (0, " + MOST_RESPONSE + "] HU, was " + response);
        }
        if (!(roundness >= 0 && roundness < 1)) {
            throw new IllegalArgumentException("roundness must be in [0, 1), was " + roundness);
        }
        checkMargin(margin);
        if (most < 1 || most > MOST_CANDIDATES) {
            throw new IllegalArgumentException("most must be in [1, " + MOST_CANDIDATES + "], was " + most);
        }
    }

    static void checkMargin(double margin) {
        if (!(margin >= 0 && margin <= MOST_MARGIN)) {
            throw new IllegalArgumentException("margin must be in [0, " + MOST_MARGIN + "] mm, was " + margin);
        }
    }

    /** The defaults. */
    public static BlobFinder defaults() {
        return DEFAULTS;
    }

    /** This finder with another least response, in HU, in (0, 1000]. */
    public BlobFinder withLeastResponse(double hu) {
        return new BlobFinder(hu, roundness, margin, most);
    }

    /** This finder with another least roundness, in [0, 1). */
    public BlobFinder withLeastRoundness(double ratio) {
        return new BlobFinder(response, ratio, margin, most);
    }

    /** This finder looking so many millimetres beyond the lungs, in [0, 30]. */
    public BlobFinder withMargin(double millimetres) {
        return new BlobFinder(response, roundness, millimetres, most);
    }

    /** This finder with another number of candidates at most, in [1, 1 000 000]. */
    public BlobFinder withMost(int candidates) {
        return new BlobFinder(response, roundness, margin, candidates);
    }

    /** A maximum of the response, of a Gaussian of so many millimetres. */
    record Blob(Point center, double response, double deviation) {}

    @Override
    public List<Point> find(Volume scan, LungMask lungs, Workers workers) {
        LungMask where = lungs.dilated(margin);
        List<Blob> blobs = new ArrayList<>();
        for (Octave octave : OCTAVES) {
            blobs.addAll(find(scan, where, octave, workers));
        }
        // Equal ones stay in the order of their places, which does not depend on the workers.
        blobs.sort(Comparator.comparingDouble(Blob::response).reversed());
        return merged(blobs).stream().map(Blob::center).toList();
    }

    private List<Blob> find(Volume scan, LungMask where, Octave octave, Workers workers) {
        PatientBox box = where.boundingBox();
        double spacing = octave.spacing();
        int[] sizes = {
            voxels(box.low().x(), box.high().x(), spacing),
            voxels(box.low().y(), box.high().y(), spacing),
            voxels(box.low().z(), box.high().z(), spacing)
        };
        int[] blocks =
                Arrays.stream(sizes).map(size -> (size + BLOCK - 1) / BLOCK).toArray();
        int count = Math.multiplyExact(Math.multiplyExact(blocks[0], blocks[1]), blocks[2]);
        List<List<Blob>> found = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            found.add(new ArrayList<>());
        }
        workers.run(count, block -> {
            int x = block % blocks[0] * BLOCK;
            int y = block / blocks[0] % blocks[1] * BLOCK;
            int z = block / blocks[0] / blocks[1] * BLOCK;
            Point first = new Point(
                    box.low().x() + (x + 0.5) * spacing,
                    box.low().y() + (y + 0.5) * spacing,
                    box.low().z() + (z + 0.5) * spacing);
            GridSize size = new GridSize(
                    Math.min(BLOCK, sizes[0] - x), Math.min(BLOCK, sizes[1] - y), Math.min(BLOCK, sizes[2] - z));
            ImageGeometry geometry = ImageGeometry.of(size, new Point(spacing, spacing, spacing), first);
            if (isTouched(where, geometry)) {
                BlobBlock.of(scan, geometry, octave.deviations()).find(response, roundness, blob -> {
                    if (where.contains(blob.center()) && scan.geometry().contains(blob.center())) {
                        found.get(block).add(blob);
                    }
                });
            }
        });
        return found.stream().flatMap(List::stream).toList();
    }

    private static int voxels(double low, double high, double spacing) {
        return Math.max(1, (int) Math.ceil((high - low) / spacing));
    }

    /** Whether a block has a place in the mask. */
    private static boolean isTouched(LungMask where, ImageGeometry block) {
        GridSize size = block.size();
        int step = Math.max(1, (int) (LungMask.SPACING / block.spacing().x()));
        for (int z = 0; z < size.z(); z += step) {
            for (int y = 0; y < size.y(); y += step) {
                for (int x = 0; x < size.x(); x += step) {
                    if (where.contains(block.toWorld(x, y, z))) {
                        return true;
                    }
                }
            }
        }
        return false;
    }

    /** The strongest of those that are near each other, as many as there may be. */
    private List<Blob> merged(List<Blob> blobs) {
        List<Blob> kept = new ArrayList<>();
        for (Blob blob : blobs) {
            if (kept.size() == most) {
                break;
            }
            boolean isNew = true;
            for (Blob other : kept) {
                if (other.center().distance(blob.center()) < Math.max(blob.deviation(), other.deviation())) {
                    isNew = false;
                    break;
                }
            }
            if (isNew) {
                kept.add(blob);
            }
        }
        return kept;
    }

    @Override
    public String toString() {
        return "blobs of response " + response + " HU and roundness " + roundness + ", " + margin
                + " mm beyond the lungs, at most " + most;
    }
}
