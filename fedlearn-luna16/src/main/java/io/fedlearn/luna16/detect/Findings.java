package io.fedlearn.luna16.detect;

import io.fedlearn.formats.json.CanonicalJson;
import io.fedlearn.luna16.dataset.Mark;
import io.fedlearn.luna16.dataset.Submission;
import io.fedlearn.luna16.image.GridSize;
import io.fedlearn.luna16.image.ImageGeometry;
import io.fedlearn.luna16.image.Point;
import io.fedlearn.luna16.image.Volume;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;

/**
 * What was found in one CT, as files. Immutable.
 *
 * <p><b>{@value #SUBMISSION}</b> is a challenge {@link Submission}. <b>{@code finding-001.png}</b> and so on are {@linkplain
 * FindingPicture pictures}. <b>{@value #JSON}</b> is one object:
 * <pre>
 *   version      {@value #VERSION}; raised when a member changes its meaning or goes. Members may be added without.
 *   notice       that this is no medical device
 *   seriesUid    of the CT
 *   scan         size: voxels along x, y, z; spacing: millimetres between them
 *   settings     names and texts: what it was found with
 *   findings     list by falling probability; of each:
 *     rank                 from 1 on
 *     center               x, y, z in millimetres of the patient (LPS, as in the challenge's lists)
 *     voxel                x, y, z in voxels of the scan, between voxels too, counted from 0
 *     probability          in [0, 1]
 *     diameterMillimetres  about; not there if nothing could be measured
 *     candidates           how many were merged
 *     picture              the file, if there is one
 * </pre>
 * It is canonical (RFC 8785): the same findings are the same bytes.
 */
public final class Findings {
    /** The challenge's list: {@value}. */
    public static final String SUBMISSION = "submission.csv";

    /** The findings for programs: {@value}. */
    public static final String JSON = "findings.json";

    /** The version of {@value #JSON}: {@value}. */
    public static final int VERSION = 1;

    /** What goes with all findings: {@value}. */
    public static final String NOTICE =
            "Research software, no medical device: not to be used for diagnosis or treatment.";

    private static final Pattern PICTURE = Pattern.compile("finding-[0-9]{3,7}\\.png");

    private final String seriesUid;
    private final ImageGeometry geometry;
    private final List<Detection> detections;
    private final Map<String, String> settings;

    private Findings(
            String seriesUid, ImageGeometry geometry, List<Detection> detections, Map<String, String> settings) {
        if (seriesUid.isBlank()) {
            throw new IllegalArgumentException("seriesUid must not be blank, was '" + seriesUid + "'");
        }
        this.seriesUid = seriesUid;
        this.geometry = geometry;
        this.detections = List.copyOf(detections);
        this.settings = Map.copyOf(settings);
    }

    /**
     * What was found in a CT.
     *
     * @param seriesUid what the CT is called in the challenge's lists
     * @param geometry of the CT
     */
    public static Findings of(String seriesUid, ImageGeometry geometry, List<Detection> detections) {
        return new Findings(seriesUid, geometry, detections, Map.of());
    }

    /** These findings, and what they were found with. */
    public Findings withSettings(Map<String, String> settings) {
        return new Findings(seriesUid, geometry, detections, settings);
    }

    /** The findings by falling probability. */
    public List<Detection> detections() {
        return detections;
    }

    /** The findings as the challenge takes them in. */
    public Submission submission() {
        return Submission.of(Map.of(
                seriesUid,
                detections.stream()
                        .map(detection -> new Mark(detection.center(), detection.probability()))
                        .toList()));
    }

    /** The findings for programs, as the class describes, without pictures. */
    public byte[] json() {
        return json(0);
    }

    private byte[] json(int pictures) {
        Map<String, Object> root = new TreeMap<>();
        root.put("version", VERSION);
        root.put("notice", NOTICE);
        root.put("seriesUid", seriesUid);
        GridSize size = geometry.size();
        root.put("scan", Map.of("size", List.of(size.x(), size.y(), size.z()), "spacing", list(geometry.spacing())));
        root.put("settings", settings);
        List<Object> findings = new ArrayList<>();
        for (int i = 0; i < detections.size(); i++) {
            Detection detection = detections.get(i);
            Map<String, Object> finding = new TreeMap<>();
            finding.put("rank", i + 1);
            finding.put("center", list(detection.center()));
            finding.put("voxel", list(geometry.toIndex(detection.center())));
            finding.put("probability", detection.probability());
            detection.diameterMillimetres().ifPresent(diameter -> finding.put("diameterMillimetres", diameter));
            finding.put("candidates", detection.candidates());
            if (i < pictures) {
                finding.put("picture", picture(i + 1));
            }
            findings.add(finding);
        }
        root.put("findings", findings);
        return CanonicalJson.encode(root);
    }

    private static List<Double> list(Point point) {
        return List.of(point.x(), point.y(), point.z());
    }

    private static String picture(int number) {
        return String.format(Locale.ROOT, "finding-%03d.png", number);
    }

    /**
     * Writes all files into a folder, which is made if it is not there; each is there as a whole or not at all, the JSON
     * last. Pictures of an earlier detection go first.
     *
     * @param scan that the findings are of
     * @param pictures of how many findings, the most probable ones, there are pictures
     * @return the files, the pictures last
     * @throws IOException if they cannot be written
     */
    public List<Path> write(Path folder, Volume scan, int pictures) throws IOException {
        Files.createDirectories(folder);
        int count = Math.min(pictures, detections.size());
        Files.deleteIfExists(folder.resolve(JSON));
        removePictures(folder);
        List<Path> files = new ArrayList<>(List.of(folder.resolve(SUBMISSION), folder.resolve(JSON)));
        submission().write(folder.resolve(SUBMISSION));
        FindingPicture painter = FindingPicture.of(scan);
        for (int i = 0; i < count; i++) {
            Path file = folder.resolve(picture(i + 1));
            replace(file, painter.png(i + 1, detections.get(i)));
            files.add(file);
        }
        replace(folder.resolve(JSON), json(count));
        return files;
    }

    private static void removePictures(Path folder) throws IOException {
        try (DirectoryStream<Path> present = Files.newDirectoryStream(folder)) {
            for (Path file : present) {
                if (PICTURE.matcher(String.valueOf(file.getFileName())).matches()) {
                    Files.delete(file);
                }
            }
        }
    }

    private static void replace(Path file, byte[] bytes) throws IOException {
        Path aside = file.resolveSibling(file.getFileName() + ".tmp");
        try {
            Files.write(aside, bytes);
            Files.move(aside, file, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
        } finally {
            Files.deleteIfExists(aside);
        }
    }

    @Override
    public String toString() {
        return detections.size() + " findings in " + seriesUid;
    }
}
