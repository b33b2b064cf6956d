package io.fedlearn.examples;

import io.fedlearn.core.random.SeededRandom;
import io.fedlearn.luna16.image.GridSize;
import io.fedlearn.luna16.image.ImageGeometry;
import io.fedlearn.luna16.image.MetaImage;
import io.fedlearn.luna16.image.Point;
import io.fedlearn.luna16.image.Volume;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** A tiny data set in LUNA16's layout: a ball in noise is a nodule, and noise alone is none. */
final class ScanFolder {
    static final String ANNOTATIONS = "annotations.csv";
    static final String CANDIDATES = "candidates_V2.csv";

    /** What makes a command use it in little time. */
    static final List<String> OPTIONS = List.of("--patch", "16x16x16", "--spacing", "1x1x1", "--progress", "plain");

    private static final int SIDE = 20;
    private static final int SUBSETS = 2;

    private final Path folder;

    private ScanFolder(Path folder) {
        this.folder = folder;
    }

    /** Writes so many scans, in turn to two subsets, each with a nodule and two other candidates. */
    static ScanFolder write(Path folder, int scans) throws IOException {
        ScanFolder written = new ScanFolder(folder);
        List<String> annotations = new ArrayList<>(List.of("seriesuid,coordX,coordY,coordZ,diameter_mm"));
        List<String> candidates = new ArrayList<>(List.of("seriesuid,coordX,coordY,coordZ,class"));
        for (int i = 0; i < scans; i++) {
            Files.createDirectories(written.header(i).getParent());
            MetaImage.write(written.header(i), scan(SeededRandom.of(i)), MetaImage.Compression.NONE);
            annotations.add(name(i) + ",7,8,9,6");
            candidates.add(name(i) + ",7,8,9,1");
            candidates.add(name(i) + ",14,13,13,0");
            candidates.add(name(i) + ",13,5,11,0");
        }
        Files.write(written.file(ANNOTATIONS), annotations);
        Files.write(written.file(CANDIDATES), candidates);
        return written;
    }

    private static Volume scan(SeededRandom random) {
        ImageGeometry geometry =
                ImageGeometry.of(new GridSize(SIDE, SIDE, SIDE), new Point(1, 1, 1), new Point(0, 0, 0));
        short[] values = new short[SIDE * SIDE * SIDE];
        for (int i = 0; i < values.length; i++) {
            Point at = new Point(i % SIDE, i / SIDE % SIDE, i / (SIDE * SIDE));
            values[i] = (short) ((at.distance(new Point(7, 8, 9)) < 3 ? 0 : -850) + random.nextInt(100));
        }
        return Volume.wrap(geometry, values);
    }

    /** The folder. */
    Path folder() {
        return folder;
    }

    /** The name of a scan, counted from 0. */
    static String name(int scan) {
        return "1.2.3." + scan;
    }

    /** A scan's header. */
    Path header(int scan) {
        return folder.resolve("subset" + scan % SUBSETS).resolve(name(scan) + ".mhd");
    }

    /** A scan's voxels. */
    Path voxels(int scan) {
        return folder.resolve("subset" + scan % SUBSETS).resolve(name(scan) + ".raw");
    }

    /** A file at the top. */
    Path file(String name) {
        return folder.resolve(name);
    }
}
