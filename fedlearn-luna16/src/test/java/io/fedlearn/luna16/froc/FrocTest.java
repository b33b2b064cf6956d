package io.fedlearn.luna16.froc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import io.fedlearn.luna16.dataset.ExcludedFinding;
import io.fedlearn.luna16.dataset.Mark;
import io.fedlearn.luna16.dataset.Nodule;
import io.fedlearn.luna16.dataset.ReferenceStandard;
import io.fedlearn.luna16.dataset.Submission;
import io.fedlearn.luna16.froc.MarkOutcome.Kind;
import io.fedlearn.luna16.image.Point;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Each rule on a case that can be followed by hand. */
final class FrocTest {
    private static final String A = "1.2.3.1";
    private static final String B = "1.2.3.2";
    private static final String C = "1.2.3.3";
    private static final String D = "1.2.3.4";

    private static Nodule nodule(double x, double y, double z, double diameter) {
        return new Nodule(new Point(x, y, z), diameter);
    }

    private static ExcludedFinding excluded(double x, double y, double z, double diameter) {
        return new ExcludedFinding(new Point(x, y, z), diameter);
    }

    private static Mark mark(double x, double y, double z, double probability) {
        return new Mark(new Point(x, y, z), probability);
    }

    private static ReferenceStandard reference(List<String> series, Map<String, List<Nodule>> nodules) {
        return ReferenceStandard.of(series, nodules, Map.of());
    }

    private static FrocResult score(ReferenceStandard reference, Map<String, List<Mark>> marks) {
        return Froc.official().score(reference, Submission.of(marks));
    }

    private static FrocResult scoreOne(Nodule nodule, Mark... marks) {
        return score(reference(List.of(A), Map.of(A, List.of(nodule))), Map.of(A, List.of(marks)));
    }

    private static List<Kind> kinds(FrocResult result) {
        return result.marks().stream().map(MarkOutcome::kind).toList();
    }

    private static List<Double> sensitivities(FrocResult result) {
        return result.operatingPoints().stream()
                .map(OperatingPoint::sensitivity)
                .toList();
    }

    private static List<List<Double>> points(FrocResult result) {
        return result.curve().points().stream()
                .map(point -> List.of(point.falsePositivesPerScan(), point.sensitivity()))
                .toList();
    }

    /** Four scans with every rule in them; docs/luna16-froc.md walks through it. */
    @Test
    void scoresFourScansWithEveryRuleInThem() {
        ReferenceStandard reference = ReferenceStandard.of(
                List.of(A, B, C, D),
                Map.of(
                        A, List.of(nodule(0, 0, 0, 10), nodule(6, 0, 0, 10)),
                        B, List.of(nodule(0, 0, 0, 6)),
                        C, List.of(nodule(50, 50, 50, 8))),
                Map.of(A, List.of(excluded(0, 40, 0, 10)), B, List.of(excluded(0, 0, 4, 4))));
        Submission submission = Submission.of(Map.of(
                A, List.of(mark(3, 0, 0, 0.9), mark(0, 4, 0, 0.8), mark(0, 43, 0, 0.7), mark(0, 45, 0, 0.6)),
                B, List.of(mark(3, 0, 0, 0.9), mark(0, 0, 2.9, 0.5)),
                C,
                        List.of(
                                mark(9, 9, 9, 0.5),
                                mark(8, 8, 8, 0.3),
                                mark(7, 7, 7, 0.2),
                                mark(6, 6, 6, 0.2),
                                mark(50, 50, 50, 0.2))));

        FrocResult result = Froc.builder().marksPerScan(4).build().score(reference, submission);

        assertThat(kinds(result))
                .containsExactly(
                        Kind.TRUE_POSITIVE, // on both nodules, which overlap
                        Kind.DOUBLE,
                        Kind.IGNORED,
                        Kind.FALSE_POSITIVE, // on the sphere of the excluded finding, which is outside
                        Kind.FALSE_POSITIVE, // on the sphere of the nodule
                        Kind.TRUE_POSITIVE, // also on an excluded finding
                        Kind.FALSE_POSITIVE,
                        Kind.FALSE_POSITIVE,
                        Kind.SURPLUS, // as probable as the fifth
                        Kind.SURPLUS,
                        Kind.SURPLUS); // on the nodule, which is missed
        assertThat(result.counts()).isEqualTo(new FrocCounts(4, 4, 8, 3, 4, 1, 1, 1, 3));
        assertThat(points(result))
                .containsExactly(
                        List.of(0.0, 0.0),
                        List.of(0.25, 0.5),
                        List.of(0.5, 0.5),
                        List.of(0.75, 0.75),
                        List.of(1.0, 0.75));
        assertThat(sensitivities(result)).containsExactly(0.25, 0.5, 0.5, 0.75, 0.75, 0.75, 0.75);
        assertThat(result.cpm()).isCloseTo(4.25 / 7, within(1e-15));
    }

