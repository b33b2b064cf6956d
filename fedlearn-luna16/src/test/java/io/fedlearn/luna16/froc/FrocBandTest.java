package io.fedlearn.luna16.froc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.fedlearn.luna16.dataset.Mark;
import io.fedlearn.luna16.dataset.Nodule;
import io.fedlearn.luna16.dataset.ReferenceStandard;
import io.fedlearn.luna16.dataset.Submission;
import io.fedlearn.luna16.image.Point;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

final class FrocBandTest {
    private static final Nodule NODULE = new Nodule(new Point(0, 0, 0), 6);
    private static final Mark HIT = new Mark(new Point(0, 0, 0), 0.5);

    /** Scans of one nodule each, of which some are found, without false positives. */
    private static FrocResult score(int scans, int found, int samples, long seed) {
        List<String> series = new ArrayList<>();
        Map<String, List<Nodule>> nodules = new HashMap<>();
        Map<String, List<Mark>> marks = new HashMap<>();
        for (int i = 0; i < scans; i++) {
            series.add("s" + i);
            nodules.put("s" + i, List.of(NODULE));
            if (i < found) {
                marks.put("s" + i, List.of(HIT));
            }
        }
        return Froc.builder()
                .bootstraps(samples)
                .seed(seed)
                .build()
                .score(ReferenceStandard.of(series, nodules, Map.of()), Submission.of(marks));
    }

    @Test
    void spreadIsThatOfTheBinomialDistribution() {
        // Each sample's sensitivity is the share of found scans in 100 draws: mean 0.7, deviation 0.0458.
        FrocBand band = score(100, 70, 1000, 1).band().orElseThrow();

        // False alarm: 5 deviations of the mean of 1000 samples, which is below 1e-6.
        assertThat(band.cpm().mean()).isCloseTo(0.7, within(5 * 0.0458 / Math.sqrt(1000)));
        assertThat(band.cpm().lower()).isBetween(0.59, 0.62);
        assertThat(band.cpm().upper()).isBetween(0.78, 0.80);
        assertThat(band.operatingPoints())
                .hasSize(7)
                .allSatisfy(point -> assertThat(point.sensitivity())
                        .isEqualTo(band.operatingPoints().get(0).sensitivity()));
    }

    @Test
    void isTheSameForTheSameSeedAndAnotherForAnother() {
        FrocBand band = score(30, 17, 100, 5).band().orElseThrow();

        assertThat(score(30, 17, 100, 5).band()).contains(band);
        assertThat(score(30, 17, 100, 6).band().orElseThrow().cpm()).isNotEqualTo(band.cpm());
    }

    @Test
    void boundsAreTakenByPositionRoundedDown() {
        // One sample: floor(0.025) and floor(0.975) are both its own place.
        FrocBand one = score(20, 10, 1, 3).band().orElseThrow();
        assertThat(one.cpm().lower())
                .isEqualTo(one.cpm().mean())
                .isEqualTo(one.cpm().upper());

        // Forty samples: floor(1.0) is the second, floor(39.0) the last.
        List<Double> cpms = new ArrayList<>();
        FrocBand forty = score(20, 10, 40, 3).band().orElseThrow();
        for (int sample = 0; sample < 40; sample++) {
            cpms.add(sampled(20, 10, 3, sample));
        }
        cpms.sort(null);
        assertThat(forty.cpm().lower()).isCloseTo(cpms.get(1), within(1e-12));
        assertThat(forty.cpm().upper()).isCloseTo(cpms.get(39), within(1e-12));
    }

    /** The sensitivity of one sample, by drawing its scans here. */
    private static double sampled(int scans, int found, long seed, int sample) {
        var random = io.fedlearn.core.random.SeededRandom.of(io.fedlearn.core.random.SeededRandom.derive(seed, sample));
        int hits = 0;
        for (int i = 0; i < scans; i++) {
            hits += random.nextInt(scans) < found ? 1 : 0;
        }
        return (double) hits / scans;
    }

    @Test
    void samplesWithoutNodulesAreDrawnAgain() {
        // Of 50 scans one has a nodule, which it finds: more than a third of the samples lack it.
        List<String> series = new ArrayList<>();
        for (int i = 0; i < 50; i++) {
            series.add("s" + i);
        }
        FrocResult result = Froc.builder()
                .bootstraps(300)
                .build()
                .score(
                        ReferenceStandard.of(series, Map.of("s7", List.of(NODULE)), Map.of()),
                        Submission.of(Map.of("s7", List.of(HIT))));

        FrocBand band = result.band().orElseThrow();
        assertThat(band.samples()).isEqualTo(300);
        assertThat(band.points())
                .hasSize(Froc.BAND_POINTS)
                .allSatisfy(point -> assertThat(point.sensitivity()).isEqualTo(new FrocBand.Spread(1, 1, 1)));
    }

    @Test
    void samplesThatFindNothingHaveSensitivityZero() {
        // The one nodule that is found is in few samples; in the others all are missed.
        FrocBand band = score(40, 1, 200, 0).band().orElseThrow();

        assertThat(band.cpm().lower()).isZero();
        assertThat(band.cpm().mean()).isBetween(0.01, 0.05);
    }

    @Test
    void goesEvenlyFromTheLowestToTheHighestRate() {
        List<FrocBand.Point> points = score(5, 3, 2, 0).band().orElseThrow().points();

        assertThat(points).hasSize(10_000);
        assertThat(points.get(0).falsePositivesPerScan()).isEqualTo(0.125);
        assertThat(points.get(9_999).falsePositivesPerScan()).isEqualTo(8);
        assertThat(points.get(1).falsePositivesPerScan()).isCloseTo(0.125 + 7.875 / 9999, within(1e-15));
    }
}
