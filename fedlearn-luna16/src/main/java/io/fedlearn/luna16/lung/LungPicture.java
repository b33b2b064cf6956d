package io.fedlearn.luna16.lung;

import io.fedlearn.luna16.image.GridSize;
import io.fedlearn.luna16.image.HuWindow;
import io.fedlearn.luna16.image.ImageGeometry;
import io.fedlearn.luna16.image.Point;
import io.fedlearn.luna16.image.Volume;
import io.fedlearn.luna16.resample.Resampler;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.UUID;
import javax.imageio.ImageIO;

/**
 * A scan and its lungs in three planes side by side, 1 mm to a pixel: axial and coronal through the middle of both lungs,
 * as seen from the feet and from the front, and sagittal through that of the right lung, as seen from the patient's left.
 * The left lung is red, the right one blue, airways are green.
 */
public final class LungPicture {
    private static final int GAP = 8;
    private static final int BACKGROUND = 0x101418;
    private static final int[] TINTS = {0, 0, 0, 0xe04040, 0x4060f0, 0x30c060};
    private static final double INSIDE = 0.15;
    private static final double BORDER = 0.85;
    private static final HuWindow WINDOW = new HuWindow(-1000, 400);

    private LungPicture() {}

    /** Draws and writes a PNG file, aside and renamed. */
    public static void write(Path file, Volume scan, LungMask mask) throws IOException {
        BufferedImage image = draw(scan, mask);
        Path aside = file.resolveSibling(file.getFileName() + "." + UUID.randomUUID() + ".part");
        try {
            try (OutputStream out = Files.newOutputStream(aside)) {
                if (!ImageIO.write(image, "png", out)) {
                    throw new IOException("this Java cannot write PNG");
                }
            }
            Files.move(aside, file, StandardCopyOption.REPLACE_EXISTING);
        } finally {
            Files.deleteIfExists(aside);
        }
    }

    private static BufferedImage draw(Volume scan, LungMask mask) {
        List<ImageGeometry> planes = planes(mask);
        int width = GAP;
        int height = 0;
        for (ImageGeometry plane : planes) {
            width += plane.size().x() + GAP;
            height = Math.max(height, plane.size().y());
        }
        height += 2 * GAP;
        BufferedImage image = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
        for (int y = 0; y < height; y++) {
            for (int x = 0; x < width; x++) {
                image.setRGB(x, y, BACKGROUND);
            }
        }
        int left = GAP;
        for (ImageGeometry plane : planes) {
            draw(image, left, Resampler.onto(plane).resample(scan), mask.toVolume(plane));
            left += plane.size().x() + GAP;
        }
        return image;
    }

    /** Grids of one slice, whose x leads to the right of the picture and whose y leads down. */
    private static List<ImageGeometry> planes(LungMask mask) {
        ImageGeometry grid = mask.geometry();
        PatientBox box = mask.boundingBox();
        Point low = grid.origin();
        // Between the lungs there is little of them to be seen.
        PatientBox side = mask.boundingBox(Lung.RIGHT).orElse(box);
        Point middle = new Point(
                (side.low().x() + side.high().x()) / 2,
                (box.low().y() + box.high().y()) / 2,
                (box.low().z() + box.high().z()) / 2);
        int x = millimetres(grid.size().x());
        int y = millimetres(grid.size().y());
        int z = millimetres(grid.size().z());
        Point right = new Point(1, 0, 0);
        Point back = new Point(0, 1, 0);
        Point down = new Point(0, 0, -1);
        double top = low.z() + z - 1;
        return List.of(
                plane(x, y, new Point(low.x(), low.y(), middle.z()), right, back, down),
                plane(x, z, new Point(low.x(), middle.y(), top), right, down, back),
                plane(y, z, new Point(middle.x(), low.y(), top), back, down, right));
    }

    private static int millimetres(int voxels) {
        return (int) ((voxels - 1) * LungMask.SPACING) + 1;
    }

    private static ImageGeometry plane(int width, int height, Point corner, Point x, Point y, Point z) {
        return ImageGeometry.of(new GridSize(width, height, 1), new Point(1, 1, 1), corner, x, y, z);
    }

    private static void draw(BufferedImage image, int left, Volume slice, Volume labels) {
        GridSize size = slice.geometry().size();
        for (int y = 0; y < size.y(); y++) {
            for (int x = 0; x < size.x(); x++) {
                int gray = Math.round(255 * WINDOW.share(slice.get(x, y, 0)));
                int label = labels.get(x, y, 0);
                double share = label == 0 ? 0 : isBorder(labels, x, y) ? BORDER : INSIDE;
                int tint = TINTS[label];
                image.setRGB(
                        left + x,
                        GAP + y,
                        blend(gray, tint >> 16, share) << 16
                                | blend(gray, tint >> 8, share) << 8
                                | blend(gray, tint, share));
            }
        }
    }

    private static boolean isBorder(Volume labels, int x, int y) {
        GridSize size = labels.geometry().size();
        int label = labels.get(x, y, 0);
        return x > 0 && labels.get(x - 1, y, 0) != label
                || y > 0 && labels.get(x, y - 1, 0) != label
                || x < size.x() - 1 && labels.get(x + 1, y, 0) != label
                || y < size.y() - 1 && labels.get(x, y + 1, 0) != label;
    }

    private static int blend(int gray, int tint, double share) {
        return (int) Math.round(gray + share * ((tint & 0xff) - gray));
    }
}