    @ParameterizedTest
    @ValueSource(doubles = {0, 2.9, 2.999999999})
    void markNearerThanTheRadiusFindsTheNodule(double distance) {
        assertThat(kinds(scoreOne(nodule(1, 1, 1, 6), mark(1, 1 + distance, 1, 0.5))))
                .containsExactly(Kind.TRUE_POSITIVE);
    }

    @ParameterizedTest
    @ValueSource(doubles = {3, 3.0000001, 6})
    void markOnTheSphereOrBeyondIsAFalsePositive(double distance) {
        FrocResult result = scoreOne(nodule(1, 1, 1, 6), mark(1, 1, 1 - distance, 0.5));

        assertThat(kinds(result)).containsExactly(Kind.FALSE_POSITIVE);
        assertThat(result.nodules().get(0).isMissed()).isTrue();
        assertThat(result.cpm()).isZero();
    }

    @Test
    void distanceIsTakenInAllThreeDirections() {
        // 2^2 + 3^2 + 6^2 = 7^2
        assertThat(kinds(scoreOne(nodule(0, 0, 0, 14.001), mark(2, 3, 6, 0.5)))).containsExactly(Kind.TRUE_POSITIVE);
        assertThat(kinds(scoreOne(nodule(0, 0, 0, 14), mark(2, 3, 6, 0.5)))).containsExactly(Kind.FALSE_POSITIVE);
    }

    @Test
    void severalMarksOnOneNoduleAreOneFindWithTheHighestProbability() {
        FrocResult result = scoreOne(
                nodule(0, 0, 0, 10), mark(1, 0, 0, 0.4), mark(0, 1, 0, 0.7), mark(0, 0, 1, 0.7), mark(0, 0, 0, 0.1));

        assertThat(kinds(result)).containsExactly(Kind.DOUBLE, Kind.TRUE_POSITIVE, Kind.DOUBLE, Kind.DOUBLE);
        assertThat(result.nodules().get(0).foundBy()).contains(mark(0, 1, 0, 0.7));
        assertThat(result.nodules().get(0).marks()).isEqualTo(4);
        assertThat(result.counts().truePositives()).isEqualTo(1);
        assertThat(result.counts().doubles()).isEqualTo(3);
        assertThat(result.counts().falsePositives()).isZero();
        assertThat(result.curve().points())
                .containsExactly(new FrocCurve.Point(0, 0, Double.POSITIVE_INFINITY), new FrocCurve.Point(0, 1, 0.7));
    }

    @Test
    void oneMarkFindsTwoNodulesThatOverlap() {
        ReferenceStandard reference =
                reference(List.of(A), Map.of(A, List.of(nodule(0, 0, 0, 10), nodule(6, 0, 0, 10))));

        FrocResult result = score(reference, Map.of(A, List.of(mark(3, 0, 0, 0.5))));

        assertThat(result.counts().truePositives()).isEqualTo(2);
        assertThat(result.counts().doubles()).isZero();
        assertThat(result.cpm()).isEqualTo(1);
    }

    @Test
    void theBetterMarkOfTheSecondNoduleMakesTheSharedOneADoubleThere() {
        ReferenceStandard reference =
                reference(List.of(A), Map.of(A, List.of(nodule(0, 0, 0, 10), nodule(6, 0, 0, 10))));

        FrocResult result = score(reference, Map.of(A, List.of(mark(3, 0, 0, 0.5), mark(9, 0, 0, 0.6))));

        // The shared mark found the first nodule, and counts as a double of the second.
        assertThat(kinds(result)).containsExactly(Kind.TRUE_POSITIVE, Kind.TRUE_POSITIVE);
        assertThat(result.nodules().stream().map(outcome -> outcome.foundBy().orElseThrow()))
                .containsExactly(mark(3, 0, 0, 0.5), mark(9, 0, 0, 0.6));
        assertThat(result.counts().doubles()).isEqualTo(1);
    }

    @Test
    void marksOnExcludedFindingsCountNeitherWayUnlessTheyAreOnANodule() {
        ReferenceStandard reference = ReferenceStandard.of(
                List.of(A),
                Map.of(A, List.of(nodule(0, 0, 0, 6))),
                Map.of(A, List.of(excluded(0, 0, 4, 10), excluded(0, 0, 5, 10))));

        FrocResult result =
                score(reference, Map.of(A, List.of(mark(0, 0, 2, 0.5), mark(0, 0, 6, 0.9), mark(0, 0, 10, 0.8))));

        assertThat(kinds(result)).containsExactly(Kind.TRUE_POSITIVE, Kind.IGNORED, Kind.FALSE_POSITIVE);
        // On two findings, and ignored once.
        assertThat(result.counts().ignored()).isEqualTo(1);
    }

