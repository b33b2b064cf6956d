package io.fedlearn.examples;

import static org.assertj.core.api.Assertions.assertThat;

import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.ModelSpec;
import io.fedlearn.core.tensor.Shape;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.tensor.TensorRole;
import io.fedlearn.core.tensor.TensorSpec;
import io.fedlearn.core.tensor.TensorType;
import io.fedlearn.dl4j.Dl4jModel;
import io.fedlearn.dl4j.Dl4jModelFile;
import io.fedlearn.formats.numpy.Npy;
import io.fedlearn.formats.safetensors.Safetensors;
import io.fedlearn.luna16.network.LunaNet;
import io.fedlearn.luna16.patch.PatchShape;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Bad input is refused with one line that names it, and exit code 2; what of it can be used, is used, and the rest is named. */
final class Luna16InputTest {
    private static final int SCANS = 6;

    /** Of a larger data set, the first scans are damaged, each in its own way. */
    private static final int MANY = 16;

    private static final int DAMAGED_WHEN_READ = 8;
    private static final int CANDIDATE_OUTSIDE = 9;

    @TempDir
    private static Path shared;

    private static Outcome damaged;

    @TempDir
    private Path folder;

    private ScanFolder scans;

    /** A run over what is left of damaged data, and one over sound data, whose model is used. */
    @BeforeAll
    static void runTwice() throws IOException {
        ScanFolder many = ScanFolder.write(shared.resolve("many"), MANY);
        for (int i = 0; i < badScans().size(); i++) {
            ((Damage) badScans().get(i).get()[1]).to(many, i);
        }
        spoilValues(many, DAMAGED_WHEN_READ);
        rewrite(many, ScanFolder.CANDIDATES, "class\n", "class\n9.8.7,1,2,3,0\n");
        String name = ScanFolder.name(CANDIDATE_OUTSIDE);
        rewrite(many, ScanFolder.CANDIDATES, name + ",14,13,13", name + ",14,13,1300");
        damaged = luna16(many, shared.resolve("of-many"));
        luna16(ScanFolder.write(shared.resolve("scans"), SCANS), run()).done();
    }

    private static Path run() {
        return shared.resolve("run");
    }

    @BeforeEach
    void writeScans() throws IOException {
        scans = ScanFolder.write(folder.resolve("scans"), SCANS);
    }

    private Path out() {
        return folder.resolve("run");
    }

    private static Outcome luna16(ScanFolder data, Path out, Object... more) {
        Stream<Object> hospitals = List.of(more).contains("--hospitals") ? Stream.of() : Stream.of("--hospitals", 2);
        return Outcome.of(Stream.of(
                        Stream.of("luna16", "--data", data.folder(), "--out", out, "--rounds", 1),
                        hospitals,
                        ScanFolder.OPTIONS.stream(),
                        Stream.of(more))
                .flatMap(part -> part)
                .toArray());
    }

    private Outcome luna16(Object... more) {
        return luna16(scans, out(), more);
    }

    private void assertRefused(Outcome outcome, Object... words) throws IOException {
        assertThat(outcome.exitCode()).isEqualTo(2);
        assertThat(outcome.err())
                .hasLineCount(1)
                .startsWith("fedlearn: ")
                .contains(Arrays.stream(words).map(Object::toString).toList())
                .doesNotContain("Exception", "\tat ");
        assertNothingBegun();
    }

    /** No run that would have to be resumed or deleted, and nothing half-written. */
    private void assertNothingBegun() throws IOException {
        if (Files.exists(out())) {
            try (Stream<Path> files = Files.walk(out())) {
                assertThat(files.filter(Files::isRegularFile)
                                .map(file -> file.getFileName().toString()))
                        .noneMatch(name -> name.equals("run.json")
                                || name.equals("history.json")
                                || name.equals("report.html")
                                || name.endsWith(".safetensors")
                                || name.endsWith(".tmp")
                                || name.endsWith(".part"));
            }
        }
    }

    // --- the folder

    @Test
    void folderThatIsNotThere() throws IOException {
        Path none = folder.resolve("none");
        assertRefused(Outcome.of("luna16", "--data", none, "--out", out()), none);
    }

    @Test
    void folderThatIsNotLuna16() throws IOException {
        Path other = Files.createDirectory(folder.resolve("other"));
        Files.writeString(other.resolve("thesis.doc"), "years of work");
        assertRefused(
                Outcome.of("luna16", "--data", other, "--out", out()),
                other,
                "is not a LUNA16 data set",
                "annotations.csv",
                "subset0");
    }

