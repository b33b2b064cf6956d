package io.fedlearn.luna16.froc;

import io.fedlearn.luna16.dataset.ExcludedFinding;
import io.fedlearn.luna16.dataset.Mark;
import io.fedlearn.luna16.dataset.Nodule;
import io.fedlearn.luna16.dataset.ReferenceStandard;
import io.fedlearn.luna16.dataset.Submission;
import io.fedlearn.luna16.froc.MarkOutcome.Kind;
import io.fedlearn.luna16.image.Point;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/** Which marks are on which nodules, scan by scan. Confined to one thread at a time. */
final class Matching {
    private final int marksPerScan;
    private final Entries entries;
    private final List<MarkOutcome> marks = new ArrayList<>();
    private final List<NoduleOutcome> nodules = new ArrayList<>();
    private int counted;
    private int ignored;
    private int doubles;
    private int surplus;

    private Matching(int marksPerScan, int scans) {
        this.marksPerScan = marksPerScan;
        this.entries = new Entries(scans);
    }

    static Matching of(ReferenceStandard reference, Submission submission, int marksPerScan) {
        List<String> series = reference.series();
        Matching matching = new Matching(marksPerScan, series.size());
        for (int scan = 0; scan < series.size(); scan++) {
            String seriesUid = series.get(scan);
            matching.match(
                    scan,
                    seriesUid,
                    submission.marks(seriesUid),
                    reference.nodules(seriesUid),
                    reference.excluded(seriesUid));
        }
        return matching;
    }

    private void match(
            int scan, String seriesUid, List<Mark> submitted, List<Nodule> annotated, List<ExcludedFinding> excluded) {
        Kind[] kinds = new Kind[submitted.size()];
        Arrays.fill(kinds, Kind.FALSE_POSITIVE);
        cutOff(submitted, kinds);
        for (Nodule nodule : annotated) {
            nodules.add(outcome(scan, seriesUid, nodule, submitted, kinds));
        }
        for (ExcludedFinding finding : excluded) {
            double square = squaredRadius(finding.diameterMillimetres());
            for (int i = 0; i < kinds.length; i++) {
                // A nodule goes first: what is on one is nowhere else.
                if (kinds[i] == Kind.FALSE_POSITIVE && isWithin(square, finding.center(), submitted.get(i))) {
                    kinds[i] = Kind.IGNORED;
                    ignored++;
                }
            }
        }
        for (int i = 0; i < kinds.length; i++) {
            Mark mark = submitted.get(i);
            marks.add(new MarkOutcome(seriesUid, mark, kinds[i]));
            if (kinds[i] == Kind.SURPLUS) {
                surplus++;
            } else {
                counted++;
            }
            if (kinds[i] == Kind.FALSE_POSITIVE) {
                entries.addFalsePositive(scan, mark.probability());
            }
        }
    }

    /** Of too many marks only those above the first one too many are kept, so equally probable ones all stay or all go. */
    private void cutOff(List<Mark> submitted, Kind[] kinds) {
        if (submitted.size() <= marksPerScan) {
            return;
        }
        double[] probabilities =
                submitted.stream().mapToDouble(Mark::probability).sorted().toArray();
        double threshold = probabilities[probabilities.length - 1 - marksPerScan];
        for (int i = 0; i < kinds.length; i++) {
            if (!(submitted.get(i).probability() > threshold)) {
                kinds[i] = Kind.SURPLUS;
            }
        }
    }

    private NoduleOutcome outcome(int scan, String seriesUid, Nodule nodule, List<Mark> submitted, Kind[] kinds) {
        double square = squaredRadius(nodule.diameterMillimetres());
        int best = -1;
        int hits = 0;
        for (int i = 0; i < kinds.length; i++) {
            if (kinds[i] == Kind.SURPLUS || !isWithin(square, nodule.center(), submitted.get(i))) {
                continue;
            }
            hits++;
            if (kinds[i] == Kind.FALSE_POSITIVE) {
                kinds[i] = Kind.DOUBLE;
            }
            if (best < 0 || submitted.get(i).probability() > submitted.get(best).probability()) {
                best = i;
            }
        }
        if (best < 0) {
            entries.addMissed(scan);
            return new NoduleOutcome(seriesUid, nodule, Optional.empty(), 0);
        }
        // It may have found another nodule before.
        kinds[best] = Kind.TRUE_POSITIVE;
        doubles += hits - 1;
        entries.addTruePositive(scan, submitted.get(best).probability());
        return new NoduleOutcome(seriesUid, nodule, Optional.of(submitted.get(best)), hits);
    }

    private static double squaredRadius(double diameter) {
        double radius = diameter / 2;
        return radius * radius;
    }

    private static boolean isWithin(double squaredRadius, Point center, Mark mark) {
        double dx = center.x() - mark.center().x();
        double dy = center.y() - mark.center().y();
        double dz = center.z() - mark.center().z();
        return dx * dx + dy * dy + dz * dz < squaredRadius;
    }

    Entries entries() {
        return entries;
    }

    List<MarkOutcome> marks() {
        return marks;
    }

    List<NoduleOutcome> nodules() {
        return nodules;
    }

    FrocCounts counts(int scans) {
        int found = entries.truePositives();
        return new FrocCounts(
                scans,
                nodules.size(),
                counted,
                found,
                entries.falsePositives(),
                nodules.size() - found,
                ignored,
                doubles,
                surplus);
    }
}
