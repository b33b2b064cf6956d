package io.fedlearn.luna16.detect;

/** Symmetric 3 x 3 matrices. */
final class SymmetricMatrix {
    private SymmetricMatrix() {}

    /** The eigenvalues from the least to the greatest, by the trigonometric formula. */
    static double[] eigenvalues(double xx, double yy, double zz, double xy, double xz, double yz) {
        double mean = (xx + yy + zz) / 3;
        double off = xy * xy + xz * xz + yz * yz;
        double a = xx - mean;
        double b = yy - mean;
        double c = zz - mean;
        double spread = Math.sqrt((a * a + b * b + c * c + 2 * off) / 6);
        if (spread == 0) {
            return new double[] {mean, mean, mean};
        }
        double determinant = a * (b * c - yz * yz) - xy * (xy * c - yz * xz) + xz * (xy * yz - b * xz);
        double half = Math.min(Math.max(determinant / (2 * spread * spread * spread), -1), 1);
        double angle = StrictMath.acos(half) / 3;
        double greatest = mean + 2 * spread * StrictMath.cos(angle);
        double least = mean + 2 * spread * StrictMath.cos(angle + 2 * Math.PI / 3);
        return new double[] {least, 3 * mean - greatest - least, greatest};
    }
}