    // --- voxels and headers

    private interface Damage {
        void to(ScanFolder scans, int scan) throws IOException;
    }

    private static Damage inHeader(String before, String after) {
        return (scans, scan) -> {
            String text = Files.readString(scans.header(scan));
            assertThat(text).contains(before);
            Files.writeString(scans.header(scan), text.replace(before, after));
        };
    }

    private static Damage bySize(int bytes) {
        return (scans, scan) -> {
            byte[] voxels = Files.readAllBytes(scans.voxels(scan));
            Files.write(scans.voxels(scan), Arrays.copyOf(voxels, voxels.length + bytes));
        };
    }

    /** In order as far as sizes go, with values that no HU has. */
    private static void spoilValues(ScanFolder scans, int scan) throws IOException {
        byte[] numbers = new byte[2 * (int) Files.size(scans.voxels(scan))];
        Arrays.fill(numbers, (byte) 0x7f);
        Files.write(scans.voxels(scan), numbers);
        inHeader("MET_SHORT", "MET_INT").to(scans, scan);
    }

    static List<Arguments> badScans() {
        Damage missing = (scans, scan) -> Files.delete(scans.voxels(scan));
        Damage escaping = (scans, scan) -> {
            Files.move(scans.voxels(scan), scans.file("elsewhere.raw"));
            inHeader(ScanFolder.name(scan) + ".raw", "../elsewhere.raw").to(scans, scan);
        };
        return List.of(
                Arguments.of("missing voxels", missing, ".raw"),
                Arguments.of("voxels too short", bySize(-1), "15999"),
                Arguments.of("voxels too long", bySize(2), "16002"),
                Arguments.of("another type", inHeader("MET_SHORT", "MET_STRING"), "MET_STRING"),
                Arguments.of("another size", inHeader("DimSize = 20 20 20", "DimSize = 20 20 2000"), "1600000"),
                Arguments.of("two dimensions", inHeader("NDims = 3", "NDims = 2"), "NDims"),
                Arguments.of("no number", inHeader("ElementSpacing = 1 1 1", "ElementSpacing = 1 one 1"), "one"),
                Arguments.of("a path that escapes", escaping, "elsewhere.raw"));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("badScans")
    void scanThatCannotBeReadIsLeftOutAndNamed(String damage, Damage unused, String word) throws IOException {
        String series = "series "
                + ScanFolder.name(
                        badScans().stream().map(one -> one.get()[0]).toList().indexOf(damage))
                + ": ";
        assertThat(damaged.done().out()).contains("left out (8)");
        assertThat(damaged.out().lines().filter(line -> line.contains(series)))
                .singleElement()
                .asString()
                .contains(word);
        assertThat(shared.resolve("of-many/report.html")).content().contains(series);
    }

    @Test
    void damageThatShowsWhenVoxelsAreReadLeavesTheScanOutToo() {
        String says = "left out: scan " + ScanFolder.name(DAMAGED_WHEN_READ) + ": ";
        assertThat(damaged.done().out()).contains("Note: " + says);
        assertThat(shared.resolve("of-many/report.html")).content().contains(says);
    }

    @Test
    void noScanThatCanBeUsed() throws IOException {
        for (int i = 0; i < SCANS; i++) {
            Files.delete(scans.voxels(i));
        }
        assertRefused(luna16(), scans.folder(), "no scan can be used", ScanFolder.name(0) + ".raw");
    }

    @Test
    void noScanThatCanBeCut() throws IOException {
        for (int i = 0; i < SCANS; i++) {
            spoilValues(scans, i);
        }
        assertRefused(luna16(), "no hospital has a patch to train on", "scan " + ScanFolder.name(0));
    }

    // --- lists

    private void rewrite(String list, String before, String after) throws IOException {
        rewrite(scans, list, before, after);
    }

    private static void rewrite(ScanFolder scans, String list, String before, String after) throws IOException {
        String text = Files.readString(scans.file(list));
        assertThat(text).contains(before);
        Files.writeString(scans.file(list), text.replace(before, after));
    }

    @Test
    void listWithoutAColumn() throws IOException {
        rewrite(ScanFolder.CANDIDATES, "coordY", "y");
        assertRefused(luna16(), scans.file(ScanFolder.CANDIDATES), "coordY");
    }

    @Test
    void listWithABadNumber() throws IOException {
        rewrite(ScanFolder.ANNOTATIONS, ScanFolder.name(2) + ",7", ScanFolder.name(2) + ",seven");
        assertRefused(luna16(), scans.file(ScanFolder.ANNOTATIONS), "line 4", "coordX", "seven");
    }

    @Test
    void listWithAClassThatIsNone() throws IOException {
        rewrite(ScanFolder.CANDIDATES, "7,8,9,1", "7,8,9,2");
        assertRefused(luna16(), scans.file(ScanFolder.CANDIDATES), "line 2", "class");
    }

    @Test
    void emptyList() throws IOException {
        Files.writeString(scans.file(ScanFolder.CANDIDATES), "");
        assertRefused(luna16(), scans.file(ScanFolder.CANDIDATES));
    }

    @Test
    void missingList() throws IOException {
        Files.delete(scans.file(ScanFolder.ANNOTATIONS));
        assertRefused(luna16(), scans.folder(), "no annotations.csv");
    }

    @Test
    void unknownSeriesIsARemark() {
        assertThat(damaged.done().out())
                .contains("remarks", "1 of 17 listed series are not in the folder, such as 9.8.7");
    }

    @Test
    void candidateOutsideItsScanIsLeftOutAndNamed() {
        assertThat(damaged.done().out())
                .contains("1 more outside their scans")
                .contains("series " + ScanFolder.name(CANDIDATE_OUTSIDE) + ": 1 of 3 candidates lie outside the scan");
    }

    // --- hospitals

    private Path sites(String... rows) throws IOException {
        List<String> all = new ArrayList<>(List.of("seriesuid,site"));
        all.addAll(List.of(rows));
        return Files.write(folder.resolve("sites.csv"), all);
    }

    @Test
    void hospitalWithOneClassOrNoneIsARemark() throws IOException {
        String text = Files.readString(scans.file(ScanFolder.CANDIDATES));
        for (int scan : new int[] {0, 1}) {
            text = text.replace(ScanFolder.name(scan) + ",7,8,9,1\n", "");
        }
        Files.writeString(scans.file(ScanFolder.CANDIDATES), text);
        Path sites = sites(
                ScanFolder.name(0) + ",Lyon",
                ScanFolder.name(1) + ",Lyon",
                ScanFolder.name(2) + ",Paris",
                ScanFolder.name(3) + ",Paris",
                ScanFolder.name(4) + ",Paris",
                ScanFolder.name(5) + ",Paris",
                "9.9.9,Lille");

        Outcome outcome = luna16("--sites", sites, "--compare").done();

        assertThat(outcome.out())
                .contains("Lyon: the training part", "candidates of one class only: none is a nodule")
                .contains("Lille: has no scan")
                .containsPattern("1/1 .* 2/3 ");
        assertThat(out().resolve("report.html")).content().contains("Lille", "none is a nodule");
    }

    @Test
    void hospitalsWithoutTestScansAreTrainedAllTheSame() throws IOException {
        String[] rows = new String[SCANS];
        for (int i = 0; i < SCANS; i++) {
            rows[i] = ScanFolder.name(i) + ",hospital-" + i;
        }
        Outcome outcome = luna16("--sites", sites(rows)).done();

        assertThat(outcome.out()).contains("1/1").contains("the test part, 0 scans, has no candidates");
        assertThat(out().resolve("report.html")).exists();
    }

    @Test
    void listOfSitesThatIsNotThere() throws IOException {
        assertRefused(luna16("--sites", folder.resolve("none.csv")), folder.resolve("none.csv"));
    }

    @Test
    void listOfSitesThatNamesNoScan() throws IOException {
        assertRefused(luna16("--sites", sites("9.9.9,Lyon")), "sites.csv", "gives no scan of the data set to a site");
    }

    @Test
    void listOfSitesThatContradictsItself() throws IOException {
        Path sites = sites(ScanFolder.name(0) + ",Lyon", ScanFolder.name(0) + ",Paris");
        assertRefused(luna16("--sites", sites), "sites.csv, line 3", "Lyon", "Paris");
    }

    @Test
    void quorumBeyondTheHospitals() throws IOException {
        assertRefused(luna16("--quorum", 3), "--quorum is 3, but there are only 2 hospitals");
    }

    @Test
    void moreHospitalsThanScansToDistribute() throws IOException {
        assertRefused(luna16("--partition", "iid", "--hospitals", 99), "the scans cannot be distributed", "99");
    }

    // --- options

    static List<Arguments> badOptions() {
        return List.of(
                Arguments.of(List.of("--patch", "32x48"), "a patch is given as voxels along z, y and x"),
                Arguments.of(List.of("--patch", "32x48x0"), "a patch must have >= 1 voxels"),
                Arguments.of(List.of("--patch", "8x16x16"), "--patch and --spacing: patch must have at least 16"),
                Arguments.of(List.of("--patch", "16x16x99999"), "a patch must have"),
                Arguments.of(List.of("--spacing", "1x1"), "a spacing is given as millimetres along z, y and x"),
                Arguments.of(List.of("--spacing", "1xonex1"), "such as 2x1.5x1.5, was '1xonex1'"),
                Arguments.of(List.of("--spacing", "1x0x1"), "spacing must be in (0, 100.0] mm"),
                Arguments.of(List.of("--hospitals", "0"), "--hospitals must be >= 1, was 0"),
                Arguments.of(List.of("--hospitals", "four"), "'four' is not a whole number"),
                Arguments.of(List.of("--test-share", "1"), "--test-share must be between 0 and 1, was 1.0"),
                Arguments.of(List.of("--test-share", "NaN"), "--test-share must be between 0 and 1, was NaN"),
                Arguments.of(List.of("--negatives-per-scan", "-1"), "--negatives-per-scan must be >= 0, was -1"),
                Arguments.of(List.of("--negatives-per-positive", "0"), "--negatives-per-positive must be from 0.01"),
                Arguments.of(
                        List.of("--normalization", "group"), "--normalization must be one of none, batch, was 'group'"),
                Arguments.of(
                        List.of("--normalization", "batch", "--dp-epsilon", "3"),
                        "--normalization batch needs statistics"),
                Arguments.of(List.of("--native-threads", "0"), "--native-threads must be from 1 to 1024, was 0"),
                Arguments.of(List.of("--native-threads", "9999"), "--native-threads must be from 1 to 1024, was 9999"),
                Arguments.of(List.of("--sites", "a.csv", "--partition", "iid"), "exclude each other"),
                Arguments.of(List.of("--data", ".", "--scans", "9"), "--data is given"),
                Arguments.of(List.of("--data", ""), "'--data': a path must not be empty"),
                Arguments.of(List.of("--rounds", "0"), "--rounds must be >= 1, was 0"),
                Arguments.of(List.of("--set", "mu=1"), "--set: fedavg has no setting mu"),
                Arguments.of(List.of("--partition", "by-colour"), "by-colour"),
                Arguments.of(List.of("--scans", "0"), "--scans must be from 4 to 10000, was 0"),
                Arguments.of(List.of("--hospitals", "21"), "--hospitals must be from 1 to 20, was 21"),
                Arguments.of(List.of("--background", "none.mhd"), "--background cannot be read: none.mhd"));
    }

    @ParameterizedTest
    @MethodSource("badOptions")
    void badOptionIsRefusedByName(List<String> options, String word) throws IOException {
        Outcome outcome = Outcome.of(Stream.concat(Stream.of("luna16", "--out", out()), options.stream())
                .toArray());
        assertThat(outcome.exitCode()).isEqualTo(2);
        assertThat(outcome.err()).startsWith("fedlearn: ").contains(word).doesNotContain("Exception", "\tat ");
        assertNothingBegun();
    }

    @Test
    void backgroundThatIsNoChest() throws IOException {
        assertRefused(
                Outcome.of("luna16", "--out", out(), "--background", scans.header(0)), "--background must show lungs");
    }

    @Test
    void cacheThatCannotBeIsARuntimeFailure() throws IOException {
        Path file = Files.writeString(folder.resolve("cache"), "x");
        Outcome outcome = luna16("--cache", file);
        assertThat(outcome.exitCode()).isEqualTo(1);
        assertThat(outcome.err())
                .hasLineCount(1)
                .startsWith("fedlearn: " + file)
                .doesNotContain("\tat ");
        assertNothingBegun();
    }

    // --- luna16-score

    private Path patches() {
        return folder.resolve("patches");
    }

    /** A folder with one patch. */
    private void writePatches() throws IOException {
        Files.createDirectory(patches());
        writePatch("a.npy", -700);
    }

    private void writePatch(String name, float hu) throws IOException {
        float[] values = new float[16 * 16 * 16];
        Arrays.fill(values, hu);
        Npy.write(Tensor.wrap(values, 16, 16, 16), patches().resolve(name));
    }

    private Outcome score(Path model, Object... more) {
        return Outcome.of(Stream.concat(
                        Stream.of(
                                "luna16-score",
                                "--model",
                                model,
                                "--patches",
                                patches(),
                                "--out",
                                folder.resolve("s.csv")),
                        Stream.of(more))
                .toArray());
    }

    private Outcome score() {
        return score(run().resolve("model.safetensors"));
    }

    private void assertScoreRefused(Path model, Object... words) {
        Outcome outcome = score(model);
        assertThat(outcome.exitCode()).isEqualTo(2);
        assertThat(outcome.err())
                .hasLineCount(1)
                .startsWith("fedlearn: ")
                .contains(Arrays.stream(words).map(Object::toString).toList())
                .doesNotContain("Exception", "\tat ");
        assertThat(folder.resolve("s.csv")).doesNotExist();
        assertThat(folder.resolve("s.csv.tmp")).doesNotExist();
    }

    /** A file beside the run's models. */
    private static Path beside(String name, byte[] content) throws IOException {
        return Files.write(run().resolve(name), content);
    }

    @Test
    void modelThatIsNone() throws IOException {
        writePatches();
        byte[] tensors = Files.readAllBytes(run().resolve("model.safetensors"));
        byte[] zip = Files.readAllBytes(run().resolve("lunanet.zip"));
        byte[] text = "the model is great".getBytes(StandardCharsets.UTF_8);

        Path none = run().resolve("none.safetensors");
        assertScoreRefused(none, "--model", none, "is not a file");
        for (String ending : List.of(".safetensors", ".zip")) {
            byte[] whole = ending.equals(".zip") ? zip : tensors;
            Path cut = beside("cut" + ending, Arrays.copyOf(whole, whole.length - 100));
            assertScoreRefused(cut, cut);
            Path other = beside("text" + ending, text);
            assertScoreRefused(other, other);
        }
    }

    @Test
    void modelWithoutItsRun() throws IOException {
        writePatches();
        Path moved = Files.copy(run().resolve("model.safetensors"), folder.resolve("moved.safetensors"));
        assertScoreRefused(moved, "--model", moved, "run.json");
    }

    @Test
    void modelOfAnotherNetwork() throws IOException {
        writePatches();
        Dl4jModel other =
                LunaNet.of(new PatchShape(16, 16, 16), List.of(8, 16, 24)).create();
        other.load(other.initialModel(1));

        Path tensors = run().resolve("other.safetensors");
        Safetensors.write(other.snapshot(), tensors);
        assertScoreRefused(tensors, "--model", tensors, "another network", "layer6.bias");
        Path zip = run().resolve("other.zip");
        Dl4jModelFile.write(other, zip);
        assertScoreRefused(zip, zip, "another network", "layer6.bias");
    }

    @Test
    void modelOfALongerOrShorterNetwork() throws IOException {
        writePatches();
        ModelSpec own =
                Safetensors.read(run().resolve("model.safetensors")).model().spec();
        List<TensorSpec> tensors = new ArrayList<>(own.tensors());
        tensors.add(new TensorSpec("more", TensorType.FLOAT32, Shape.of(1), TensorRole.TRAINABLE));
        Path file = run().resolve("length.safetensors");

        Safetensors.write(zeros(tensors), file);
        assertScoreRefused(file, "--model", file, "another network", "it has 19 tensors, not 18");
        Safetensors.write(zeros(tensors.subList(0, 17)), file);
        assertScoreRefused(file, "--model", file, "another network", "it has no tensor layer12");
    }

    private static Model zeros(List<TensorSpec> specs) {
        List<Tensor> tensors = new ArrayList<>();
        for (TensorSpec spec : specs) {
            float[] values = new float[(int) spec.shape().elementCount()];
            tensors.add(Tensor.wrap(values, spec.shape().lengths()));
        }
        return Model.of(ModelSpec.of(specs), tensors);
    }

    @Test
    void modelOfAnotherCommand() throws IOException {
        writePatches();
        Path heart = folder.resolve("heart");
        Outcome.of("heart", "--rounds", 1, "--out", heart).done();
        assertScoreRefused(heart.resolve("model.safetensors"), heart.resolve("run.json"), "is not of a run of luna16");
    }

    @Test
    void scoresByANormalisedNetworkThatTheRunTellsOf() throws IOException {
        luna16("--normalization", "Batch").done();
        writePatches();

        for (String model : List.of("model.safetensors", "lunanet.zip")) {
            score(out().resolve(model)).done();
            assertThat(Files.readAllLines(folder.resolve("s.csv"))).hasSize(2);
        }
        assertThat(Safetensors.read(out().resolve("model.safetensors"))
                        .model()
                        .spec()
                        .tensors())
                .anyMatch(tensor -> tensor.role() == TensorRole.BUFFER);
    }

    @Test
    void patchesThatAreNoneAreSkippedAndNamed() throws IOException {
        writePatches();
        writePatch("share.npy", 0.5f);
        writePatch("unknown.npy", Float.NaN);
        writePatch("z.npy", 30);
        Npy.write(Tensor.wrap(new float[] {1, 2, 3, 4}, 2, 2), patches().resolve("flat.npy"));
        Files.writeString(patches().resolve("text.npz"), "no zip");
        Files.writeString(patches().resolve("readme.txt"), "not looked at");

        Outcome outcome = score();

        assertThat(outcome.exitCode()).isZero();
        assertThat(outcome.err().lines())
                .hasSize(4)
                .allMatch(line -> line.startsWith("fedlearn: skipped: " + patches()))
                .anyMatch(line -> line.contains("share.npy") && line.contains("must be in HU"))
                .anyMatch(line -> line.contains("unknown.npy") && line.contains("not finite"))
                .anyMatch(line -> line.contains("flat.npy") && line.contains("3 axes"))
                .anyMatch(line -> line.contains("text.npz"));
        assertThat(Files.readAllLines(folder.resolve("s.csv")))
                .hasSize(3)
                .satisfiesExactly(
                        line -> assertThat(line).isEqualTo("file,score"),
                        line -> assertThat(line).matches("a\\.npy,0\\.\\d+"),
                        line -> assertThat(line).matches("z\\.npy,0\\.\\d+"));
    }

    @Test
    void noPatchAtAll() throws IOException {
        writePatches();
        Files.delete(patches().resolve("a.npy"));
        assertScoreRefused(run().resolve("model.safetensors"), patches(), "has none");

        writePatch("share.npy", 0.5f);
        Outcome outcome = score();
        assertThat(outcome.exitCode()).isEqualTo(2);
        assertThat(outcome.err().lines())
                .satisfiesExactly(
                        line -> assertThat(line)
                                .startsWith("fedlearn: skipped: ")
                                .contains("share.npy"),
                        line -> assertThat(line).contains("--patches " + patches(), "no file that could be scored"));
        assertThat(folder.resolve("s.csv")).doesNotExist();

        Files.delete(patches().resolve("share.npy"));
        Files.delete(patches());
        assertScoreRefused(run().resolve("model.safetensors"), "--patches " + patches() + " is not a folder");
    }

    @Test
    void scoresThatCannotBeWritten() throws IOException {
        writePatches();
        Path model = run().resolve("model.safetensors");
        Path directory = Files.createDirectory(folder.resolve("directory"));
        Path file = Files.writeString(folder.resolve("file"), "x");

        for (Path out : List.of(directory, file.resolve("s.csv"))) {
            Outcome outcome = Outcome.of("luna16-score", "--model", model, "--patches", patches(), "--out", out);
            assertThat(outcome.exitCode()).isEqualTo(2);
            assertThat(outcome.err()).hasLineCount(1).contains("--out " + out).doesNotContain("Exception");
        }
        assertThat(directory).isEmptyDirectory();
        assertThat(folder).isDirectoryNotContaining("glob:**.tmp");
    }

    @Test
    void spacingThatIsNone() throws IOException {
        writePatches();
        Outcome outcome = score(run().resolve("model.safetensors"), "--spacing", "1x1");
        assertThat(outcome.exitCode()).isEqualTo(2);
        assertThat(outcome.err()).hasLineCount(1).contains("--spacing: a spacing is given as millimetres");
    }

    @Test
    void spacingBringsPatchesToTheNetworks() throws IOException {
        writePatches();
        Path model = run().resolve("lunanet.zip");
        score(model).done();
        String before = Files.readString(folder.resolve("s.csv"));

        // All of one value, and 32 mm of it where the network sees 16: nothing changes.
        score(model, "--spacing", "2x2x2").done();
        assertThat(folder.resolve("s.csv")).content().isEqualTo(before);
        // Only 8 mm: there is air around it.
        score(model, "--spacing", "0.5x0.5x0.5").done();
        assertThat(folder.resolve("s.csv")).content().isNotEqualTo(before);
    }
}
