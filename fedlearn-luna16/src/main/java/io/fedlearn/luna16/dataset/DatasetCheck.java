package io.fedlearn.luna16.dataset;

import io.fedlearn.luna16.dataset.DatasetException.Problem;
import io.fedlearn.luna16.dataset.DatasetProblem.Kind;
import io.fedlearn.luna16.image.ImageGeometry;
import io.fedlearn.luna16.image.MetaImageHeader;
import io.fedlearn.luna16.image.Point;
import io.fedlearn.luna16.image.VolumeException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * What of a data set can be used, found out before training: every header is read and the size of every file with voxels
 * is compared with it. Voxels are not read, so 888 scans take seconds; damage inside compressed voxels shows later.
 *
 * <p>A scan whose header is refused or whose voxels are missing, cut off or too many is left out, with the reason.
 * Candidates outside their scan are left out and counted. All else is a remark. Immutable.
 */
public final class DatasetCheck {
    /** How many problems of each kind {@link #text()} shows: {@value}. */
    public static final int SHOWN_PROBLEMS = 5;

    private final Luna16Dataset dataset;
    private final List<Scan> scans;
    private final List<DatasetProblem> problems;
    private final int candidatesOutside;

    private DatasetCheck(
            Luna16Dataset dataset, List<Scan> scans, List<DatasetProblem> problems, int candidatesOutside) {
        this.dataset = dataset;
        this.scans = List.copyOf(scans);
        this.problems = List.copyOf(problems);
        this.candidatesOutside = candidatesOutside;
    }

    /**
     * Checks a data set.
     *
     * @throws DatasetException if no scan can be used
     */
    public static DatasetCheck of(Luna16Dataset dataset) {
        List<DatasetProblem> problems = new ArrayList<>(dataset.problems());
        List<Scan> usable = new ArrayList<>();
        int outside = 0;
        for (Scan scan : dataset.scans()) {
            try {
                MetaImageHeader header = MetaImageHeader.read(scan.header());
                header.checkVoxels();
                Scan inside = inside(scan, header.geometry(), problems);
                outside += scan.candidates().size() - inside.candidates().size();
                usable.add(inside);
            } catch (VolumeException e) {
                problems.add(DatasetProblem.of(kind(e), scan.seriesUid(), String.valueOf(e.getMessage())));
            }
        }
        if (usable.isEmpty()) {
            List<String> reasons = problems.stream()
                    .filter(problem -> problem.kind().leavesScanOut())
                    .map(DatasetProblem::message)
                    .limit(3)
                    .toList();
            throw DatasetException.of(
                    Problem.NOTHING_USABLE, dataset.folder(), "no scan can be used: " + String.join("; ", reasons));
        }
        return new DatasetCheck(dataset, usable, problems, outside);
    }

    private static Kind kind(VolumeException e) {
        return switch (e.problem()) {
            case OUTSIDE_FOLDER, MISSING_VOXELS, TOO_SHORT, TOO_LONG, BAD_COMPRESSION, BAD_VALUE -> Kind.BAD_VOXELS;
            case UNREADABLE, BAD_HEADER, UNSUPPORTED, NO_MEMORY, NO_READER -> Kind.BAD_HEADER;
        };
    }

    private static Scan inside(Scan scan, ImageGeometry geometry, List<DatasetProblem> problems) {
        List<Candidate> inside = new ArrayList<>();
        List<Candidate> outside = new ArrayList<>();
        for (Candidate candidate : scan.candidates()) {
            (geometry.contains(candidate.center()) ? inside : outside).add(candidate);
        }
        if (!outside.isEmpty()) {
            long positives = outside.stream().filter(Candidate::isNodule).count();
            problems.add(DatasetProblem.of(
                    Kind.CANDIDATE_OUTSIDE,
                    scan.seriesUid(),
                    outside.size() + " of " + scan.candidates().size() + " candidates lie outside the scan and are left"
                            + " out (" + positives + " of them nodules), such as "
                            + outside.get(0).center()));
        }
        for (Nodule nodule : scan.nodules()) {
            if (!geometry.contains(nodule.center())) {
                problems.add(DatasetProblem.of(
                        Kind.NODULE_OUTSIDE,
                        scan.seriesUid(),
                        "the nodule at " + nodule.center() + " lies outside the scan"));
            } else if (inside.stream().noneMatch(candidate -> isHit(nodule, candidate.center()))) {
                problems.add(DatasetProblem.of(
                        Kind.NODULE_WITHOUT_CANDIDATE,
                        scan.seriesUid(),
                        "no candidate lies within the nodule at " + nodule.center()));
            }
        }
        return outside.isEmpty()
                ? scan
                : new Scan(scan.seriesUid(), scan.subset(), scan.header(), scan.nodules(), inside);
    }