    @Test
    void findingWithoutADiameterCoversNothing() {
        ReferenceStandard reference = ReferenceStandard.of(
                List.of(A), Map.of(A, List.of(nodule(0, 0, 0, 6))), Map.of(A, List.of(excluded(20, 0, 0, 0))));

        assertThat(kinds(score(reference, Map.of(A, List.of(mark(20, 0, 0, 0.5))))))
                .containsExactly(Kind.FALSE_POSITIVE);
    }

    private static List<Mark> falsePositives(int count, double probability) {
        return IntStream.range(0, count)
                .mapToObj(i -> mark(1000 + i, 0, 0, probability))
                .toList();
    }

    @Test
    void hundredMarksOfAScanCountAndTheTiesOfTheHundredAndFirstGo() {
        List<Mark> marks = new ArrayList<>(falsePositives(98, 0.9));
        marks.addAll(falsePositives(2, 0.5));
        ReferenceStandard reference = reference(List.of(A), Map.of(A, List.of(nodule(0, 0, 0, 6))));
        assertThat(score(reference, Map.of(A, marks)).counts().falsePositives()).isEqualTo(100);

        marks.add(mark(0, 0, 0, 0.5));
        FrocCounts counts = score(reference, Map.of(A, marks)).counts();

        assertThat(counts.falsePositives()).isEqualTo(98);
        assertThat(counts.surplus()).isEqualTo(3);
        assertThat(counts.marks()).isEqualTo(98);
        assertThat(counts.falseNegatives()).isEqualTo(1);
    }

    @Test
    void hundredAndOneEquallyProbableMarksAllGo() {
        ReferenceStandard reference = reference(List.of(A), Map.of(A, List.of(nodule(0, 0, 0, 6))));

        FrocResult result = score(reference, Map.of(A, falsePositives(101, 0.5)));

        assertThat(result.counts().marks()).isZero();
        assertThat(result.counts().surplus()).isEqualTo(101);
        assertThat(result.cpm()).isZero();
    }

    @Test
    void missedNodulesCountInTheDenominatorAndAreOnNoPointOfTheCurve() {
        ReferenceStandard reference =
                reference(List.of(A), Map.of(A, List.of(nodule(0, 0, 0, 6), nodule(50, 0, 0, 6), nodule(90, 0, 0, 6))));

        FrocResult result = score(reference, Map.of(A, List.of(mark(0, 0, 0, 0.9), mark(20, 0, 0, 0.1))));

        assertThat(points(result)).containsExactly(List.of(0.0, 0.0), List.of(0.0, 1.0 / 3), List.of(1.0, 1.0 / 3));
        assertThat(result.cpm()).isCloseTo(1.0 / 3, within(1e-15));
        assertThat(result.counts().sensitivity()).isCloseTo(1.0 / 3, within(1e-15));
    }

    @Test
    void equallyProbableMarksAreOnePointOfTheCurve() {
        ReferenceStandard reference = reference(List.of(A), Map.of(A, List.of(nodule(0, 0, 0, 6))));

        FrocResult result =
                score(reference, Map.of(A, List.of(mark(20, 0, 0, 0.5), mark(0, 0, 0, 0.5), mark(30, 0, 0, 0.5))));

        assertThat(points(result)).containsExactly(List.of(0.0, 0.0), List.of(2.0, 1.0));
        // Straight from (0, 0) to (2, 1), whatever the order of the marks.
        assertThat(sensitivities(result)).containsExactly(0.0625, 0.125, 0.25, 0.5, 1.0, 1.0, 1.0);
    }

    @Test
    void negativeAndPositiveZeroAreOneProbability() {
        ReferenceStandard reference = reference(List.of(A), Map.of(A, List.of(nodule(0, 0, 0, 6))));

        FrocResult result = score(reference, Map.of(A, List.of(mark(0, 0, 0, -0.0), mark(20, 0, 0, 0.0))));

        assertThat(points(result)).containsExactly(List.of(0.0, 0.0), List.of(1.0, 1.0));
    }

    @Test
    void scansWithoutMarksOrNodulesCountInTheDenominatorOfTheRate() {
        Map<String, List<Nodule>> nodules = Map.of(A, List.of(nodule(0, 0, 0, 6)));
        Map<String, List<Mark>> marks = Map.of(A, List.of(mark(20, 0, 0, 0.9), mark(0, 0, 0, 0.5)));

        assertThat(points(score(reference(List.of(A), nodules), marks)).get(1)).containsExactly(1.0, 0.0);
        assertThat(points(score(reference(List.of(A, B, C, D), nodules), marks)).get(1))
                .containsExactly(0.25, 0.0);
    }

