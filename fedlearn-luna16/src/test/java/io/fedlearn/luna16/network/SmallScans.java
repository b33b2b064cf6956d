package io.fedlearn.luna16.network;

import io.fedlearn.core.random.SeededRandom;
import io.fedlearn.luna16.image.GridSize;
import io.fedlearn.luna16.image.ImageGeometry;
import io.fedlearn.luna16.image.MetaImage;
import io.fedlearn.luna16.image.Point;
import io.fedlearn.luna16.image.Volume;
import io.fedlearn.luna16.patch.PatchSettings;
import io.fedlearn.luna16.patch.PatchShape;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Small data sets in LUNA16's layout: balls in noise are nodules, and where there is nothing but noise is none. */
final class SmallScans {
    static final LunaNet NETWORK = LunaNet.of(new PatchShape(8, 8, 8), List.of(2, 3));
    static final PatchSettings PATCHES = PatchSettings.defaults()
            .withShape(NETWORK.patch())
            .withSpacing(1, 1, 1)
            .withMargin(1);

    private static final int SIDE = 24;
    private static final Point BALL = new Point(7, 8, 9);
    private static final Point NOISE = new Point(16, 15, 16);

    private SmallScans() {}

    /** The name of a scan. */
    static String seriesUid(int seed, int number) {
        return "1.2." + seed + "." + number;
    }

    /** Writes so many scans, with one ball each or none, and two candidates more. */
    static Path write(Path folder, int seed, int scans, boolean nodules) throws IOException {
        List<String> annotations = new ArrayList<>(List.of("seriesuid,coordX,coordY,coordZ,diameter_mm"));
        List<String> candidates = new ArrayList<>(List.of("seriesuid,coordX,coordY,coordZ,class"));
        Files.createDirectories(folder.resolve("subset0"));
        for (int i = 0; i < scans; i++) {
            String name = seriesUid(seed, i);
            MetaImage.write(
                    folder.resolve("subset0").resolve(name + ".mhd"),
                    scan(SeededRandom.of(SeededRandom.derive(seed, i)), nodules),
                    MetaImage.Compression.NONE);
            if (nodules) {
                annotations.add(row(name, BALL, "6"));
                candidates.add(row(name, BALL, "1"));
            }
            // A list of nodules is never empty: it is of more hospitals than this.
            annotations.add(row("elsewhere-" + i, BALL, "6"));
            candidates.add(row(name, NOISE, "0"));
            candidates.add(row(name, new Point(15, 6, 12), "0"));
        }
        Files.write(folder.resolve("annotations.csv"), annotations);
        Files.write(folder.resolve("candidates_V2.csv"), candidates);
        return folder;
    }

    private static String row(String name, Point at, String last) {
        return name + "," + at.x() + "," + at.y() + "," + at.z() + "," + last;
    }

    private static Volume scan(SeededRandom random, boolean nodule) {
        ImageGeometry geometry =
                ImageGeometry.of(new GridSize(SIDE, SIDE, SIDE), new Point(1, 1, 1), new Point(0, 0, 0));
        short[] values = new short[SIDE * SIDE * SIDE];
        for (int i = 0; i < values.length; i++) {
            Point at = new Point(i % SIDE, i / SIDE % SIDE, i / (SIDE * SIDE));
            boolean inside = nodule && at.distance(BALL) < 3;
            values[i] = (short) ((inside ? 0 : -850) + random.nextInt(100));
        }
        return Volume.wrap(geometry, values);
    }
}