    /** As the challenge decides it. */
    private static boolean isHit(Nodule nodule, Point center) {
        return nodule.center().distance(center) < nodule.diameterMillimetres() / 2;
    }

    /** What was checked. */
    public Luna16Dataset dataset() {
        return dataset;
    }

    /** The scans to use, by rising series UID, with those of their candidates that lie within them. At least one. */
    public List<Scan> scans() {
        return scans;
    }

    /** Everything that is not as it should be, that of the data set included. */
    public List<DatasetProblem> problems() {
        return problems;
    }

    /** How many candidates lie outside their scan. */
    public int candidatesOutside() {
        return candidatesOutside;
    }

    /** What was found, as lines to print. */
    public String text() {
        StringBuilder text = heading();
        appendProblems(text, problems);
        return text.toString();
    }

    /** What was found, as lines to print, with a table of the sites and their problems. */
    public String text(SiteAssignment sites) {
        return text(sites, Map.of());
    }

    /** As {@link #text(SiteAssignment)}, with what is to be said of the sites' training and test parts. */
    public String text(SiteAssignment sites, Map<String, ScanSplit> splits) {
        StringBuilder text = heading();
        appendTable(text, sites.sites());
        List<DatasetProblem> all = new ArrayList<>(problems);
        all.addAll(sites.problems());
        splits.forEach((site, split) -> all.addAll(split.problems(site)));
        appendProblems(text, all);
        return text.toString();
    }

    private StringBuilder heading() {
        DatasetCounts counts = DatasetCounts.of(scans);
        StringBuilder text = new StringBuilder();
        line(text, "LUNA16 data in %s", dataset.folder());
        line(
                text,
                "  lists       %s, %s%s",
                dataset.folder().relativize(dataset.annotationsFile()),
                dataset.folder().relativize(dataset.candidatesFile()),
                dataset.seriesListFile()
                        .map(file -> ", " + dataset.folder().relativize(file))
                        .orElse(""));
        line(
                text,
                "  scans       %,d, of them %,d with nodules; %,d series are listed",
                counts.scans(),
                counts.scansWithNodules(),
                dataset.listedSeries());
        line(text, "  nodules     %,d", counts.nodules());
        line(
                text,
                "  candidates  %,d, of them %,d nodules%s",
                counts.candidates(),
                counts.positives(),
                candidatesOutside == 0
                        ? ""
                        : String.format(Locale.ROOT, "; %,d more outside their scans", candidatesOutside));
        return text;
    }

    private static void appendTable(StringBuilder text, Map<String, List<Scan>> sites) {
        int width = Math.max(
                8, sites.keySet().stream().mapToInt(String::length).max().orElse(0));
        String format = "  %-" + width + "s %7s %12s %8s %10s %10s";
        line(text, "");
        line(text, format, "hospital", "scans", "with nodules", "nodules", "positive", "negative");
        sites.forEach((site, scans) -> {
            DatasetCounts counts = DatasetCounts.of(scans);
            line(
                    text,
                    format,
                    site,
                    grouped(counts.scans()),
                    grouped(counts.scansWithNodules()),
                    grouped(counts.nodules()),
                    grouped(counts.positives()),
                    grouped(counts.negatives()));
        });
    }

    private static String grouped(int count) {
        return String.format(Locale.ROOT, "%,d", count);
    }

    private static void appendProblems(StringBuilder text, Collection<DatasetProblem> problems) {
        appendProblems(
                text,
                "left out",
                problems.stream()
                        .filter(problem -> problem.kind().leavesScanOut())
                        .toList());
        appendProblems(
                text,
                "remarks",
                problems.stream()
                        .filter(problem -> !problem.kind().leavesScanOut())
                        .toList());
    }

    private static void appendProblems(StringBuilder text, String title, List<DatasetProblem> problems) {
        if (problems.isEmpty()) {
            return;
        }
        line(text, "");
        line(text, "  %s (%,d)", title, problems.size());
        Map<Kind, List<DatasetProblem>> byKind = new EnumMap<>(Kind.class);
        problems.forEach(problem -> byKind.computeIfAbsent(problem.kind(), unused -> new ArrayList<>())
                .add(problem));
        for (List<DatasetProblem> alike : byKind.values()) {
            for (DatasetProblem problem : alike.subList(0, Math.min(SHOWN_PROBLEMS, alike.size()))) {
                line(text, "    %s", problem.message());
            }
            if (alike.size() > SHOWN_PROBLEMS) {
                line(text, "    and %,d more like this", alike.size() - SHOWN_PROBLEMS);
            }
        }
    }

    private static void line(StringBuilder text, String format, Object... values) {
        text.append(String.format(Locale.ROOT, format, values)).append('\n');
    }

    @Override
    public String toString() {
        return dataset.folder() + ": " + scans.size() + " usable scans, " + problems.size() + " problems";
    }
}
