package io.fedlearn.luna16.phantom;

import io.fedlearn.luna16.image.GridSize;
import io.fedlearn.luna16.image.Point;
import java.util.List;

/**
 * A chest to put findings into, in millimetres from the centre of its first voxel: x to the patient's left, y to the
 * back, z to the head.
 */
interface Chest {
    /** How many voxels it has. */
    GridSize size();

    /** Between voxels, in millimetres. */
    Point spacing();

    /** How far it is to the pleura: negative in the lungs, positive outside. */
    CoarseField lungs();

    /** Whether findings may lie here, as far as the anatomy goes. */
    boolean isOpen(Point place);

    /** Places on its own vessels that may be mistaken for nodules, in an order that depends on the draw. */
    List<Point> vesselPoints(Draw draw);

    /** The HU of lung tissue. */
    double parenchyma();

    /** The least diameter of a nodule that its slices show. */
    double leastNodule();

    /** The share of a scanner's noise that is to be added: less where there is some already. */
    double addedNoise();

    /** Paints it. */
    Canvas paint();

    /** From its first to its last voxel. */
    default Point extent() {
        return new Point(
                (size().x() - 1) * spacing().x(),
                (size().y() - 1) * spacing().y(),
                (size().z() - 1) * spacing().z());
    }
}
