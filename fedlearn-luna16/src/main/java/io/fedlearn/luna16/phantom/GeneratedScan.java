package io.fedlearn.luna16.phantom;

import io.fedlearn.core.random.SeededRandom;
import io.fedlearn.luna16.dataset.Candidate;
import io.fedlearn.luna16.dataset.Nodule;
import io.fedlearn.luna16.image.Point;
import io.fedlearn.luna16.image.Volume;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * One scan: its chest and findings are planned when it is made, which is quick; {@link #volume()} paints it. The same
 * seed gives the same bits.
 */
final class GeneratedScan {
    private static final int DECIMALS = 4;
    private static final int LEAST_NODULES = 4;
    private static final int MOST_NODULES = 7;
    private static final int LEAST_DISTRACTORS = 18;
    private static final int MOST_DISTRACTORS = 22;
    /** How far from the centre a candidate may be, as a share of the diameter. */
    private static final double JITTER = 0.25;

    private final HospitalProfile hospital;
    private final long seed;
    private final Chest chest;
    private final Point corner;
    private final boolean flipped;
    private final double noise;
    private final List<Finding> findings = new ArrayList<>();
    private final List<Nodule> nodules = new ArrayList<>();
    private final List<Candidate> candidates = new ArrayList<>();

    /** Plans a scan. */
    GeneratedScan(HospitalProfile hospital, Optional<Background> background, long seed) {
        this.hospital = hospital;
        this.seed = seed;
        Draw scanner = Draw.of(seed, "scanner");
        double zoom = scanner.between(0.95, 1.05);
        double inPlane = rounded(hospital.inPlane() * zoom);
        Point spacing = new Point(inPlane, inPlane, hospital.slice());
        this.noise = hospital.noise() * scanner.between(0.85, 1.15);
        this.flipped = scanner.chance(hospital.flipped());
        this.corner = new Point(
                rounded(scanner.between(-140.0, -100.0)),
                rounded(scanner.between(-280.0, -100.0)),
                rounded(scanner.between(-400.0, -50.0)));
        this.chest = background
                .<Chest>map(real -> new BackgroundChest(real, seed))
                .orElseGet(() -> new PhantomChest(spacing, seed));
        plan(Draw.of(seed, "findings"));
    }

    private void plan(Draw draw) {
        Places places = new Places(chest, draw);
        NoduleMaker noduleMaker = new NoduleMaker(hospital, places, chest.leastNodule(), draw);
        int nodulesWanted = draw.count(LEAST_NODULES, MOST_NODULES);
        for (int i = 0; i < nodulesWanted; i++) {
            noduleMaker.make().ifPresent(findings::add);
        }
        DistractorMaker distractorMaker = new DistractorMaker(chest, hospital, places, draw);
        int distractorsWanted = draw.count(LEAST_DISTRACTORS, MOST_DISTRACTORS);
        for (int i = 0; i < distractorsWanted; i++) {
            distractorMaker.make().ifPresent(findings::add);
        }
        for (Finding finding : findings) {
            int times = 1;
            if (finding.isNodule()) {
                nodules.add(new Nodule(inPatient(finding.center()), rounded(finding.diameter())));
                // Detectors find some nodules twice or three times.
                times += draw.pick(0.70, 0.22, 0.08);
            }
            for (int i = 0; i < times; i++) {
                Point near = Vectors.plus(finding.center(), draw.inBall(JITTER * finding.diameter()));
                candidates.add(new Candidate(inPatient(near), finding.isNodule()));
            }
        }
        // The list must not begin with what is a nodule.
        for (int i = candidates.size() - 1; i > 0; i--) {
            int j = draw.below(i + 1);
            Candidate candidate = candidates.get(i);
            candidates.set(i, candidates.get(j));
            candidates.set(j, candidate);
        }
    }

    private Point inPatient(Point place) {
        Point world = Vectors.plus(corner, place);
        return new Point(rounded(world.x()), rounded(world.y()), rounded(world.z()));
    }

    /** As it is written to lists: with a few decimals, the same digits on every JVM. */
    static String text(double value) {
        return BigDecimal.valueOf(tenThousandths(value), DECIMALS)
                .stripTrailingZeros()
                .toPlainString();
    }

    private static double rounded(double value) {
        return tenThousandths(value) / 1e4;
    }

    private static long tenThousandths(double value) {
        return Math.round(value * 1e4);
    }

    /** The nodules, in millimetres of the patient. */
    List<Nodule> nodules() {
        return nodules;
    }

    /** Nodules and what is mistaken for them, in no order. */
    List<Candidate> candidates() {
        return candidates;
    }

    /** What there is to find, in millimetres of the chest. */
    List<Finding> findings() {
        return findings;
    }

    Chest chest() {
        return chest;
    }

    /** Paints the scan. */
    Volume volume() {
        Canvas canvas = chest.paint();
        for (Finding finding : findings) {
            finding.shapes().forEach(shape -> canvas.brighten(shape, chest.parenchyma()));
        }
        return Reconstruction.of(
                canvas,
                noise * chest.addedNoise(),
                hospital.smoothing(),
                hospital.offset(),
                flipped,
                corner,
                SeededRandom.of(SeededRandom.derive(seed, "noise")));
    }
}
