package io.fedlearn.luna16.phantom;

import io.fedlearn.luna16.image.Point;
import java.util.List;

/**
 * Something that may be a nodule, and what to paint for it.
 *
 * @param center in millimetres of the chest
 * @param diameter of a nodule; of something else, about how thick it is
 * @param isNodule whether it is one
 * @param shapes what it looks like; none where the chest itself has it
 */
record Finding(Point center, double diameter, boolean isNodule, List<Shape> shapes) {}
