package io.fedlearn.luna16.dataset;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.fedlearn.luna16.dataset.DatasetException.Problem;
import io.fedlearn.luna16.dataset.DatasetProblem.Kind;
import io.fedlearn.luna16.image.Point;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DatasetCheckTest {
    @TempDir
    private Path folder;

    private DatasetCheck check() {
        return DatasetCheck.of(Luna16Dataset.open(folder));
    }

    private static List<String> messages(DatasetCheck check, Kind kind) {
        return check.problems().stream()
                .filter(problem -> problem.kind() == kind)
                .map(DatasetProblem::message)
                .toList();
    }

    private void resize(String voxels, int bytes) throws IOException {
        Path file = folder.resolve(voxels);
        Files.write(file, Arrays.copyOf(Files.readAllBytes(file), bytes));
    }

    @Test
    void passesWhatIsInOrder() throws IOException {
        LunaFolder.small(folder);

        DatasetCheck check = check();

        assertThat(check.scans()).isEqualTo(check.dataset().scans());
        assertThat(check.problems()).isEmpty();
        assertThat(check.candidatesOutside()).isZero();
        assertThat(check.text()).isEqualTo("LUNA16 data in " + folder + """

                  lists       annotations.csv, candidates_V2.csv, seriesuids.csv
                  scans       4, of them 2 with nodules; 4 series are listed
                  nodules     2
                  candidates  8, of them 2 nodules
                """);
    }

    @Test
    void leavesOutScansThatCannotBeRead() throws IOException {
        LunaFolder.small(folder)
                .scan("subset2", "1.3.0")
                .scan("subset2", "1.3.1")
                .listed("1.3.0", true)
                .listed("1.3.1", true)
                .lists();
        Path real = folder.toRealPath();
        Files.delete(folder.resolve("subset0/1.2.0.raw"));
        resize("subset0/1.2.1.raw", LunaFolder.SCAN_BYTES - 1);
        resize("subset1/1.2.2.raw", LunaFolder.SCAN_BYTES + 1);
        Path wrong = folder.resolve("subset1/1.2.3.mhd");
        Files.writeString(wrong, Files.readString(wrong).replace("NDims = 3", "NDims = 2"));
        Path escaping = folder.resolve("subset2/1.3.0.mhd");
        Files.writeString(escaping, Files.readString(escaping).replace("= 1.3.0.raw", "= ../subset2/../../x.raw"));

        DatasetCheck check = check();

        assertThat(check.scans()).extracting(Scan::seriesUid).containsExactly("1.3.1");
        assertThat(messages(check, Kind.BAD_VOXELS))
                .containsExactly(
                        "series 1.2.0: " + real.resolve("subset0/1.2.0.raw")
                                + ": there is no such file, which is to have the voxels of 1.2.0.mhd",
                        "series 1.2.1: " + real.resolve("subset0/1.2.1.raw")
                                + ": must have 1024 bytes of voxels, has 1023",
                        "series 1.2.2: " + real.resolve("subset1/1.2.2.raw")
                                + ": must have 1024 bytes of voxels, has 1025",
                        "series 1.3.0: " + escaping
                                + ": voxels must lie in the header's folder, ElementDataFile was '../subset2/../../x.raw'");
        assertThat(messages(check, Kind.BAD_HEADER))
                .containsExactly("series 1.2.3: " + wrong + ": NDims must be 3, was 2");
        assertThat(check.text())
                .contains("  scans       1, of them 1 with nodules; 6 series are listed\n")
                .contains("\n  left out (5)\n    series 1.2.3: ")
                .doesNotContain("remarks");
    }

    @Test
    void leavesOutCandidatesOutsideTheirScan() throws IOException {
        LunaFolder.small(folder)
                .candidate("1.2.1,-0.6,1,1,0")
                .candidate("1.2.1,1,1,700,1")
                .candidate("1.2.1,7.5,7.5,-0.5,0")
                .lists();

        DatasetCheck check = check();

        assertThat(check.candidatesOutside()).isEqualTo(2);
        assertThat(check.scans().get(1).candidates())
                .containsExactly(
                        new Candidate(new Point(3.5, 3, 3), true),
                        new Candidate(new Point(6, 6, 6), false),
                        new Candidate(new Point(7.5, 7.5, -.5), false));
        assertThat(messages(check, Kind.CANDIDATE_OUTSIDE))
                .containsExactly("series 1.2.1: 2 of 5 candidates lie outside the scan and are left out (1 of them"
                        + " nodules), such as (-0.6, 1.0, 1.0)");
        assertThat(check.text()).contains("candidates  9, of them 2 nodules; 2 more outside their scans\n");
    }

    @Test
    void remarksOnNodulesThatNobodyCanFind() throws IOException {
        LunaFolder.small(folder)
                .annotation("1.2.1,6,1,1,2")
                .annotation("1.2.1,6,6,5,2")
                .annotation("1.2.3,6,6,-5,2")
                .lists();

        DatasetCheck check = check();

        // At 1 mm of a candidate with a radius of 1 mm it is no hit: the challenge asks for less.
        assertThat(messages(check, Kind.NODULE_WITHOUT_CANDIDATE))
                .containsExactly(
                        "series 1.2.1: no candidate lies within the nodule at (6.0, 1.0, 1.0)",
                        "series 1.2.1: no candidate lies within the nodule at (6.0, 6.0, 5.0)");
        assertThat(messages(check, Kind.NODULE_OUTSIDE))
                .containsExactly("series 1.2.3: the nodule at (6.0, 6.0, -5.0) lies outside the scan");
        assertThat(check.scans().get(1).nodules()).hasSize(3);
    }

    @Test
    void failsWhereNothingIsLeft() throws IOException {
        LunaFolder.small(folder);
        for (String voxels : List.of("subset0/1.2.0", "subset0/1.2.1", "subset1/1.2.2", "subset1/1.2.3")) {
            resize(voxels + ".raw", 5);
        }

        assertThatExceptionOfType(DatasetException.class)
                .isThrownBy(this::check)
                .withMessageStartingWith(folder + ": no scan can be used: series 1.2.0: ")
                .withMessageContaining("must have 1024 bytes of voxels, has 5")
                .satisfies(e -> assertThat(e.problem()).isEqualTo(Problem.NOTHING_USABLE));
    }

    @Test
    void printsATableOfTheSites() throws IOException {
        LunaFolder.small(folder);
        DatasetCheck check = check();

        assertThat(check.text(SiteAssignment.bySubset(check.scans(), 3))).endsWith("""

                  hospital     scans with nodules  nodules   positive   negative
                  hospital-1       2            1        1          1          3
                  hospital-2       2            1        1          1          3
                  hospital-3       0            0        0          0          0

                  remarks (1)
                    hospital-3: has no scan
                """);
    }

    @Test
    void remarksOnPartsOfSitesThatCannotBeLearntFrom() throws IOException {
        LunaFolder.small(folder);
        DatasetCheck check = check();
        SiteAssignment sites = SiteAssignment.bySubset(check.scans(), 1);

        assertThat(check.text(sites, sites.split(.01, 1)))
                .endsWith("\n  remarks (1)\n    hospital-1: the test part, 0 scans, has no candidates\n");
    }

    @Test
    void shortensLongListsOfProblems() throws IOException {
        LunaFolder luna = LunaFolder.small(folder);
        for (int i = 0; i < DatasetCheck.SHOWN_PROBLEMS + 3; i++) {
            luna.scan("subset3", "9." + i);
        }

        assertThat(check().text()).contains("  left out (8)\n").endsWith("    and 3 more like this\n");
    }

    @Test
    void countsWhatScansHave() throws IOException {
        LunaFolder.small(folder);

        DatasetCounts counts = DatasetCounts.of(check().scans());

        assertThat(counts).isEqualTo(new DatasetCounts(4, 2, 2, 2, 6));
        assertThat(counts.candidates()).isEqualTo(8);
        assertThat(DatasetCounts.of(Map.<String, Scan>of().values())).isEqualTo(new DatasetCounts(0, 0, 0, 0, 0));
    }
}
