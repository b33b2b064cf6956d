package io.fedlearn.luna16.detect;

import io.fedlearn.luna16.image.HuWindow;
import io.fedlearn.luna16.image.Point;
import io.fedlearn.luna16.image.Volume;
import io.fedlearn.luna16.patch.Patch;
import io.fedlearn.luna16.patch.PatchExtractor;
import io.fedlearn.luna16.patch.PatchSettings;
import io.fedlearn.luna16.patch.PatchShape;
import io.fedlearn.luna16.patch.PixelPicture;
import java.io.IOException;
import java.util.Locale;

/**
 * A picture of a finding: the axial, coronal and sagittal plane through its centre, {@value #FIELD} mm wide, with a crosshair
 * that leaves the finding itself free, its probability and size, and a scale of 10 mm. Immutable.
 *
 * <p>Planes lie as radiologists look at them, whatever the scan's own axes: the patient's left is on the right, and the front
 * on top or, on the sagittal plane, on the left. Letters at the borders say so: R, L, A(nterior), P(osterior), S(uperior) and
 * I(nferior).
 */
public final class FindingPicture {
    /** How wide and high each plane is, in millimetres: {@value}. */
    public static final int FIELD = 80;

    private static final int BACKGROUND = 0x14171c;
    private static final int TEXT = 0xe6e9ee;
    private static final int FAINT = 0x8b94a3;
    private static final int CROSS = 0xffa630;
    private static final int GAP = 12;
    private static final int TEXT_SIZE = 2;
    private static final int LINE = TEXT_SIZE * PixelPicture.TEXT_HEIGHT + 6;
    /** Voxels to a millimetre, and pixels to a voxel. */
    private static final int FINENESS = 2;

    private static final int ENLARGED = 2;
    private static final int VOXELS = FIELD * FINENESS + 1;
    private static final int PIXELS = FIELD * FINENESS * ENLARGED;
    private static final int SCALE_MILLIMETRES = 10;
    private static final double LEAST_CLEARING = 6;
    private static final double CLEARING = 4;

    private final Volume scan;
    private final HuWindow window;

    private FindingPicture(Volume scan, HuWindow window) {
        this.scan = scan;
        this.window = window;
    }

    /** Pictures of findings in a scan, in the {@linkplain HuWindow#LUNG lung's window}. */
    public static FindingPicture of(Volume scan) {
        return new FindingPicture(scan, HuWindow.LUNG);
    }

    /** These pictures with other HU as black and white. */
    public FindingPicture withWindow(HuWindow window) {
        return new FindingPicture(scan, window);
    }

    /**
     * The picture of a finding as the bytes of a PNG file.
     *
     * @param number that it goes by
     * @throws IllegalArgumentException if it lies outside the scan
     */
    public byte[] png(int number, Detection finding) throws IOException {
        int top = GAP + 2 * LINE;
        PixelPicture picture = new PixelPicture(4 * GAP + 3 * PIXELS, top + PIXELS + LINE + GAP);
        picture.fill(0, 0, picture.width(), picture.height(), BACKGROUND);
        picture.text(GAP, GAP, headline(number, finding), TEXT_SIZE, TEXT);
        picture.text(GAP, GAP + LINE, place(finding), TEXT_SIZE, FAINT);
        double clearing = finding.diameterMillimetres().isPresent()
                ? Math.max(LEAST_CLEARING, finding.diameterMillimetres().getAsDouble() / 2 + CLEARING)
                : LEAST_CLEARING;
        Point center = finding.center();
        Patch axial = cut(new PatchShape(1, VOXELS, VOXELS), center);
        Patch coronal = cut(new PatchShape(VOXELS, 1, VOXELS), center);
        Patch sagittal = cut(new PatchShape(VOXELS, VOXELS, 1), center);
        int last = VOXELS - 1;
        plane(picture, 0, top, clearing, "RLAP", (u, v) -> axial.get(0, v, u));
        plane(picture, 1, top, clearing, "RLSI", (u, v) -> coronal.get(last - v, 0, u));
        plane(picture, 2, top, clearing, "APSI", (u, v) -> sagittal.get(last - v, u, 0));
        int bottom = top + PIXELS + 6;
        picture.text(GAP, bottom, "axial", TEXT_SIZE, FAINT);
        picture.text(2 * GAP + PIXELS, bottom, "coronal", TEXT_SIZE, FAINT);
        picture.text(3 * GAP + 2 * PIXELS, bottom, "sagittal", TEXT_SIZE, FAINT);
        String notice = "research only";
        picture.text(
                picture.width() - GAP - PixelPicture.textWidth(notice, TEXT_SIZE), bottom, notice, TEXT_SIZE, FAINT);
        return picture.png();
    }