    @Test
    void whereTheCurveRisesStraightUpItsTopCounts() {
        ReferenceStandard reference =
                reference(List.of(A), Map.of(A, List.of(nodule(0, 0, 0, 6), nodule(50, 0, 0, 6))));

        // Points (1, 0), (1, 1/2), (1, 1).
        FrocResult result =
                score(reference, Map.of(A, List.of(mark(20, 0, 0, 0.9), mark(0, 0, 0, 0.8), mark(50, 0, 0, 0.7))));

        assertThat(sensitivities(result)).containsExactly(0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0);
        assertThat(result.curve().sensitivityAt(0.999)).isZero();
    }

    @Test
    void isLevelBeyondTheLastPointAndJoinedToTheOrigin() {
        ReferenceStandard reference = reference(List.of(A), Map.of(A, List.of(nodule(0, 0, 0, 6))));
        FrocResult result = score(reference, Map.of(A, List.of(mark(20, 0, 0, 0.5), mark(0, 0, 0, 0.5))));

        assertThat(result.curve().points().get(0)).isEqualTo(new FrocCurve.Point(0, 0, Double.POSITIVE_INFINITY));
        assertThat(result.curve().sensitivityAt(0)).isZero();
        assertThat(result.curve().sensitivityAt(0.3)).isCloseTo(0.3, within(1e-15));
        assertThat(result.curve().sensitivityAt(1e9)).isEqualTo(1);
    }

    @Test
    void tellsTheThresholdToRunASystemWith() {
        ReferenceStandard reference = reference(List.of(A, B), Map.of(A, List.of(nodule(0, 0, 0, 6))));
        FrocResult result = score(
                reference,
                Map.of(
                        A, List.of(mark(0, 0, 0, 0.6), mark(20, 0, 0, 0.7), mark(30, 0, 0, 0.4)),
                        B, List.of(mark(0, 0, 0, 0.2))));

        assertThat(result.curve().thresholdAt(0.49)).isEqualTo(Double.POSITIVE_INFINITY);
        assertThat(result.curve().thresholdAt(0.5)).isEqualTo(0.6);
        assertThat(result.curve().thresholdAt(1)).isEqualTo(0.4);
        assertThat(result.curve().thresholdAt(8)).isEqualTo(0.2);
    }

    @Test
    void submissionWithoutMarksScoresZero() {
        FrocResult result = score(reference(List.of(A, B), Map.of(A, List.of(nodule(0, 0, 0, 6)))), Map.of());

        assertThat(result.cpm()).isZero();
        assertThat(sensitivities(result)).containsOnly(0.0);
        assertThat(points(result)).containsExactly(List.of(0.0, 0.0));
        assertThat(result.counts()).isEqualTo(new FrocCounts(2, 1, 0, 0, 0, 1, 0, 0, 0));
    }

    @Test
    void refusesAReferenceStandardWithoutNodules() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> score(reference(List.of(A), Map.of()), Map.of()))
                .withMessageContaining("must have a nodule")
                .withMessageContaining("1 scans");
    }

    @Test
    void refusesMarksOnScansThatDoNotCount() {
        ReferenceStandard reference = reference(List.of(A), Map.of(A, List.of(nodule(0, 0, 0, 6))));

        assertThatIllegalArgumentException()
                .isThrownBy(() -> score(reference, Map.of(B, List.of(mark(0, 0, 0, 0.5)))))
                .withMessageContaining(B);
    }

    @Test
    void refusesSettingsThatMakeNoSense() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Froc.builder().rates(List.of()).build())
                .withMessageContaining("rates");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Froc.builder().rates(List.of(1.0, 1.0)).build())
                .withMessageContaining("rates must rise");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Froc.builder().marksPerScan(0).build())
                .withMessageContaining("marksPerScan must be >= 1, was 0");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Froc.builder().bootstraps(-1).build())
                .withMessageContaining("bootstraps must be from 0 to 100000, was -1");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Froc.builder().confidence(1).build())
                .withMessageContaining("confidence must be > 0 and < 1, was 1.0");
        assertThatIllegalArgumentException()
                .isThrownBy(() ->
                        scoreOne(nodule(0, 0, 0, 6), mark(0, 0, 0, 1)).curve().sensitivityAt(Double.NaN))
                .withMessageContaining("was NaN");
    }

    @Test
    void defaultsAreTheChallenges() {
        assertThat(Froc.RATES).containsExactly(0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0);
        assertThat(Froc.DEFAULT_MARKS_PER_SCAN).isEqualTo(100);
        assertThat(Froc.DEFAULT_CONFIDENCE).isEqualTo(0.95);
        assertThat(scoreOne(nodule(0, 0, 0, 6), mark(0, 0, 0, 1)).band()).isEmpty();
    }
}
