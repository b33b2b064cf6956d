package io.fedlearn.luna16.phantom;

import io.fedlearn.luna16.image.Point;

/** Something solid that is painted into a scan, piece by piece. Lengths are millimetres. */
sealed interface Shape permits Blob, Tube {
    /** How many pieces there are, each with a box of its own to be painted in. */
    int pieces();

    /** The least corner of a piece's box. */
    Point least(int piece);

    /** The greatest corner of a piece's box. */
    Point greatest(int piece);

    /** Whether a place is nearer to this piece than to the ones before and after it: it is painted with that piece only. */
    boolean owns(int piece, double x, double y, double z);

    /** About how far a place near this piece is from the surface of the whole; negative inside. */
    double distance(int piece, double x, double y, double z);

    /** The HU at this depth below the surface. */
    double hu(double depth);
}
