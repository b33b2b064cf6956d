package io.fedlearn.luna16.dataset;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.fedlearn.core.random.SeededRandom;
import io.fedlearn.luna16.dataset.DatasetException.Problem;
import io.fedlearn.luna16.dataset.DatasetProblem.Kind;
import io.fedlearn.luna16.image.Point;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class Luna16DatasetTest {
    private static final String ANNOTATIONS = "seriesuid,coordX,coordY,coordZ,diameter_mm\n";
    private static final String CANDIDATES = "seriesuid,coordX,coordY,coordZ,class\n";

    @TempDir
    private Path folder;

    private void write(String name, String text) throws IOException {
        Files.writeString(folder.resolve(name), text);
    }

    private static List<String> messages(Luna16Dataset dataset, Kind kind) {
        return dataset.problems().stream()
                .filter(problem -> problem.kind() == kind)
                .map(DatasetProblem::message)
                .toList();
    }

    private static List<String> series(Luna16Dataset dataset) {
        return dataset.scans().stream().map(Scan::seriesUid).toList();
    }

    private void assertRefused(Problem problem, String file, String message) {
        assertThatExceptionOfType(DatasetException.class)
                .isThrownBy(() -> Luna16Dataset.open(folder))
                .withMessage(folder.resolve(file) + message)
                .satisfies(e -> assertThat(e.problem()).isEqualTo(problem))
                .satisfies(e -> assertThat(e.file()).isEqualTo(folder.resolve(file)))
                .satisfies(e -> assertThat(e.getMessage()).endsWith(": " + e.reason()));
    }

    @Test
    void joinsScansAndLists() throws IOException {
        LunaFolder.small(folder);

        Luna16Dataset dataset = Luna16Dataset.open(folder);

        assertThat(dataset.scans())
                .hasSize(4)
                .element(3)
                .isEqualTo(new Scan(
                        "1.2.3",
                        1,
                        folder.resolve("subset1/1.2.3.mhd"),
                        List.of(new Nodule(new Point(3, 3, 3), 4)),
                        List.of(new Candidate(new Point(3.5, 3, 3), true), new Candidate(new Point(6, 6, 6), false))));
        assertThat(dataset.scans().get(0).nodules()).isEmpty();
        assertThat(dataset.candidatesFile()).isEqualTo(folder.resolve("candidates_V2.csv"));
        assertThat(dataset.annotationsFile()).isEqualTo(folder.resolve("annotations.csv"));
        assertThat(dataset.seriesListFile()).hasValue(folder.resolve("seriesuids.csv"));
        assertThat(dataset.listedSeries()).isEqualTo(4);
        assertThat(dataset.missingSeries()).isEmpty();
        assertThat(dataset.problems()).isEmpty();
    }

    @Test
    void readsTheOlderCandidatesWhereThereAreNoNewerOnes() throws IOException {
        LunaFolder.small(folder);
        write("candidates.csv", CANDIDATES + "1.2.0,1,1,1,0\n");
        assertThat(Luna16Dataset.open(folder).candidatesFile()).isEqualTo(folder.resolve("candidates_V2.csv"));

        Files.delete(folder.resolve("candidates_V2.csv"));
        assertThat(Luna16Dataset.open(folder).candidatesFile()).isEqualTo(folder.resolve("candidates.csv"));
    }

    @Test
    void findsWhatArchivesUnpackTo() throws IOException {
        Path lists = Files.createDirectory(folder.resolve("CSVFILES"));
        new LunaFolder(lists)
                .listed("1.2.0", false)
                .listed("1.2.1", true)
                .listed("1.2.2", true)
                .lists();
        new LunaFolder(folder)
                .scan("subset0/subset0", "1.2.0")
                .scan("data/subset7", "1.2.1")
                .scan("Subset_9", "1.2.2")
                .scan("seg-lungs-LUNA16", "1.2.0")
                .scan("__MACOSX/subset0", "1.2.0");
        Files.copy(folder.resolve("Subset_9/1.2.2.mhd"), folder.resolve("Subset_9/._1.2.2.mhd"));

        Luna16Dataset dataset = Luna16Dataset.open(folder);

        assertThat(dataset.scans()).extracting(Scan::subset).containsExactly(0, 7, 9);
        assertThat(dataset.annotationsFile()).isEqualTo(lists.resolve("annotations.csv"));
        assertThat(dataset.problems()).isEmpty();
    }

    @Test
    void takesTheListNearestToTheFolder() throws IOException {
        LunaFolder.small(folder);
        Files.createDirectories(folder.resolve("evaluationScript/annotations"));
        Files.writeString(folder.resolve("evaluationScript/annotations/annotations.csv"), "not,this,one\n");

        assertThat(Luna16Dataset.open(folder).annotationsFile()).isEqualTo(folder.resolve("annotations.csv"));
    }

    @Test
    void acceptsByteOrderMarksCarriageReturnsBlankLinesSpacesAndQuotes() throws IOException {
        LunaFolder.small(folder);
        write(
                "annotations.csv",
                "\ufeffSeriesUID , coordx,coordY,coordZ,note,DIAMETER_MM\r\n\r\n1.2.1, 3 ,3,3,\"a, b\",4\r\n");
        write(
                "candidates_V2.csv",
                "\"seriesuid\",\"coordX\",\"coordY\",\"coordZ\",\"class\"\r\n\"1.2.1\",3,3e0,-3.5,1\r\n\r\n\r\n");
        write("seriesuids.csv", "\ufeffseriesuid\r\n1.2.0\r\n1.2.1\r\n\r\n1.2.2\r\n1.2.3");

        Scan scan = Luna16Dataset.open(folder).scans().get(1);

        assertThat(scan.nodules()).containsExactly(new Nodule(new Point(3, 3, 3), 4));
        assertThat(scan.candidates()).containsExactly(new Candidate(new Point(3, 3, -3.5), true));
    }

    @Test
    void usesAPartOfTheData() throws IOException {
        new LunaFolder(folder)
                .scan("subset0", "1.2.1")
                .listed("1.2.3", true)
                .listed("1.2.1", true)
                .listed("1.2.2", false)
                .lists();

        Luna16Dataset dataset = Luna16Dataset.open(folder);

        assertThat(series(dataset)).containsExactly("1.2.1");
        assertThat(dataset.missingSeries()).containsExactly("1.2.2", "1.2.3");
        assertThat(messages(dataset, Kind.MISSING_SERIES))
                .containsExactly("2 of 3 listed series are not in the folder, such as 1.2.2");
    }

    @Test
    void doesWithoutTheListOfAllSeries() throws IOException {
        LunaFolder.small(folder);
        Files.delete(folder.resolve("seriesuids.csv"));

        Luna16Dataset dataset = Luna16Dataset.open(folder);

        assertThat(dataset.seriesListFile()).isEmpty();
        assertThat(dataset.listedSeries()).isEqualTo(4);
        assertThat(dataset.problems()).isEmpty();
    }

    @Test
    void leavesOutSeriesThatAreInNoList() throws IOException {
        LunaFolder.small(folder).scan("subset5", "9.9");

        Luna16Dataset dataset = Luna16Dataset.open(folder);

        assertThat(series(dataset)).doesNotContain("9.9").hasSize(4);
        assertThat(dataset.problems())
                .containsExactly(new DatasetProblem(
                        Kind.UNKNOWN_SERIES,
                        Optional.of("9.9"),
                        "series 9.9: is in no list: " + Path.of("subset5", "9.9.mhd")));
    }

    @Test
    void reportsSeriesOfAListThatTheListOfAllSeriesLacks() throws IOException {
        LunaFolder.small(folder)
                .candidate("7.7,1,1,1,0")
                .candidate("7.7,2,1,1,0")
                .lists();

        Luna16Dataset dataset = Luna16Dataset.open(folder);

        assertThat(messages(dataset, Kind.UNLISTED_SERIES))
                .containsExactly("candidates_V2.csv, line 10: series '7.7' is not in seriesuids.csv");
        assertThat(dataset.missingSeries()).containsExactly("7.7");
    }

    @Test
    void leavesOutSeriesThatLieInTwoSubsets() throws IOException {
        LunaFolder.small(folder).scan("subset1", "1.2.0");

        Luna16Dataset dataset = Luna16Dataset.open(folder);

        assertThat(series(dataset)).containsExactly("1.2.1", "1.2.2", "1.2.3");
        assertThat(messages(dataset, Kind.DUPLICATE_SERIES))
                .containsExactly("series 1.2.0: lies in two subsets, as " + Path.of("subset0", "1.2.0.mhd") + " and as "
                        + Path.of("subset1", "1.2.0.mhd"));
    }

    @Test
    void usesOneOfTwoCopiesInASubset() throws IOException {
        LunaFolder.small(folder).scan("subset0/subset0", "1.2.0");

        Luna16Dataset dataset = Luna16Dataset.open(folder);

        assertThat(dataset.scans().get(0).header()).isEqualTo(folder.resolve("subset0/1.2.0.mhd"));
        assertThat(messages(dataset, Kind.SECOND_COPY)).hasSize(1);
    }

    @Test
    void countsRepeatedRowsOnceAndContradictoryOnesNotAtAll() throws IOException {
        LunaFolder.small(folder)
                .annotation("1.2.1,3,3,3,4")
                .candidate("1.2.1,6.0,6,6,0")
                .candidate("1.2.1,6,6,6.0,0")
                .candidate("1.2.1,3.5,3,3,0")
                .lists();

        Luna16Dataset dataset = Luna16Dataset.open(folder);

        assertThat(dataset.scans().get(1).nodules()).hasSize(1);
        assertThat(dataset.scans().get(1).candidates()).containsExactly(new Candidate(new Point(6, 6, 6), false));
        assertThat(messages(dataset, Kind.DUPLICATE_ROW))
                .containsExactly(
                        "series 1.2.1: annotations.csv repeats 1 of its rows; each counts once",
                        "series 1.2.1: candidates_V2.csv repeats 2 of its rows; each counts once");
        assertThat(messages(dataset, Kind.CONTRADICTORY_ROW))
                .containsExactly("series 1.2.1: candidates_V2.csv calls 1 places a nodule and none, such as"
                        + " (3.5, 3.0, 3.0); they are left out");
    }

    @Test
    void reportsScansWithoutCandidatesAndHeadersOutsideOfSubsets() throws IOException {
        LunaFolder.small(folder).scan("elsewhere", "1.2.3");
        write("candidates_V2.csv", CANDIDATES + "1.2.0,1,1,1,0\n1.2.1,1,1,1,0\n1.2.2,1,1,1,0\n");

        Luna16Dataset dataset = Luna16Dataset.open(folder);

        assertThat(messages(dataset, Kind.NO_CANDIDATES))
                .containsExactly("series 1.2.3: has no candidate in candidates_V2.csv");
        assertThat(messages(dataset, Kind.STRAY_HEADERS))
                .containsExactly(
                        "1 .mhd files lie in no subset and are not used, such as " + Path.of("elsewhere", "1.2.3.mhd"));
    }

    @Test
    void saysWhatAFolderLacks() throws IOException {
        String expected = "; expected are subset0/*.mhd (to subset9) with their .raw or .zraw, annotations.csv, and"
                + " candidates_V2.csv or candidates.csv";
        assertRefused(
                Problem.NOT_LUNA16,
                "",
                ": is not a LUNA16 data set: has no scan in a folder subset0 to subset9, no annotations.csv, no"
                        + " candidates_V2.csv and no candidates.csv" + expected);

        new LunaFolder(folder).scan("scans", "1.2.0").listed("1.2.0", true).lists();
        assertRefused(
                Problem.NOT_LUNA16,
                "",
                ": is not a LUNA16 data set: has no scan in a folder subset0 to subset9 (.mhd files elsewhere: 1, such as "
                        + Path.of("scans", "1.2.0.mhd") + ")" + expected);

        new LunaFolder(folder).scan("subset0", "1.2.0");
        Files.delete(folder.resolve("annotations.csv"));
        assertRefused(Problem.NOT_LUNA16, "", ": is not a LUNA16 data set: has no annotations.csv" + expected);
    }

    @Test
    void refusesWhatIsNoFolder() throws IOException {
        Path file = Files.createFile(folder.resolve("file"));

        assertThatExceptionOfType(DatasetException.class)
                .isThrownBy(() -> Luna16Dataset.open(folder.resolve("absent")))
                .withMessage(folder.resolve("absent") + ": there is no such folder");
        assertThatExceptionOfType(DatasetException.class)
                .isThrownBy(() -> Luna16Dataset.open(file))
                .withMessage(file + ": is not a folder");
    }

    @ParameterizedTest
    @ValueSource(strings = {"seriesuid", "coordX", "coordY", "coordZ", "diameter_mm"})
    void refusesAnnotationsWithoutAColumn(String column) throws IOException {
        LunaFolder.small(folder);
        String header = ANNOTATIONS.strip().replace(column, "other");
        write("annotations.csv", header + "\n1.2.1,1,1,1,1\n");

        assertRefused(
                Problem.MISSING_COLUMN,
                "annotations.csv",
                ": column '" + column + "' is missing, the columns are '" + header + "'");
    }

    @Test
    void refusesCandidatesWithoutAClass() throws IOException {
        LunaFolder.small(folder);
        write("candidates_V2.csv", "seriesuid;coordX;coordY;coordZ;class\n1.2.1;1;1;1;1\n");

        assertRefused(
                Problem.MISSING_COLUMN,
                "candidates_V2.csv",
                ": column 'seriesuid' is missing, the columns are 'seriesuid;coordX;coordY;coordZ;class'");
    }

    @Test
    void refusesColumnThatIsThereTwice() throws IOException {
        LunaFolder.small(folder);
        write("candidates_V2.csv", "seriesuid,coordX,coordY,coordZ,class,Class\n1.2.1,1,1,1,1,0\n");

        assertRefused(
                Problem.AMBIGUOUS_COLUMN,
                "candidates_V2.csv",
                ": columns 'class' and 'Class' could both be the column 'class'");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "1.2.1,x,1,1,1 | coordX | must be a finite number, was 'x' | BAD_NUMBER",
                "1.2.1,1,NaN,1,1 | coordY | must be a finite number, was 'NaN' | BAD_NUMBER",
                "1.2.1,1,1,-Infinity,1 | coordZ | must be a finite number, was '-Infinity' | BAD_NUMBER",
                "1.2.1,1,1,1e999,1 | coordZ | must be a finite number, was '1e999' | BAD_NUMBER",
                "1.2.1,1,,1,1 | coordY | is empty | EMPTY_FIELD",
                ",1,1,1,1 | seriesuid | is empty | EMPTY_FIELD",
                "1.2.1,1,1,1,2 | class | must be 0 or 1, was '2' | BAD_CLASS",
                "1.2.1,1,1,1,true | class | must be 0 or 1, was 'true' | BAD_CLASS",
                "1.2.1,1,1,1, | class | is empty | EMPTY_FIELD"
            })
    void refusesCandidatesWithABadField(String row, String column, String reason, Problem problem) throws IOException {
        LunaFolder.small(folder);
        write("candidates_V2.csv", CANDIDATES + "1.2.0,1,1,1,0\n\n" + row + "\n1.2.0,2,1,1,0\n");

        assertRefused(problem, "candidates_V2.csv", ", line 4, column '" + column + "': " + reason);
    }

    @Test
    void namesTheLineOfABadFieldWhateverEndsTheLines() throws IOException {
        LunaFolder.small(folder);
        write("annotations.csv", (ANNOTATIONS + "1.2.1,1,1,1,4\n1.2.1,1,1,1,abc").replace("\n", "\r\n"));

        assertThatExceptionOfType(DatasetException.class)
                .isThrownBy(() -> Luna16Dataset.open(folder))
                .satisfies(e -> assertThat(e.line()).hasValue(3))
                .satisfies(e -> assertThat(e.column()).hasValue("diameter_mm"))
                .withMessageContaining("line 3, column 'diameter_mm': must be a finite number, was 'abc'");
    }

    @ParameterizedTest
    @ValueSource(strings = {"0", "-1"})
    void refusesDiametersThatAreNotPositive(String diameter) throws IOException {
        LunaFolder.small(folder);
        write("annotations.csv", ANNOTATIONS + "1.2.1,1,1,1," + diameter + "\n");

        assertRefused(
                Problem.BAD_NUMBER,
                "annotations.csv",
                ", line 2, column 'diameter_mm': must be > 0, was " + diameter + ".0");
    }

    @Test
    void refusesRowsOfAnotherLengthThanTheHeader() throws IOException {
        LunaFolder.small(folder);
        // A decimal comma, and a file that was cut off.
        write("annotations.csv", ANNOTATIONS + "1.2.1,1,5,1,1,4\n");
        assertRefused(Problem.MALFORMED, "annotations.csv", ", line 2: must have 5 fields as the header, has 6");
        write("annotations.csv", ANNOTATIONS + "1.2.1,1,5,1,1\n1.2.1,1");
        assertRefused(Problem.MALFORMED, "annotations.csv", ", line 3: must have 5 fields as the header, has 2");
    }

    @Test
    void refusesListsWithoutRows() throws IOException {
        for (String list : new String[] {"annotations.csv", "candidates_V2.csv", "seriesuids.csv"}) {
            LunaFolder.small(folder);
            write(list, "");
            assertRefused(Problem.EMPTY, list, ": is empty");
            write(list, "\n\r\n");
            assertRefused(Problem.EMPTY, list, ": is empty");
        }
        LunaFolder.small(folder);
        write("candidates_V2.csv", CANDIDATES);
        assertRefused(Problem.EMPTY, "candidates_V2.csv", ": has no row after its header");
        write("annotations.csv", ANNOTATIONS);
        assertRefused(Problem.EMPTY, "annotations.csv", ": has no row after its header");
    }

    @Test
    void refusesASeriesListWithMoreThanSeries() throws IOException {
        LunaFolder.small(folder);
        write("seriesuids.csv", "1.2.0\n1.2.1,3\n");

        assertRefused(Problem.MALFORMED, "seriesuids.csv", ", line 2: must be one series UID, has 2 fields");
    }

    @Test
    void refusesListsThatAreNoText() throws IOException {
        LunaFolder.small(folder);
        Files.write(folder.resolve("annotations.csv"), ANNOTATIONS.getBytes(StandardCharsets.UTF_16));

        assertRefused(Problem.UNREADABLE, "annotations.csv", ": is not text in UTF-8");
    }

    @Test
    void refusesQuotesThatDoNotClose() throws IOException {
        LunaFolder.small(folder);
        write("annotations.csv", ANNOTATIONS + "1.2.1,\"1,1,1,1\n");

        assertThatExceptionOfType(DatasetException.class)
                .isThrownBy(() -> Luna16Dataset.open(folder))
                .satisfies(e -> assertThat(e.problem()).isEqualTo(Problem.MALFORMED))
                .satisfies(e -> assertThat(e.file()).isEqualTo(folder.resolve("annotations.csv")));
    }

    /** Whatever is done to the lists, they are read or refused as what they are. */
    @ParameterizedTest
    @ValueSource(longs = {1, 2})
    void refusesDamagedListsByNoOtherException(long seed) throws IOException {
        LunaFolder.small(folder);
        SeededRandom random = SeededRandom.of(seed);
        String[] names = {"annotations.csv", "candidates_V2.csv", "seriesuids.csv"};
        String[] whole = new String[names.length];
        for (int i = 0; i < names.length; i++) {
            whole[i] = Files.readString(folder.resolve(names[i]));
        }
        String[] spice = {"\"", ",", "\n", "\r", "NaN", "-", "1e400", "\ufeff", " ", "\0", "class", "1.2.9", ";"};
        int read = 0;
        int refused = 0;
        for (int i = 0; i < 500; i++) {
            int which = random.nextInt(names.length);
            StringBuilder text = new StringBuilder(whole[which]);
            for (int edits = 1 + random.nextInt(3); edits > 0; edits--) {
                int place = random.nextInt(text.length());
                switch (random.nextInt(3)) {
                    case 0 -> text.setCharAt(place, (char) random.nextInt(256));
                    case 1 -> text.insert(place, spice[random.nextInt(spice.length)]);
                    default -> text.delete(place, Math.min(text.length() - 1, place + 1 + random.nextInt(9)));
                }
            }
            // As single bytes, so that some are no UTF-8.
            Files.write(
                    folder.resolve(names[which]),
                    text.toString()
                            .getBytes(random.nextInt(4) == 0 ? StandardCharsets.ISO_8859_1 : StandardCharsets.UTF_8));
            try {
                DatasetCheck.of(Luna16Dataset.open(folder));
                read++;
            } catch (DatasetException e) {
                assertThat(e).hasMessageStartingWith(e.file().toString());
                refused++;
            }
            write(names[which], whole[which]);
        }
        assertThat(read).isPositive();
        assertThat(refused).isPositive();
    }
}
