package io.fedlearn.luna16.phantom;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fedlearn.luna16.image.MetaImage;
import io.fedlearn.luna16.image.Point;
import io.fedlearn.luna16.image.Volume;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class PhantomDatasetTest {
    private static final int SCANS = 4;

    /** A whole data set, which no test changes. */
    @TempDir
    private static Path shared;

    private static List<GeneratedHospital> hospitals = List.of();

    @TempDir
    private Path folder;

    @BeforeAll
    static void writeOnce() throws InterruptedException {
        hospitals = dataset(shared, 7).threads(1).build().write(PhantomProgress.none());
    }

    private static PhantomDataset.Builder dataset(Path folder, long seed) {
        return PhantomDataset.builder(folder).scans(SCANS).hospitals(4).seed(seed);
    }

    /** All files by name, with a hash of their bytes. */
    private static Map<String, Integer> files(Path folder) {
        Map<String, Integer> files = new TreeMap<>();
        try (Stream<Path> paths = Files.walk(folder)) {
            for (Path path : paths.filter(Files::isRegularFile).toList()) {
                files.put(folder.relativize(path).toString(), Arrays.hashCode(Files.readAllBytes(path)));
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return files;
    }

    private static List<Path> headers(Path folder) throws IOException {
        try (Stream<Path> paths = Files.walk(folder)) {
            return paths.filter(path -> path.toString().endsWith(".mhd"))
                    .sorted()
                    .toList();
        }
    }

    private static List<String[]> rows(String list) throws IOException {
        return Files.readAllLines(shared.resolve(list)).stream()
                .skip(1)
                .map(line -> line.split(","))
                .toList();
    }

    private static Point point(String[] row) {
        return new Point(Double.parseDouble(row[1]), Double.parseDouble(row[2]), Double.parseDouble(row[3]));
    }

    @Test
    void completesWithSameBytesWhateverIsMissingAndHoweverManyThreads() throws Exception {
        for (Path file : List.of(Path.of(PhantomDataset.MARKER), Path.of("sites.csv"))) {
            Files.copy(shared.resolve(file), folder.resolve(file));
        }
        Path whole = headers(shared).get(0);
        Path cut = headers(shared).get(1);
        for (Path header : List.of(whole, cut)) {
            String voxels = header.toString().replace(".mhd", ".raw");
            Files.createDirectories(folder.resolve(shared.relativize(header)).getParent());
            Files.copy(header, folder.resolve(shared.relativize(header)));
            Files.copy(Path.of(voxels), folder.resolve(shared.relativize(Path.of(voxels))));
        }
        Path short_ = folder.resolve(shared.relativize(Path.of(cut.toString().replace(".mhd", ".raw"))));
        Files.write(short_, Arrays.copyOf(Files.readAllBytes(short_), 1000));
        Files.write(short_.resolveSibling("killed.raw.1.part"), new byte[10]);
        Path kept = folder.resolve(shared.relativize(whole));
        FileTime longAgo = FileTime.fromMillis(1_000_000_000_000L);
        Files.setLastModifiedTime(kept, longAgo);
        List<Integer> done = new ArrayList<>();

        List<GeneratedHospital> again =
                dataset(folder, 7).threads(3).build().write((count, total) -> done.add(count * 10 + total));

        assertThat(files(folder)).isEqualTo(files(shared));
        assertThat(again).isEqualTo(hospitals);
        assertThat(Files.getLastModifiedTime(kept)).isEqualTo(longAgo);
        assertThat(done).containsExactly(14, 24, 34, 44);
    }

    @Test
    void writesTheChallengesLayout() throws IOException {
        assertThat(headers(shared)).hasSize(SCANS);
        for (int i = 0; i < 10; i++) {
            assertThat(shared.resolve("subset" + i)).isDirectory();
        }
        List<String> series = Files.readAllLines(shared.resolve("seriesuids.csv"));
        assertThat(series)
                .containsExactlyInAnyOrderElementsOf(headers(shared).stream()
                        .map(path -> path.getFileName().toString().replace(".mhd", ""))
                        .toList())
                .allMatch(uid -> uid.matches("2\\.25\\.[1-9][0-9]{0,38}"));
        assertThat(shared.resolve("annotations.csv"))
                .content()
                .startsWith("seriesuid,coordX,coordY,coordZ,diameter_mm\n");
        assertThat(shared.resolve("candidates_V2.csv")).content().startsWith("seriesuid,coordX,coordY,coordZ,class\n");
        assertThat(shared.resolve("sites.csv")).content().startsWith("seriesuid,site\n");
        assertThat(rows("sites.csv")).extracting(row -> row[0]).containsExactlyElementsOf(series);
        assertThat(rows("sites.csv"))
                .extracting(row -> row[1])
                .containsExactlyInAnyOrder("north", "east", "south", "west");
    }

    @Test
    void saysThatItIsGenerated() {
        assertThat(shared.resolve("README.txt")).content().startsWith("GENERATED SCANS");
        assertThat(shared.resolve(PhantomDataset.MARKER))
                .content()
                .contains("GENERATED", "\"seed\":\"7\"", "\"scans\":4", "\"background\":\"none\"");
    }

    @Test
    void countsAgreeWithTheLists() throws IOException {
        assertThat(hospitals).extracting(GeneratedHospital::scans).containsExactly(1, 1, 1, 1);
        assertThat(hospitals.stream().mapToInt(GeneratedHospital::nodules).sum())
                .isEqualTo(rows("annotations.csv").size())
                .isBetween(4 * SCANS, 7 * SCANS);
        assertThat(hospitals.stream().mapToInt(GeneratedHospital::positives).sum())
                .isEqualTo((int) rows("candidates_V2.csv").stream()
                        .filter(row -> row[4].equals("1"))
                        .count())
                .isGreaterThanOrEqualTo(rows("annotations.csv").size());
        assertThat(hospitals.stream().mapToInt(GeneratedHospital::negatives).sum())
                .isEqualTo((int) rows("candidates_V2.csv").stream()
                        .filter(row -> row[4].equals("0"))
                        .count())
                .isGreaterThanOrEqualTo(15 * SCANS);
    }

    @Test
    void putsCandidatesWhereTheirClassSays() throws IOException {
        for (String[] candidate : rows("candidates_V2.csv")) {
            Volume scan = MetaImage.read(header(candidate[0]));
            assertThat(scan.geometry().contains(point(candidate))).isTrue();
            boolean isInNodule = false;
            for (String[] nodule : rows("annotations.csv")) {
                isInNodule |= nodule[0].equals(candidate[0])
                        && point(nodule).distance(point(candidate)) < Double.parseDouble(nodule[4]) / 2;
            }
            assertThat(isInNodule).isEqualTo(candidate[4].equals("1"));
        }
    }

    private static Path header(String series) throws IOException {
        return headers(shared).stream()
                .filter(path -> path.getFileName().toString().equals(series + ".mhd"))
                .findFirst()
                .orElseThrow();
    }

    @Test
    void annotatesDiametersOfFourToTwentyMillimetres() throws IOException {
        assertThat(rows("annotations.csv"))
                .extracting(row -> Double.parseDouble(row[4]))
                .allMatch(diameter -> diameter >= 4 && diameter <= 20);
    }

    @Test
    void scansHaveAirLungAndBone() throws IOException {
        for (Path header : headers(shared)) {
            short[] values = MetaImage.read(header).values().clone();
            Arrays.sort(values);
            assertThat(values[0]).isGreaterThanOrEqualTo((short) -1024);
            assertThat(values[values.length - 1]).isBetween((short) 400, (short) 1500);
            assertThat(share(values, -1024, -950)).isGreaterThan(0.02);
            assertThat(share(values, -950, -750)).isGreaterThan(0.2);
            assertThat(share(values, -20, 120)).isGreaterThan(0.2);
            assertThat(share(values, 150, 1500)).isGreaterThan(0.01);
        }
    }

    private static double share(short[] values, int from, int to) {
        long count = 0;
        for (short value : values) {
            count += value >= from && value < to ? 1 : 0;
        }
        return (double) count / values.length;
    }

    @Test
    void hospitalsHaveScannersOfTheirOwn() throws IOException {
        HashSet<Double> slices = new HashSet<>();
        for (Path header : headers(shared)) {
            Point spacing = MetaImage.read(header).geometry().spacing();
            assertThat(spacing.x()).isBetween(0.6, 0.9).isEqualTo(spacing.y());
            slices.add(spacing.z());
        }
        assertThat(slices).containsExactlyInAnyOrder(1.0, 1.25, 1.5, 2.5);
    }

    @Test
    void spreadsEachHospitalOverTheSubsets() throws IOException {
        // The lists do not need the scans: what each scan is called follows from the settings.
        Map<String, Integer> perSubset = new TreeMap<>();
        for (PhantomDataset.Entry entry :
                PhantomDataset.builder(folder).scans(80).build().entries()) {
            perSubset.merge(entry.hospital() + " in " + entry.subset(), 1, Integer::sum);
        }
        assertThat(perSubset)
                .hasSize(40)
                .allSatisfy((place, count) -> assertThat(count).isBetween(1, 3));
    }

    @Test
    void anotherSeedIsAnotherScan() {
        assertThat(PhantomDataset.builder(folder).seed(1).build().entries())
                .doesNotContainAnyElementsOf(
                        PhantomDataset.builder(folder).seed(2).build().entries());
    }

    @Test
    void refusesFolderThatHoldsSomethingElse() throws IOException {
        Files.writeString(folder.resolve("thesis.doc"), "years of work");

        assertThatThrownBy(() -> dataset(folder, 1).build().write(PhantomProgress.none()))
                .isInstanceOfSatisfying(PhantomException.class, e -> {
                    assertThat(e.folder()).isEqualTo(folder);
                    assertThat(e.problem()).isEqualTo(PhantomException.Problem.OTHER_CONTENT);
                })
                .hasMessageContainingAll(folder.toString(), "thesis.doc", "no phantom.json");
        assertThat(folder).isDirectoryContaining("glob:**thesis.doc");
    }

    @Test
    void refusesGeneratedSetOfOtherSettings() {
        assertThatThrownBy(() -> dataset(shared, 8).build().write(PhantomProgress.none()))
                .isInstanceOf(PhantomException.class)
                .hasMessageContaining("other settings: seed 7 (wanted: 8)");
    }

    @Test
    void refusesFolderThatIsAFile() throws IOException {
        Path file = Files.writeString(folder.resolve("file"), "text");

        assertThatThrownBy(() -> dataset(file, 1).build().write(PhantomProgress.none()))
                .isInstanceOf(PhantomException.class)
                .hasMessageContaining(file.toString());
    }

    @Test
    void leavesNothingHalfWrittenWhenInterrupted() throws IOException {
        PhantomDataset dataset = dataset(folder, 7).threads(1).build();

        assertThatThrownBy(() ->
                        dataset.write((done, total) -> Thread.currentThread().interrupt()))
                .isInstanceOf(InterruptedException.class);

        assertThat(files(folder).keySet()).noneMatch(name -> name.endsWith(".part"));
        assertThat(headers(folder)).hasSizeBetween(1, SCANS);
        assertThat(folder.resolve("annotations.csv")).doesNotExist();
    }

    @ParameterizedTest
    @ValueSource(ints = {-1, 0, 3, PhantomDataset.MAX_SCANS + 1})
    void refusesScansOutOfRange(int scans) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> PhantomDataset.builder(folder).scans(scans).build())
                .withMessage("scans must be from 4 to 10000, was " + scans);
    }

    @ParameterizedTest
    @ValueSource(ints = {-1, 0, PhantomDataset.MAX_HOSPITALS + 1})
    void refusesHospitalsOutOfRange(int count) {
        assertThatIllegalArgumentException()
                .isThrownBy(
                        () -> PhantomDataset.builder(folder).hospitals(count).build())
                .withMessage("hospitals must be from 1 to 20, was " + count);
    }

    @Test
    void refusesNoThreads() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> PhantomDataset.builder(folder).threads(0).build())
                .withMessageContaining("threads")
                .withMessageContaining("was 0");
    }
}
