package io.fedlearn.luna16.phantom;

import io.fedlearn.luna16.dataset.Candidate;
import io.fedlearn.luna16.image.GridSize;
import io.fedlearn.luna16.image.Point;
import io.fedlearn.luna16.image.Volume;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * How well nodules are told from other candidates by what takes no learning: the mean intensity of a patch, and its
 * strongest blob. A network is worth its name only above these floors. Each is an area under the ROC curve, of the
 * feature or of its opposite, whichever is greater: 0.5 for a feature that tells nothing.
 *
 * <p><b>Features.</b> The box around a candidate is sampled every millimetre, linearly between voxels, and cut off to
 * the window [{@value #LEAST_HU}, {@value #GREATEST_HU}] HU. The first feature is the mean of the box. The second is
 * <pre>
 *   max over sigma and p of  -sigma^2 (LoG_sigma * I)(p)
 * </pre>
 * the scale-normalised Laplacian of Gaussian of bright blobs, for {@code sigma = d / (2 sqrt 3)} with diameters
 * {@code d} from 4 to 20 mm, at places {@code p} that are at most {@value #REACH} mm from the candidate along each axis.
 *
 * @param meanIntensityAuc of the mean intensity, from 0.5 to 1
 * @param blobAuc of the strongest blob, from 0.5 to 1
 * @param positives how many candidates were nodules, at least 1
 * @param negatives how many were not, at least 1
 */
public record DifficultyFloors(double meanIntensityAuc, double blobAuc, int positives, int negatives) {
    /** What is darker counts as this: {@value} HU. */
    public static final int LEAST_HU = -1000;
    /** What is brighter counts as this: {@value} HU. */
    public static final int GREATEST_HU = 400;
    /** How far from the candidate a blob may lie along an axis: {@value} mm. */
    public static final int REACH = 5;

    private static final double[] DIAMETERS = {4, 5.5, 7.5, 10, 14, 20};

    /**
     * Starts to measure.
     *
     * @param boxMillimetres the lengths of the box around a candidate, along the axes of the patient
     */
    public static Meter meter(Point boxMillimetres) {
        return new Meter(boxMillimetres);
    }

    /** Collects the features of candidates. Confined to one thread at a time. */
    public static final class Meter {
        private final int width;
        private final int height;
        private final int depth;
        private final List<double[]> features = new ArrayList<>();
        private final List<Boolean> labels = new ArrayList<>();

        private Meter(Point box) {
            this.width = side("x", box.x());
            this.height = side("y", box.y());
            this.depth = side("z", box.z());
        }

        private static int side(String axis, double millimetres) {
            if (!(millimetres >= 2 * REACH + 1 && millimetres <= 200)) {
                throw new IllegalArgumentException("boxMillimetres must be from " + (2 * REACH + 1)
                        + " to 200 along each axis, was " + millimetres + " along " + axis);
            }
            return (int) Math.round(millimetres);
        }

        /** Measures candidates of a scan. */
        public Meter add(Volume scan, List<Candidate> candidates) {
            for (Candidate candidate : candidates) {
                double[] box = box(scan, candidate.center());
                double sum = 0;
                for (double hu : box) {
                    sum += hu;
                }
                features.add(new double[] {sum / box.length, blob(box)});
                labels.add(candidate.isNodule());
            }
            return this;
        }

        /**
         * The floors of all candidates so far.
         *
         * @throws IllegalStateException if there are only nodules, or none
         */
        public DifficultyFloors floors() {
            int positives = (int) labels.stream().filter(label -> label).count();
            int negatives = labels.size() - positives;
            if (positives == 0 || negatives == 0) {
                throw new IllegalStateException("candidates of both kinds are needed, there were " + positives
                        + " nodules and " + negatives + " others");
            }
            return new DifficultyFloors(auc(0), auc(1), positives, negatives);
        }

        private double auc(int feature) {
            int count = labels.size();
            Integer[] order = new Integer[count];
            Arrays.setAll(order, i -> i);
            Arrays.sort(order, (a, b) -> Double.compare(features.get(a)[feature], features.get(b)[feature]));
            double above = 0;
            long negatives = 0;
            long positives = 0;
            for (int start = 0; start < count; ) {
                int end = start;
                long tied = 0;
                double value = features.get(order[start])[feature];
                while (end < count && features.get(order[end])[feature] == value) {
                    tied += labels.get(order[end]) ? 1 : 0;
                    end++;
                }
                long tiedNegatives = end - start - tied;
                above += tied * (negatives + 0.5 * tiedNegatives);
                positives += tied;
                negatives += tiedNegatives;
                start = end;
            }
            double auc = above / positives / negatives;
            return Math.max(auc, 1 - auc);
        }

        private double[] box(Volume scan, Point center) {
            double[] box = new double[width * height * depth];
            int i = 0;
            for (int z = 0; z < depth; z++) {
                for (int y = 0; y < height; y++) {
                    for (int x = 0; x < width; x++) {
                        Point index = scan.geometry()
                                .toIndex(new Point(
                                        center.x() + x - (width - 1) / 2.0,
                                        center.y() + y - (height - 1) / 2.0,
                                        center.z() + z - (depth - 1) / 2.0));
                        double hu = sample(scan, index);
                        box[i++] = Math.max(LEAST_HU, Math.min(GREATEST_HU, hu));
                    }
                }
            }
            return box;
        }

        private static double sample(Volume scan, Point index) {
            GridSize size = scan.geometry().size();
            double x = inside(index.x(), size.x());
            double y = inside(index.y(), size.y());
            double z = inside(index.z(), size.z());
            if (Double.isNaN(x + y + z)) {
                return Volume.AIR;
            }
            int x0 = (int) x;
            int y0 = (int) y;
            int z0 = (int) z;
            int x1 = Math.min(x0 + 1, size.x() - 1);
            int y1 = Math.min(y0 + 1, size.y() - 1);
            int z1 = Math.min(z0 + 1, size.z() - 1);
            double low = mix(
                    mix(scan.get(x0, y0, z0), scan.get(x1, y0, z0), x - x0),
                    mix(scan.get(x0, y1, z0), scan.get(x1, y1, z0), x - x0),
                    y - y0);
            double high = mix(
                    mix(scan.get(x0, y0, z1), scan.get(x1, y0, z1), x - x0),
                    mix(scan.get(x0, y1, z1), scan.get(x1, y1, z1), x - x0),
                    y - y0);
            return mix(low, high, z - z0);
        }

        /** A place on the lattice; NaN half a voxel or more beyond it. */
        private static double inside(double index, int count) {
            return index < -0.5 || index > count - 0.5 ? Double.NaN : Math.max(0, Math.min(count - 1, index));
        }

        private static double mix(double a, double b, double share) {
            return a + share * (b - a);
        }

        private double blob(double[] box) {
            double best = Double.NEGATIVE_INFINITY;
            for (double diameter : DIAMETERS) {
                best = Math.max(best, blob(box, diameter / (2 * Math.sqrt(3))));
            }
            return best;
        }

        /** The strongest response of one scale: three second derivatives, each a product of three short filters. */
        private double blob(double[] box, double sigma) {
            double[] smooth = gaussian(sigma);
            double[] curve = secondDerivative(sigma);
            int side = 2 * REACH + 1;
            // Axes are filtered one after the other, and each shrinks to the places near the candidate; z is first, as
            // its values lie far apart and many lines can be filtered side by side.
            double[] z0 = along(box, depth, width * height, 1, smooth);
            double[] z2 = along(box, depth, width * height, 1, curve);
            double[] z0y0 = along(z0, height, width, side, smooth);
            double[] z0y2 = along(z0, height, width, side, curve);
            double[] z2y0 = along(z2, height, width, side, smooth);
            double[] a = along(z0y0, width, 1, side * side, curve);
            double[] b = along(z0y2, width, 1, side * side, smooth);
            double[] c = along(z2y0, width, 1, side * side, smooth);
            double best = Double.NEGATIVE_INFINITY;
            for (int i = 0; i < a.length; i++) {
                best = Math.max(best, -sigma * sigma * (a[i] + b[i] + c[i]));
            }
            return best;
        }

        /** Filters along an axis of this stride, at the places near the middle; beyond the ends the last value goes on. */
        private static double[] along(double[] values, int count, int stride, int lines, double[] filter) {
            int side = 2 * REACH + 1;
            int reach = filter.length / 2;
            double[] filtered = new double[lines * side * stride];
            for (int line = 0; line < lines; line++) {
                for (int p = 0; p < side; p++) {
                    int target = (line * side + p) * stride;
                    int middle = count / 2 - REACH + p;
                    for (int k = -reach; k <= reach; k++) {
                        int from = (line * count + Math.max(0, Math.min(count - 1, middle + k))) * stride;
                        double weight = filter[k + reach];
                        for (int s = 0; s < stride; s++) {
                            filtered[target + s] += weight * values[from + s];
                        }
                    }
                }
            }
            return filtered;
        }

        private static double[] gaussian(double sigma) {
            int reach = (int) Math.ceil(3.5 * sigma);
            double[] filter = new double[2 * reach + 1];
            double sum = 0;
            for (int k = -reach; k <= reach; k++) {
                filter[k + reach] = StrictMath.exp(-0.5 * k * k / (sigma * sigma));
                sum += filter[k + reach];
            }
            for (int k = 0; k < filter.length; k++) {
                filter[k] /= sum;
            }
            return filter;
        }

        private static double[] secondDerivative(double sigma) {
            double[] filter = gaussian(sigma);
            int reach = filter.length / 2;
            double square = sigma * sigma;
            double sum = 0;
            for (int k = -reach; k <= reach; k++) {
                filter[k + reach] *= (k * k / square - 1) / square;
                sum += filter[k + reach];
            }
            // No response to what is even.
            for (int k = 0; k < filter.length; k++) {
                filter[k] -= sum / filter.length;
            }
            return filter;
        }
    }
}
