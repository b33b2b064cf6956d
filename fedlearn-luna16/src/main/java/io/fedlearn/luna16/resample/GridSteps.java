package io.fedlearn.luna16.resample;

import io.fedlearn.luna16.image.ImageGeometry;
import io.fedlearn.luna16.image.Point;
import java.util.List;

/**
 * How the axes of a box of values lie in a scan: how many of the scan's voxels a step along each leads. For what cuts values
 * out of scans. The scan's axes are numbered 0 for x, 1 for y, 2 for z; the box's as the caller has them. Immutable.
 */
public final class GridSteps {
    /** By how many voxels a box may be askew to the scan's axes and still count as along them. */
    private static final double ALIGNED_WITHIN = 1e-6;

    private static final int AXES = 3;

    private final double[][] steps;

    private GridSteps(double[][] steps) {
        this.steps = steps;
    }

    /**
     * The steps of a box with three axes.
     *
     * @param directions of the box's axes in the patient
     * @param spacing between the box's values along each axis, in lengths of its direction
     */
    public static GridSteps of(ImageGeometry scan, List<Point> directions, double... spacing) {
        Point origin = scan.origin();
        Point zero = scan.toIndex(origin);
        double[][] steps = new double[AXES][AXES];
        for (int j = 0; j < AXES; j++) {
            Point direction = directions.get(j);
            Point index = scan.toIndex(
                    new Point(origin.x() + direction.x(), origin.y() + direction.y(), origin.z() + direction.z()));
            steps[0][j] = (index.x() - zero.x()) * spacing[j];
            steps[1][j] = (index.y() - zero.y()) * spacing[j];
            steps[2][j] = (index.z() - zero.z()) * spacing[j];
        }
        return new GridSteps(steps);
    }

    /** How many voxels along an axis of the scan a step along an axis of the box leads. */
    public double along(int scanAxis, int boxAxis) {
        return steps[scanAxis][boxAxis];
    }

    /** How many voxels along an axis of the scan lie between values of the box. */
    public double between(int scanAxis) {
        double[] step = steps[scanAxis];
        return Math.sqrt(step[0] * step[0] + step[1] * step[1] + step[2] * step[2]);
    }

    /** The axis of the scan along which an axis of the box leads most. */
    private int main(int boxAxis) {
        int main = 0;
        for (int axis = 1; axis < AXES; axis++) {
            if (Math.abs(steps[axis][boxAxis]) > Math.abs(steps[main][boxAxis])) {
                main = axis;
            }
        }
        return main;
    }

    /**
     * The axis of the scan along each of the box's; empty if they are askew.
     *
     * @param lengths how many values the box has along each axis
     */
    public int[] alignedAxes(int... lengths) {
        int[] axes = new int[AXES];
        boolean[] taken = new boolean[AXES];
        for (int j = 0; j < AXES; j++) {
            int main = main(j);
            for (int axis = 0; axis < AXES; axis++) {
                if (axis != main && Math.abs(steps[axis][j]) * lengths[j] > ALIGNED_WITHIN) {
                    return new int[0];
                }
            }
            if (taken[main]) {
                return new int[0];
            }
            taken[main] = true;
            axes[j] = main;
        }
        return axes;
    }

    /** These steps with each axis's main one a whole number of voxels. */
    public GridSteps snapped() {
        double[][] whole = new double[AXES][];
        for (int axis = 0; axis < AXES; axis++) {
            whole[axis] = steps[axis].clone();
        }
        for (int j = 0; j < AXES; j++) {
            whole[main(j)][j] = Math.rint(whole[main(j)][j]);
        }
        return new GridSteps(whole);
    }
}
