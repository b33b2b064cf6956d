package io.fedlearn.luna16.patch;

import io.fedlearn.core.random.SeededRandom;
import io.fedlearn.luna16.dataset.Candidate;
import io.fedlearn.luna16.dataset.Scan;
import io.fedlearn.luna16.image.GridSize;
import io.fedlearn.luna16.image.ImageGeometry;
import io.fedlearn.luna16.image.MetaImage;
import io.fedlearn.luna16.image.Point;
import io.fedlearn.luna16.image.Volume;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileVisitOption;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;

/** Small scans on disk with candidates in them, the same for the same number. */
final class Scans {
    static final PatchSettings SETTINGS = PatchSettings.defaults()
            .withShape(new PatchShape(6, 8, 8))
            .withSpacing(1.25, 0.9, 0.9)
            .withMargin(2);

    private static final GridSize SIZE = new GridSize(32, 30, 20);

    private Scans() {}

    /** Scans of noise, number i with i nodules and so many other candidates. */
    static List<Scan> write(Path folder, int count, int negatives) {
        List<Scan> scans = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            scans.add(write(folder, i, i, negatives));
        }
        return scans;
    }

    static Scan write(Path folder, int number, int nodules, int negatives) {
        Path header = folder.resolve("1.2.3." + number + ".mhd");
        SeededRandom random = SeededRandom.of(number);
        ImageGeometry geometry = ImageGeometry.of(SIZE, new Point(0.8, 0.8, 1.5), new Point(-10, number, 55));
        short[] values = new short[(int) SIZE.voxelCount()];
        for (int i = 0; i < values.length; i++) {
            values[i] = (short) (random.nextInt(1400) - 1000);
        }
        try {
            Files.createDirectories(folder);
            MetaImage.write(
                    header,
                    Volume.wrap(geometry, values),
                    number % 2 == 0 ? MetaImage.Compression.NONE : MetaImage.Compression.ZLIB);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        List<Candidate> candidates = new ArrayList<>();
        for (int i = 0; i < nodules + negatives; i++) {
            Point index = new Point(
                    random.nextDouble() * (SIZE.x() - 1),
                    random.nextDouble() * (SIZE.y() - 1),
                    random.nextDouble() * (SIZE.z() - 1));
            candidates.add(
                    new Candidate(geometry.toWorld(index.x(), index.y(), index.z()), i % 5 == 0 && i / 5 < nodules));
        }
        return new Scan("1.2.3." + number, 0, header, List.of(), candidates);
    }

    static byte[] read(Path path) {
        try {
            return Files.readAllBytes(path);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The finished files of patches in a folder and the bytes of each, in hexadecimal. */
    static Map<String, String> files(Path folder) {
        Map<String, String> files = new TreeMap<>();
        for (Path path : all(folder)) {
            if (path.toString().endsWith(CacheFile.SUFFIX)) {
                files.put(path.getFileName().toString(), HexFormat.of().formatHex(read(path)));
            }
        }
        return files;
    }

    /** Everything in a folder. */
    static List<Path> all(Path folder) {
        try (Stream<Path> paths = Files.walk(folder, new FileVisitOption[0])) {
            return paths.filter(Files::isRegularFile).sorted().toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
