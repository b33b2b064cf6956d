package io.fedlearn.luna16.dataset;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.entry;

import io.fedlearn.core.partition.Partitioner;
import io.fedlearn.luna16.dataset.DatasetException.Problem;
import io.fedlearn.luna16.dataset.DatasetProblem.Kind;
import io.fedlearn.luna16.image.Point;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SiteAssignmentTest {
    @TempDir
    private Path folder;

    /** Scan i lies in subset i mod 10; every third has a nodule. */
    private static List<Scan> scans(int count) {
        return IntStream.range(0, count).mapToObj(SiteAssignmentTest::scan).toList();
    }

    private static Scan scan(int i) {
        Point center = new Point(i, 0, 0);
        return new Scan(
                String.format("1.%03d", i),
                i % 10,
                Path.of("scan.mhd"),
                i % 3 == 0 ? List.of(new Nodule(center, 4)) : List.of(),
                List.of(new Candidate(center, i % 3 == 0), new Candidate(new Point(i, 9, 0), false)));
    }

    private static Map<String, List<String>> series(SiteAssignment assignment) {
        Map<String, List<String>> series = new TreeMap<>();
        assignment
                .sites()
                .forEach((site, scans) ->
                        series.put(site, scans.stream().map(Scan::seriesUid).toList()));
        return series;
    }

    private SitesFile file(String text) throws IOException {
        return SitesFile.of(Files.writeString(folder.resolve("sites.csv"), text));
    }

    private static List<String> messages(SiteAssignment assignment, Kind kind) {
        return assignment.problems().stream()
                .filter(problem -> problem.kind() == kind)
                .map(DatasetProblem::message)
                .toList();
    }

    @Test
    void dealsSubsetsInTurn() {
        SiteAssignment assignment = SiteAssignment.bySubset(scans(12), 4);

        assertThat(series(assignment))
                .containsExactly(
                        entry("hospital-1", List.of("1.000", "1.004", "1.008", "1.010")),
                        entry("hospital-2", List.of("1.001", "1.005", "1.009", "1.011")),
                        entry("hospital-3", List.of("1.002", "1.006")),
                        entry("hospital-4", List.of("1.003", "1.007")));
        assertThat(assignment.problems()).isEmpty();
        assertThat(assignment).hasToString("4 sites with 12 scans");
    }

    @Test
    void namesSitesSoThatTheySortAndSaysWhichAreEmpty() {
        SiteAssignment assignment = SiteAssignment.bySubset(scans(9), 10);

        assertThat(assignment.sites().keySet())
                .startsWith("hospital-01", "hospital-02")
                .endsWith("hospital-10");
        assertThat(assignment.problems())
                .containsExactly(DatasetProblem.of(Kind.EMPTY_SITE, "hospital-10: has no scan"));
        assertThatIllegalArgumentException()
                .isThrownBy(() -> SiteAssignment.bySubset(scans(9), 0))
                .withMessage("sites must be in [1, 10000], was 0");
    }

    @ParameterizedTest
    @ValueSource(strings = {"iid", "dirichlet:0.5", "shards:2", "quantity:1"})
    void dealsWholeScansByAPartitioner(String rule) {
        List<Scan> scans = scans(60);

        SiteAssignment assignment = SiteAssignment.byPartitioner(scans, Partitioner.parse(rule), 4, 7);

        assertThat(assignment.sites()).hasSize(4);
        assertThat(assignment.sites().values().stream().flatMap(List::stream))
                .containsExactlyInAnyOrderElementsOf(scans);
    }

    @Test
    void dealsByManufacturerOutOfATableOfOtherThings() throws IOException {
        String rows = String.join(
                "\n",
                "\"1.000\",LIDC-1,\"GE MEDICAL SYSTEMS, LLC\",1.25",
                "1.001,LIDC-2,SIEMENS,2.5",
                "9.999,LIDC-3,Philips,2.5",
                "1.002,LIDC-4,\"GE MEDICAL SYSTEMS, LLC\",2.5",
                "");
        Path table = Files.writeString(
                folder.resolve("scanners.csv"), "SeriesInstanceUID,PatientID,Manufacturer,SliceThickness\n" + rows);

        for (String named : List.of(table.toString(), table + ":SeriesInstanceUID:Manufacturer")) {
            SiteAssignment assignment = SiteAssignment.byFile(scans(4), SitesFile.parse(named));

            assertThat(series(assignment))
                    .containsExactly(
                            entry("GE MEDICAL SYSTEMS, LLC", List.of("1.000", "1.002")),
                            entry("Philips", List.of()),
                            entry("SIEMENS", List.of("1.001")));
            assertThat(messages(assignment, Kind.SITE_OF_UNKNOWN_SERIES))
                    .containsExactly(
                            "scanners.csv names 1 series that are not among the scans, such as '9.999' in line 4");
            assertThat(messages(assignment, Kind.NO_SITE)).containsExactly("series 1.003: has no site in scanners.csv");
            assertThat(messages(assignment, Kind.EMPTY_SITE)).containsExactly("Philips: has no scan");
        }
    }

    @Test
    void foldTestsOnOneSubsetAtEveryHospital() {
        SiteAssignment assignment = SiteAssignment.byPartitioner(scans(40), Partitioner.iid(), 3, 7);
        assertThat(assignment.subsets()).containsExactly(0, 1, 2, 3, 4, 5, 6, 7, 8, 9);
        List<String> tested = new ArrayList<>();
        for (int fold : assignment.subsets()) {
            int number = fold;
            Map<String, ScanSplit> splits = assignment.splitByFold(fold);
            assertThat(splits.keySet()).isEqualTo(assignment.sites().keySet());
            splits.forEach((site, split) -> {
                assertThat(split.test()).allMatch(scan -> scan.subset() == number);
                assertThat(split.training()).noneMatch(scan -> scan.subset() == number);
                List<Scan> both = new ArrayList<>(split.training());
                both.addAll(split.test());
                assertThat(both)
                        .containsExactlyInAnyOrderElementsOf(assignment.sites().get(site));
                split.test().forEach(scan -> tested.add(scan.seriesUid()));
            });
        }
        assertThat(tested).hasSize(40).doesNotHaveDuplicates();
    }

    @Test
    void foldNeedsScansOnBothSides() {
        SiteAssignment assignment = SiteAssignment.bySubset(scans(2), 2);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> assignment.splitByFold(4))
                .withMessage(
                        "fold 4 needs scans in subset4 to test on and scans in another to train on; there are scans"
                                + " in subset0, subset1");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> SiteAssignment.bySubset(scans(1), 2).splitByFold(0))
                .withMessageEndingWith("there are scans in subset0");
        // A hospital whose scans are all in one subset trains or tests, and says so.
        ScanSplit first = Objects.requireNonNull(assignment.splitByFold(0).get("hospital-1"));
        assertThat(first.training()).isEmpty();
        assertThat(first.problems("hospital-1"))
                .anyMatch(problem -> problem.message().contains("the training part, 0 scans, has no candidates"));
    }

    @Test
    void tellsThePartitionerWhichScansHavePositiveCandidates() {
        // Two shards of one class each for two sites: one gets all scans with a nodule.
        SiteAssignment assignment = SiteAssignment.byPartitioner(
                scans(6).subList(0, 6).stream()
                        .filter(scan -> !scan.seriesUid().endsWith("1")
                                && !scan.seriesUid().endsWith("2"))
                        .toList(),
                Partitioner.shards(1),
                2,
                1);

        assertThat(assignment.sites().values())
                .allSatisfy(scans -> assertThat(scans)
                        .extracting(scan -> scan.candidates().get(0).isNodule())
                        .containsOnly(scans.get(0).candidates().get(0).isNodule()));
    }

    @Test
    void doesNotDependOnTheOrderOfTheScans() {
        List<Scan> scans = scans(40);
        List<Scan> reversed = new ArrayList<>(scans);
        Collections.reverse(reversed);

        assertThat(SiteAssignment.bySubset(reversed, 3).sites())
                .isEqualTo(SiteAssignment.bySubset(scans, 3).sites());
        assertThat(SiteAssignment.byPartitioner(reversed, Partitioner.iid(), 3, 5)
                        .sites())
                .isEqualTo(SiteAssignment.byPartitioner(scans, Partitioner.iid(), 3, 5)
                        .sites());
        assertThat(SiteAssignment.bySubset(reversed, 3).split(.3, 5))
                .isEqualTo(SiteAssignment.bySubset(scans, 3).split(.3, 5));
    }

    @Test
    void readsSitesFromAList() throws IOException {
        SitesFile file = file(
                "\ufeffseriesuid,scanner,Site\r\n1.002,x,Toulouse\r\n1.000,y,\"Aix, north\"\r\n\r\n1.001,,Toulouse\r\n");

        SiteAssignment assignment = SiteAssignment.byFile(scans(3), file);

        assertThat(series(assignment))
                .containsExactly(entry("Aix, north", List.of("1.000")), entry("Toulouse", List.of("1.001", "1.002")));
        assertThat(assignment.problems()).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "SeriesInstanceUID,Manufacturer,Split",
                "series_uid,hospital,x",
                "seriesuid,CENTER,x",
                "series,client,x"
            })
    void knowsUsualNamesOfTheColumns(String header) throws IOException {
        SiteAssignment assignment = SiteAssignment.byFile(scans(1), file(header + "\n1.000,0,train\n"));

        assertThat(series(assignment)).containsExactly(entry("0", List.of("1.000")));
    }

    @Test
    void takesColumnsThatAreNamed() throws IOException {
        Path path = file("site,scan,machine\nA,1.000,m1\nA,1.001,m2\n").file();

        assertThat(series(SiteAssignment.byFile(scans(2), SitesFile.of(path, "scan", "machine"))))
                .containsExactly(entry("m1", List.of("1.000")), entry("m2", List.of("1.001")));
        assertThat(SitesFile.parse(path + ":scan:machine")).isEqualTo(SitesFile.of(path, "scan", "machine"));
        assertThat(SitesFile.parse(path.toString())).isEqualTo(SitesFile.of(path));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", " ", "sites.csv::site", "sites.csv:uid:", ":uid:site"})
    void refusesTextThatNamesNoList(String text) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> SitesFile.parse(text))
                .withMessage("sites must be FILE.csv or FILE.csv:SERIES_COLUMN:SITE_COLUMN, was '" + text + "'");
    }

    @Test
    void remarksOnSeriesNobodyHasAndLeavesOutScansWithoutASite() throws IOException {
        SiteAssignment assignment = SiteAssignment.byFile(scans(3), file("seriesuid,site\n1.000,A\n8.8,B\n9.9,A\n"));

        assertThat(series(assignment)).containsExactly(entry("A", List.of("1.000")), entry("B", List.of()));
        assertThat(messages(assignment, Kind.SITE_OF_UNKNOWN_SERIES))
                .containsExactly("sites.csv names 2 series that are not among the scans, such as '8.8' in line 3");
        assertThat(messages(assignment, Kind.NO_SITE))
                .containsExactly("series 1.001: has no site in sites.csv", "series 1.002: has no site in sites.csv");
        assertThat(messages(assignment, Kind.EMPTY_SITE)).containsExactly("B: has no scan");
    }

    @Test
    void refusesOneSeriesAtTwoSites() throws IOException {
        SitesFile file = file("seriesuid,site\n1.000,A\n1.001,A\n1.000,A\n1.001,B\n");

        assertThatExceptionOfType(DatasetException.class)
                .isThrownBy(() -> SiteAssignment.byFile(scans(3), file))
                .withMessage(
                        file.file() + ", line 5, column 'site': series '1.001' is at 'B' here and at 'A' in line 3")
                .satisfies(e -> assertThat(e.problem()).isEqualTo(Problem.CONTRADICTION));
    }

    @Test
    void refusesListsThatAreNotInOrder() throws IOException {
        assertThatExceptionOfType(DatasetException.class)
                .isThrownBy(() -> SiteAssignment.byFile(scans(3), file("seriesuid,site\n1.000,\n")))
                .withMessageEndingWith("sites.csv, line 2, column 'site': is empty");
        assertThatExceptionOfType(DatasetException.class)
                .isThrownBy(() -> SiteAssignment.byFile(scans(3), file("")))
                .withMessageEndingWith("sites.csv: is empty");
        assertThatExceptionOfType(DatasetException.class)
                .isThrownBy(() -> SiteAssignment.byFile(scans(3), file("seriesuid,site\n")))
                .withMessageEndingWith("sites.csv: has no row after its header");
        assertThatExceptionOfType(DatasetException.class)
                .isThrownBy(() -> SiteAssignment.byFile(scans(3), file("seriesuid,place\n1.000,A\n")))
                .withMessageEndingWith("sites.csv: column 'site' is missing, the columns are 'seriesuid,place'");
        assertThatExceptionOfType(DatasetException.class)
                .isThrownBy(() -> SiteAssignment.byFile(scans(3), file("seriesuid,site,hospital\n1.000,A,B\n")))
                .withMessageEndingWith("sites.csv: columns 'site' and 'hospital' could both be the column 'site'");
        assertThatExceptionOfType(DatasetException.class)
                .isThrownBy(() -> SiteAssignment.byFile(scans(3), file("seriesuid,site\n7.7,A\n")))
                .withMessageEndingWith("sites.csv: gives no scan of the data set to a site; it names '7.7' in line 2");
        assertThatExceptionOfType(DatasetException.class)
                .isThrownBy(() -> SiteAssignment.byFile(scans(3), file("seriesuid,site\n1.000,A\tB\n")))
                .withMessageEndingWith("column 'site': a site's name must have at most 256 characters and no control"
                        + " characters, was 'A?B'");
        assertThatExceptionOfType(DatasetException.class)
                .isThrownBy(() -> SiteAssignment.byFile(scans(3), SitesFile.of(folder.resolve("absent.csv"))))
                .withMessageEndingWith("absent.csv: there is no such file");
        assertThatExceptionOfType(DatasetException.class)
                .isThrownBy(() -> SiteAssignment.byFile(scans(3), SitesFile.of(folder)))
                .withMessageEndingWith(": is a folder, not a list");
    }

    @Test
    void splitsScansWithAndWithoutNodulesAlike() {
        ScanSplit split = ScanSplit.of(scans(60), .25, 3);

        assertThat(split.test()).hasSize(15);
        assertThat(split.test().stream().filter(scan -> !scan.nodules().isEmpty()))
                .hasSize(5);
        assertThat(split.training()).hasSize(45).doesNotContainAnyElementsOf(split.test());
        assertThat(split.test()).isSortedAccordingTo((a, b) -> a.seriesUid().compareTo(b.seriesUid()));
        assertThat(split).isNotEqualTo(ScanSplit.of(scans(60), .25, 4));
        assertThat(split.problems("A")).isEmpty();
    }

    @Test
    void movesFewScansAcrossWhenOneIsAdded() {
        for (int count = 1; count < 60; count++) {
            ScanSplit before = ScanSplit.of(scans(count), .3, 11);
            ScanSplit after = ScanSplit.of(scans(count + 1), .3, 11);
            Scan added = scan(count);

            long moved = after.test().stream()
                            .filter(scan ->
                                    !scan.equals(added) && before.training().contains(scan))
                            .count()
                    + after.training().stream()
                            .filter(scan -> !scan.equals(added) && before.test().contains(scan))
                            .count();
            assertThat(moved).isLessThanOrEqualTo(2);
        }
    }

    @Test
    void splitsAnySmallSite() {
        for (int count = 0; count < 12; count++) {
            for (double share : new double[] {.01, .2, .5, .9, .99}) {
                ScanSplit split = ScanSplit.of(scans(count), share, count);

                assertThat(split.test()).hasSize((int) Math.floor(count * share + .5));
                assertThat(split.training()).hasSize(count - split.test().size());
            }
        }
    }

    @Test
    void saysWhichPartsCannotBeLearntFrom() {
        List<Scan> negative = List.of(scan(1), scan(2), scan(4), scan(5));

        assertThat(ScanSplit.of(negative, .25, 1).problems("A"))
                .extracting(DatasetProblem::message)
                .containsExactly(
                        "A: the training part, 3 scans, has candidates of one class only: none is a nodule",
                        "A: the test part, 1 scans, has candidates of one class only: none is a nodule");
        assertThat(ScanSplit.of(List.of(), .25, 1).problems("B"))
                .extracting(DatasetProblem::message)
                .containsExactly(
                        "B: the training part, 0 scans, has no candidates",
                        "B: the test part, 0 scans, has no candidates");
    }

    @Test
    void refusesSplitsThatMakeNoSense() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> ScanSplit.of(scans(3), 1, 1))
                .withMessage("testShare must be in (0, 1), was 1.0");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> ScanSplit.of(List.of(scan(1), scan(1)), .5, 1))
                .withMessage("scans must be distinct, 1.001 came twice");
    }
}
