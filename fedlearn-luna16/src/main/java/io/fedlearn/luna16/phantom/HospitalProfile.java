package io.fedlearn.luna16.phantom;

import java.util.List;

/**
 * What tells one hospital's scans from another's: the scanner, and who comes there.
 *
 * @param name as in {@code sites.csv}
 * @param inPlane the usual spacing within a slice, in millimetres
 * @param slice the spacing of slices, in millimetres
 * @param noise its standard deviation, in HU
 * @param smoothing of the reconstruction kernel: the share of a voxel that each neighbour gets; negative sharpens
 * @param offset by which the scanner is off, in HU
 * @param flipped the share of scans whose rows and columns are stored backwards, as their direction matrix says
 * @param solid how common solid nodules are
 * @param groundGlass how common hazy nodules are
 * @param partSolid how common hazy nodules with a solid core are
 * @param atWall the share of nodules that touch the pleura
 * @param size an exponent: the larger, the smaller the nodules
 * @param share how many scans it has, relative to the others
 */
record HospitalProfile(
        String name,
        double inPlane,
        double slice,
        double noise,
        double smoothing,
        double offset,
        double flipped,
        double solid,
        double groundGlass,
        double partSolid,
        double atWall,
        double size,
        double share) {

    private static final List<HospitalProfile> PROFILES = List.of(
            new HospitalProfile("north", 0.70, 1.25, 26, -0.06, 3, 0, 0.62, 0.18, 0.20, 0.18, 1.0, 1.2),
            new HospitalProfile("east", 0.76, 2.5, 13, 0.20, -4, 0, 0.50, 0.25, 0.25, 0.25, 0.8, 1.05),
            new HospitalProfile("south", 0.66, 1.5, 19, 0.10, 0, 0.5, 0.40, 0.35, 0.25, 0.18, 1.05, 0.95),
            new HospitalProfile("west", 0.84, 1.0, 22, 0.05, 6, 0.2, 0.52, 0.18, 0.30, 0.28, 0.9, 0.8));

    /** The profile of a hospital of this number: beyond the fourth, other names on scanners much like the first four. */
    static HospitalProfile of(int number) {
        HospitalProfile like = PROFILES.get(number % PROFILES.size());
        int generation = number / PROFILES.size();
        if (generation == 0) {
            return like;
        }
        return new HospitalProfile(
                like.name + (generation + 1),
                like.inPlane * (1 - 0.03 * (generation % 3)),
                like.slice,
                like.noise * (1 + 0.1 * (generation % 4)),
                like.smoothing + 0.02 * (generation % 3),
                like.offset - 2 * generation % 7,
                like.flipped,
                like.solid,
                like.groundGlass,
                like.partSolid,
                like.atWall,
                like.size,
                like.share);
    }

    /** The scanner in words. */
    String scanner() {
        String kernel = smoothing < 0 ? "sharp" : smoothing < 0.08 ? "medium" : smoothing < 0.15 ? "soft" : "smooth";
        return kernel + " kernel";
    }
}
