package io.fedlearn.luna16.dataset;

import io.fedlearn.luna16.image.GridSize;
import io.fedlearn.luna16.image.ImageGeometry;
import io.fedlearn.luna16.image.MetaImage;
import io.fedlearn.luna16.image.MetaImage.Compression;
import io.fedlearn.luna16.image.Point;
import io.fedlearn.luna16.image.Volume;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** A small data set on disk: scans of 8x8x8 voxels of 1 mm, from (0, 0, 0) on. */
final class LunaFolder {
    static final int SCAN_BYTES = 2 * 8 * 8 * 8;

    private final Path folder;
    private final List<String> annotations = new ArrayList<>(List.of("seriesuid,coordX,coordY,coordZ,diameter_mm"));
    private final List<String> candidates = new ArrayList<>(List.of("seriesuid,coordX,coordY,coordZ,class"));
    private final List<String> series = new ArrayList<>();

    LunaFolder(Path folder) {
        this.folder = folder;
    }

    /** Four scans in two subsets; those with an odd number have a nodule, each has two candidates. */
    static LunaFolder small(Path folder) throws IOException {
        LunaFolder luna = new LunaFolder(folder);
        for (int i = 0; i < 4; i++) {
            luna.scan("subset" + i / 2, "1.2." + i).listed("1.2." + i, i % 2 == 1);
        }
        return luna.lists();
    }

    /** Writes a scan. */
    LunaFolder scan(String subset, String seriesUid) throws IOException {
        Files.createDirectories(folder.resolve(subset));
        MetaImage.write(
                folder.resolve(subset).resolve(seriesUid + ".mhd"),
                Volume.wrap(
                        ImageGeometry.of(new GridSize(8, 8, 8), new Point(1, 1, 1), new Point(0, 0, 0)),
                        new short[8 * 8 * 8]),
                Compression.NONE);
        return this;
    }

    /** Puts a series in all lists, with two candidates. */
    LunaFolder listed(String seriesUid, boolean hasNodule) {
        series.add(seriesUid);
        if (hasNodule) {
            annotations.add(seriesUid + ",3,3,3,4");
        }
        candidates.add(seriesUid + ",3.5,3,3," + (hasNodule ? 1 : 0));
        candidates.add(seriesUid + ",6,6,6,0");
        return this;
    }

    LunaFolder annotation(String row) {
        annotations.add(row);
        return this;
    }

    LunaFolder candidate(String row) {
        candidates.add(row);
        return this;
    }

    /** Writes the lists. */
    LunaFolder lists() throws IOException {
        Files.write(folder.resolve("annotations.csv"), annotations);
        Files.write(folder.resolve("candidates_V2.csv"), candidates);
        Files.write(folder.resolve("seriesuids.csv"), series);
        return this;
    }
}
