package io.fedlearn.examples.docs;

import static org.assertj.core.api.Assertions.assertThat;

import io.fedlearn.luna16.dataset.Candidate;
import io.fedlearn.luna16.dataset.Mark;
import io.fedlearn.luna16.dataset.Nodule;
import io.fedlearn.luna16.dataset.ReferenceStandard;
import io.fedlearn.luna16.dataset.Scan;
import io.fedlearn.luna16.dataset.Submission;
import io.fedlearn.luna16.froc.Froc;
import io.fedlearn.luna16.froc.FrocBand;
import io.fedlearn.luna16.froc.FrocResult;
import io.fedlearn.luna16.froc.NoduleOutcome;
import io.fedlearn.luna16.froc.OperatingPoint;
import io.fedlearn.luna16.image.Point;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.ToDoubleBiFunction;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Code of {@code docs/luna16-froc.md}. */
final class FrocTest {
    @TempDir
    Path folder;

    // tag::score[]
    static double score(Path lists, Path marks) {
        ReferenceStandard reference = ReferenceStandard.read(
                lists.resolve("annotations.csv"),
                lists.resolve("annotations_excluded.csv"),
                lists.resolve("seriesuids.csv"));
        FrocResult result = Froc.builder().bootstraps(1000).seed(1).build().score(reference, Submission.read(marks));

        for (OperatingPoint point : result.operatingPoints()) {
            System.out.printf("%5.3f FP/scan: %.9f%n", point.falsePositivesPerScan(), point.sensitivity());
        }
        FrocBand.Spread band = result.band().orElseThrow().cpm();
        System.out.printf("CPM %.9f (%.3f to %.3f)%n", result.cpm(), band.lower(), band.upper());
        result.nodules().stream()
                .filter(NoduleOutcome::isMissed)
                .forEach(missed -> System.out.println("missed: " + missed.seriesUid() + " " + missed.nodule()));
        return result.cpm();
    }
    // end::score[]

    // tag::submission[]
    static Submission submission(List<Scan> scans, ToDoubleBiFunction<Scan, Candidate> model) {
        Map<String, List<Mark>> marks = new LinkedHashMap<>();
        for (Scan scan : scans) {
            List<Mark> ofScan = new ArrayList<>();
            for (Candidate candidate : scan.candidates()) {
                ofScan.add(new Mark(candidate.center(), model.applyAsDouble(scan, candidate)));
            }
            marks.put(scan.seriesUid(), ofScan);
        }
        return Submission.of(marks);
    }
    // end::submission[]

    @Test
    void scoresASubmissionMadeOfCandidates() throws IOException {
        String header = "seriesuid,coordX,coordY,coordZ,diameter_mm\n";
        Files.writeString(folder.resolve("annotations.csv"), header + "1.1,0,0,0,10\n1.2,5,5,5,8\n");
        Files.writeString(folder.resolve("annotations_excluded.csv"), header + "1.1,50,0,0,-1\n");
        Files.writeString(folder.resolve("seriesuids.csv"), "1.1\n1.2\n");
        Candidate right = new Candidate(new Point(0, 0, 1), true);
        Candidate wrong = new Candidate(new Point(9, 9, 9), false);
        Candidate excluded = new Candidate(new Point(49, 0, 0), false);
        List<Scan> scans = List.of(
                new Scan(
                        "1.1",
                        0,
                        Path.of("1.1.mhd"),
                        List.of(new Nodule(new Point(0, 0, 0), 10)),
                        List.of(right, wrong, excluded)),
                new Scan("1.2", 0, Path.of("1.2.mhd"), List.of(), List.of(wrong)));
        Path file = folder.resolve("marks.csv");

        submission(scans, (scan, candidate) -> candidate.isNodule() ? 0.9 : 0.4).write(file);

        assertThat(score(folder, file)).isEqualTo(0.5);
    }
}
