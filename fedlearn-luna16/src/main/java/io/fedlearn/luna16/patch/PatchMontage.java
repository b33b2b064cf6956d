package io.fedlearn.luna16.patch;

import io.fedlearn.luna16.image.HuWindow;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * A picture of patches: a tile for each with its slices through the centre, framed in the colour of what it really shows,
 * and below a bar as long as the score that a network gave it. Needs neither a screen nor fonts. Confined to one thread at a
 * time.
 *
 * <p>Slices lie as radiologists look at them: axial with the front of the patient on top and the patient's left on the
 * right, coronal and sagittal with the head on top and, on the latter, the front on the left. All have the same scale.
 */
public final class PatchMontage {
    private static final int BACKGROUND = 0x14171c;
    private static final int PANEL = 0x1f242c;
    private static final int TEXT = 0xe6e9ee;
    private static final int FAINT = 0x8b94a3;
    private static final int TRACK = 0x343b47;
    private static final int NODULE = 0xffa630;
    private static final int OTHER = 0x4ea8de;

    private static final int GAP = 10;
    private static final int FRAME = 2;
    private static final int PADDING = 5;
    private static final int BAR = 6;
    private static final int SLICE_GAP = 3;
    private static final int LINE = PixelFont.HEIGHT + 6;
    /** Pixels that the longest side of a slice takes. */
    private static final double SLICE_PIXELS = 112;
    /** How wide a picture is to its height, as far as whole tiles allow. */
    private static final double PROPORTION = 1.5;

    private static final int MAX_PIXELS = 1 << 26;

    private final PatchSettings settings;
    private final List<Tile> tiles = new ArrayList<>();
    private View view = View.THREE_PLANES;
    private String title = "";

    private PatchMontage(PatchSettings settings) {
        this.settings = settings;
    }

    /** Which slices of a patch are shown. */
    public enum View {
        /** The axial one. */
        AXIAL,
        /** Axial, coronal and sagittal, side by side. */
        THREE_PLANES
    }

    private record Tile(Patch patch, boolean isNodule, double score) {}

    /**
     * An empty picture of patches that were cut by these settings, which say which HU are black and white and how the axes'
     * scales compare. (Patches of the scans' own spacing are shown at the default spacing's proportions.)
     */
    public static PatchMontage of(PatchSettings settings) {
        return new PatchMontage(settings);
    }

    /** Sets which slices are shown; all three unless set. */
    public PatchMontage view(View view) {
        this.view = view;
        return this;
    }

    /** Sets a line above the tiles: digits and letters, shown as capitals. None unless set. */
    public PatchMontage title(String title) {
        this.title = title;
        return this;
    }

    /**
     * Adds a patch, to the right of the last one or in the next row. One of another shape than the settings' is cut off or
     * filled up with air.
     *
     * @param isNodule whether it truly is one
     * @param score what a network says, in [0, 1]
     */
    public PatchMontage add(Patch patch, boolean isNodule, double score) {
        if (!(score >= 0 && score <= 1)) {
            throw new IllegalArgumentException("score must be in [0, 1], was " + score);
        }
        tiles.add(new Tile(patch.centered(settings.shape()), isNodule, score));
        return this;
    }

    /**
     * Writes the picture as PNG, first beside the file and then renamed.
     *
     * @throws IllegalStateException if no patch was added
     */
    public void write(Path file) throws IOException {
        PixelPicture.write(file, png());
    }

    /**
     * The picture as the bytes of a PNG file.
     *
     * @throws IllegalStateException if no patch was added, or so many that the picture would have more than 67 million pixels
     */
    public byte[] png() throws IOException {
        return draw().png();
    }

    /** How many pixels the slices of a tile take, in millimetres' proportions. */
    private final class Scale {
        private final int width;
        private final int height;
        private final int depth;

        Scale() {
            PatchShape shape = settings.shape();
            PatchSettings.VoxelSpacing spacing = settings.spacing()
                    .orElse(new PatchSettings.VoxelSpacing(
                            PatchSettings.DEFAULT_SPACING_Z,
                            PatchSettings.DEFAULT_SPACING_Y,
                            PatchSettings.DEFAULT_SPACING_X));
            double x = shape.width() * spacing.x();
            double y = shape.height() * spacing.y();
            double z = shape.depth() * spacing.z();
            double longest = Math.max(Math.max(x, y), view == View.AXIAL ? 0 : z);
            this.width = pixels(x / longest);
            this.height = pixels(y / longest);
            this.depth = pixels(z / longest);
        }

        private int pixels(double share) {
            return Math.max(1, (int) Math.round(share * SLICE_PIXELS));
        }

        int tileWidth() {
            int slices = view == View.AXIAL ? width : width + SLICE_GAP + width + SLICE_GAP + height;
            return slices + 2 * (FRAME + PADDING);
        }

        int slicesHeight() {
            return view == View.AXIAL ? height : Math.max(height, depth);
        }

        int tileHeight() {
            return slicesHeight() + LINE + BAR + 2 * (FRAME + PADDING);
        }
    }