    private static String headline(int number, Detection finding) {
        String size = finding.diameterMillimetres().isPresent()
                ? String.format(
                        Locale.ROOT,
                        "   about %.1f mm",
                        finding.diameterMillimetres().getAsDouble())
                : "";
        return String.format(Locale.ROOT, "finding %d   probability %.3f%s", number, finding.probability(), size);
    }

    private String place(Detection finding) {
        Point center = finding.center();
        Point index = scan.geometry().toIndex(center);
        return String.format(
                Locale.ROOT,
                "at %.1f, %.1f, %.1f mm   slice %d of %d",
                center.x(),
                center.y(),
                center.z(),
                Math.round(index.z()) + 1,
                scan.geometry().size().z());
    }

    private Patch cut(PatchShape shape, Point center) {
        double spacing = 1.0 / FINENESS;
        PatchSettings settings = PatchSettings.defaults()
                .withShape(shape)
                .withSpacing(spacing, spacing, spacing)
                .withMargin(0);
        return PatchExtractor.of(scan, settings).extract(center);
    }

    /** The HU of a plane, by column and row. */
    @FunctionalInterface
    private interface Plane {
        short get(int column, int row);
    }

    private void plane(PixelPicture picture, int number, int top, double clearing, String sides, Plane plane) {
        int left = GAP + number * (PIXELS + GAP);
        for (int y = 0; y < PIXELS; y++) {
            double v = (y + 0.5) / ENLARGED;
            int row = (int) v;
            for (int x = 0; x < PIXELS; x++) {
                double u = (x + 0.5) / ENLARGED;
                int column = (int) u;
                double upper = blend(plane.get(column, row), plane.get(column + 1, row), u - column);
                double lower = blend(plane.get(column, row + 1), plane.get(column + 1, row + 1), u - column);
                int gray = Math.round(255 * window.share((float) blend(upper, lower, v - row)));
                picture.set(left + x, top + y, gray << 16 | gray << 8 | gray);
            }
        }
        cross(picture, left, top, (int) Math.round(clearing * FINENESS * ENLARGED));
        side(picture, left + 4, top + PIXELS / 2 + 6, sides.charAt(0));
        side(picture, left + PIXELS - 14, top + PIXELS / 2 + 6, sides.charAt(1));
        side(picture, left + PIXELS / 2 + 6, top + 4, sides.charAt(2));
        side(picture, left + PIXELS / 2 + 6, top + PIXELS - 18, sides.charAt(3));
        int length = SCALE_MILLIMETRES * FINENESS * ENLARGED;
        int scaleTop = top + PIXELS - 10;
        picture.fill(left + 9, scaleTop - 1, length + 2, 5, BACKGROUND);
        picture.fill(left + 10, scaleTop, length, 3, TEXT);
        shadowed(picture, left + 10, scaleTop - 12, SCALE_MILLIMETRES + " mm", 1);
    }

    private static void cross(PixelPicture picture, int left, int top, int clearing) {
        int arm = Math.max(0, PIXELS / 2 - clearing);
        int middle = PIXELS / 2;
        // Short of the border, where letters are.
        int from = Math.min(24, arm);
        picture.fill(left + from, top + middle, arm - from, 1, CROSS);
        picture.fill(left + PIXELS - arm, top + middle, arm - from, 1, CROSS);
        picture.fill(left + middle, top + from, 1, arm - from, CROSS);
        picture.fill(left + middle, top + PIXELS - arm, 1, arm - from, CROSS);
    }

    private static void side(PixelPicture picture, int left, int top, char letter) {
        shadowed(picture, left, top, String.valueOf(letter), TEXT_SIZE);
    }

    /** Legible on bone and on air. */
    private static void shadowed(PixelPicture picture, int left, int top, String text, int size) {
        picture.text(left + 1, top + 1, text, size, BACKGROUND);
        picture.text(left, top, text, size, TEXT);
    }

    private static double blend(double first, double second, double share) {
        return first + share * (second - first);
    }
}