    private PixelPicture draw() {
        if (tiles.isEmpty()) {
            throw new IllegalStateException("a picture of patches needs a patch");
        }
        Scale scale = new Scale();
        int columns = columns(scale);
        int rows = (tiles.size() + columns - 1) / columns;
        int head = 2 * LINE + GAP;
        long width = (long) columns * (scale.tileWidth() + GAP) + GAP;
        long height = (long) rows * (scale.tileHeight() + GAP) + head;
        if (width * height > MAX_PIXELS) {
            throw new IllegalStateException("a picture may have at most " + MAX_PIXELS + " pixels, that of "
                    + tiles.size() + " patches has " + width + " x " + height);
        }
        PixelPicture image = new PixelPicture((int) width, (int) height);
        image.fill(0, 0, (int) width, (int) height, BACKGROUND);
        image.text(GAP, GAP, title, 1, TEXT);
        int next = GAP;
        next = legend(image, next, "nodule", NODULE);
        next = legend(image, next, "no nodule", OTHER);
        image.text(next, GAP + LINE, "bar: score", 1, FAINT);
        for (int i = 0; i < tiles.size(); i++) {
            int left = GAP + i % columns * (scale.tileWidth() + GAP);
            int top = head + i / columns * (scale.tileHeight() + GAP);
            draw(image, left, top, tiles.get(i), scale);
        }
        return image;
    }

    /** As many as make the picture about half as wide again as high, and wide enough for what is above. */
    private int columns(Scale scale) {
        int best = 1;
        double bestMiss = Double.POSITIVE_INFINITY;
        for (int columns = 1; columns <= tiles.size(); columns++) {
            int rows = (tiles.size() + columns - 1) / columns;
            double proportion = (double) columns * scale.tileWidth() / ((double) rows * scale.tileHeight());
            double miss = Math.abs(StrictMath.log(proportion / PROPORTION));
            if (miss < bestMiss) {
                best = columns;
                bestMiss = miss;
            }
        }
        return best;
    }

    private static int legend(PixelPicture image, int left, String text, int color) {
        image.fill(left, GAP + LINE, PixelFont.HEIGHT, PixelFont.HEIGHT, color);
        int at = left + PixelFont.HEIGHT + 4;
        image.text(at, GAP + LINE, text, 1, FAINT);
        return at + PixelFont.width(text) + 2 * GAP;
    }

    private void draw(PixelPicture image, int left, int top, Tile tile, Scale scale) {
        int color = tile.isNodule ? NODULE : OTHER;
        image.fill(left, top, scale.tileWidth(), scale.tileHeight(), color);
        image.fill(left + FRAME, top + FRAME, scale.tileWidth() - 2 * FRAME, scale.tileHeight() - 2 * FRAME, PANEL);
        int x = left + FRAME + PADDING;
        int y = top + FRAME + PADDING;
        Patch patch = tile.patch;
        PatchShape shape = patch.shape();
        int middleZ = shape.depth() / 2;
        int middleY = shape.height() / 2;
        int middleX = shape.width() / 2;
        int high = scale.slicesHeight();
        slice(
                image,
                x,
                y + (high - scale.height) / 2,
                scale.width,
                scale.height,
                shape.width(),
                shape.height(),
                (u, v) -> patch.get(middleZ, v, u));
        if (view == View.THREE_PLANES) {
            int second = x + scale.width + SLICE_GAP;
            int down = y + (high - scale.depth) / 2;
            slice(
                    image,
                    second,
                    down,
                    scale.width,
                    scale.depth,
                    shape.width(),
                    shape.depth(),
                    (u, v) -> patch.get(shape.depth() - 1 - v, middleY, u));
            int third = second + scale.width + SLICE_GAP;
            slice(
                    image,
                    third,
                    down,
                    scale.height,
                    scale.depth,
                    shape.height(),
                    shape.depth(),
                    (u, v) -> patch.get(shape.depth() - 1 - v, u, middleX));
        }
        int inner = scale.tileWidth() - 2 * (FRAME + PADDING);
        int line = y + high + 4;
        image.text(x, line, String.format(Locale.ROOT, "%.3f", tile.score), 1, TEXT);
        String what = tile.isNodule ? "nodule" : "no nodule";
        image.text(x + inner - PixelFont.width(what), line, what, 1, color);
        int bar = y + high + LINE;
        image.fill(x, bar, inner, BAR, TRACK);
        image.fill(x, bar, (int) Math.round(inner * tile.score), BAR, color);
    }

    /** The HU of a slice, by column and row. */
    @FunctionalInterface
    private interface Slice {
        short get(int column, int row);
    }

    private void slice(
            PixelPicture image, int left, int top, int width, int height, int columns, int rows, Slice slice) {
        HuWindow window = settings.window();
        for (int y = 0; y < height; y++) {
            double v = Math.min(Math.max((y + 0.5) * rows / height - 0.5, 0), rows - 1);
            int row = (int) v;
            int nextRow = Math.min(row + 1, rows - 1);
            for (int x = 0; x < width; x++) {
                double u = Math.min(Math.max((x + 0.5) * columns / width - 0.5, 0), columns - 1);
                int column = (int) u;
                int nextColumn = Math.min(column + 1, columns - 1);
                double upper = blend(
                        window.share(slice.get(column, row)), window.share(slice.get(nextColumn, row)), u - column);
                double lower = blend(
                        window.share(slice.get(column, nextRow)),
                        window.share(slice.get(nextColumn, nextRow)),
                        u - column);
                int gray = (int) Math.round(255 * blend(upper, lower, v - row));
                image.set(left + x, top + y, gray << 16 | gray << 8 | gray);
            }
        }
    }

    private static double blend(double first, double second, double share) {
        return first + share * (second - first);
    }
}
