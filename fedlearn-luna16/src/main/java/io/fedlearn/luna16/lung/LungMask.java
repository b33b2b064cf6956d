package io.fedlearn.luna16.lung;

import io.fedlearn.luna16.image.GridSize;
import io.fedlearn.luna16.image.ImageGeometry;
import io.fedlearn.luna16.image.MetaImage;
import io.fedlearn.luna16.image.Point;
import io.fedlearn.luna16.image.Volume;
import io.fedlearn.luna16.lung.LungException.Problem;
import io.fedlearn.luna16.resample.Resampler;
import io.fedlearn.luna16.resample.Workers;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * Which places in the patient are lung: a bit for each lung and one for the airways on a grid of {@value #SPACING} mm along
 * the patient's axes, about 2 MB for a chest, whatever the scan's own voxels are. Immutable.
 *
 * <p>{@link #of} finds the lungs by threshold, see {@link LungFinder}; {@link #read} takes them from a file such as those
 * of {@code seg-lungs-LUNA16}.
 */
public final class LungMask {
    /** Between the mask's voxels, in millimetres: {@value}. */
    public static final double SPACING = 2;

    private static final double PLACE_WITHIN_MILLIMETRES = 0.01;
    private static final double LEAST_USUAL_MILLILITRES = 1500;
    private static final double MOST_USUAL_MILLILITRES = 9000;
    private static final double LEAST_USUAL_SHARE = 0.25;
    private static final double MOST_DILATION = 100;

    private final ImageGeometry geometry;
    private final BitSet left;
    private final BitSet right;
    private final BitSet airways;

    private LungMask(ImageGeometry geometry, BitSet left, BitSet right, BitSet airways) {
        this.geometry = geometry;
        this.left = left;
        this.right = right;
        this.airways = airways;
    }

    /** Takes over the bits, numbered as a volume's values. */
    static LungMask wrap(ImageGeometry geometry, BitSet left, BitSet right, BitSet airways) {
        return new LungMask(geometry, left, right, airways);
    }

    /**
     * Finds the lungs of a scan with the {@linkplain LungFinder#defaults defaults}, in the calling thread.
     *
     * @throws LungException if there are none to be seen
     */
    public static LungMask of(Volume scan) {
        return LungFinder.defaults().find(scan);
    }

    /**
     * Reads a mask as those of {@code seg-lungs-LUNA16} are: 3 and 4 are the lungs, 5 is the airways, all else is neither. The
     * lung whose middle has the larger x is the left one.
     *
     * @param scan the geometry of the scan that the mask must be of
     * @throws io.fedlearn.luna16.image.VolumeException if the file cannot be read
     * @throws LungException if its voxels lie elsewhere than the scan's, or none is lung
     */
    public static LungMask read(Path file, ImageGeometry scan) {
        Volume volume = MetaImage.read(file);
        if (!areAtOnePlace(volume.geometry(), scan)) {
            throw new LungException(
                    Problem.OTHER_GEOMETRY,
                    file + ": must have its voxels where the scan has them (" + scan + "), has " + volume.geometry());
        }
        return of(file, volume);
    }

    /**
     * Reads a mask without comparing it to a scan.
     *
     * @throws io.fedlearn.luna16.image.VolumeException if the file cannot be read
     * @throws LungException if none of its voxels is lung
     */
    public static LungMask read(Path file) {
        return of(file, MetaImage.read(file));
    }

    private static boolean areAtOnePlace(ImageGeometry one, ImageGeometry other) {
        GridSize size = one.size();
        if (!size.equals(other.size())) {
            return false;
        }
        for (int corner = 0; corner < 8; corner++) {
            double x = (corner & 1) * (size.x() - 1.0);
            double y = (corner >> 1 & 1) * (size.y() - 1.0);
            double z = (corner >> 2) * (size.z() - 1.0);
            if (one.toWorld(x, y, z).distance(other.toWorld(x, y, z)) > PLACE_WITHIN_MILLIMETRES) {
                return false;
            }
        }
        return true;
    }

    private static LungMask of(Path file, Volume labels) {
        ImageGeometry geometry = Resampler.toSpacing(SPACING).geometry(labels.geometry());
        GridSize size = geometry.size();
        BitSet three = new BitSet();
        BitSet four = new BitSet();
        BitSet airways = new BitSet();
        long sumThree = 0;
        long sumFour = 0;
        int next = 0;
        for (int z = 0; z < size.z(); z++) {
            for (int y = 0; y < size.y(); y++) {
                for (int x = 0; x < size.x(); x++) {
                    int label = nearest(labels, geometry.toWorld(x, y, z));
                    if (label == Lung.LEFT.value()) {
                        three.set(next);
                        sumThree += x;
                    } else if (label == Lung.RIGHT.value()) {
                        four.set(next);
                        sumFour += x;
                    } else if (label == Lung.AIRWAY_VALUE) {
                        airways.set(next);
                    }
                    next++;
                }
            }
        }
        if (three.isEmpty() && four.isEmpty()) {
            throw new LungException(
                    Problem.NO_MASK,
                    file + ": a mask of lungs must have voxels of " + Lung.LEFT.value() + " or " + Lung.RIGHT.value()
                            + ", has none");
        }
        boolean isSwapped = !three.isEmpty()
                && !four.isEmpty()
                && (double) sumThree / three.cardinality() < (double) sumFour / four.cardinality();
        return new LungMask(geometry, isSwapped ? four : three, isSwapped ? three : four, airways);
    }

    /** The value of the voxel that a place lies in; 0 beyond all. */
    private static int nearest(Volume labels, Point world) {
        Point index = labels.geometry().toIndex(world);
        GridSize size = labels.geometry().size();
        double x = Math.rint(index.x());
        double y = Math.rint(index.y());
        double z = Math.rint(index.z());
        boolean isInside = x >= 0 && y >= 0 && z >= 0 && x < size.x() && y < size.y() && z < size.z();
        return isInside ? labels.get((int) x, (int) y, (int) z) : 0;
    }

    /** Where the mask's voxels lie: along the patient's axes. */
    public ImageGeometry geometry() {
        return geometry;
    }

    /** Whether a place in the patient is lung. */
    public boolean contains(Point place) {
        int at = indexOf(place);
        return at >= 0 && (left.get(at) || right.get(at));
    }

    /** The lung that a place in the patient is in. */
    public Optional<Lung> lungAt(Point place) {
        int at = indexOf(place);
        if (at < 0) {
            return Optional.empty();
        }
        if (left.get(at)) {
            return Optional.of(Lung.LEFT);
        }
        return right.get(at) ? Optional.of(Lung.RIGHT) : Optional.empty();
    }

    /** Whether a place in the patient is in trachea or bronchi, as far as they were told from the lungs. */
    public boolean isAirway(Point place) {
        int at = indexOf(place);
        return at >= 0 && airways.get(at);
    }

    private int indexOf(Point place) {
        Point index = geometry.toIndex(place);
        GridSize size = geometry.size();
        double x = Math.rint(index.x());
        double y = Math.rint(index.y());
        double z = Math.rint(index.z());
        if (!(x >= 0 && y >= 0 && z >= 0 && x < size.x() && y < size.y() && z < size.z())) {
            return -1;
        }
        return ((int) z * size.y() + (int) y) * size.x() + (int) x;
    }

    private BitSet bits(Lung lung) {
        return lung == Lung.LEFT ? left : right;
    }

    /** How large a lung is; 0 if there is none. */
    public double millilitres(Lung lung) {
        return bits(lung).cardinality() * SPACING * SPACING * SPACING / 1000;
    }

    /** How large both lungs are together. */
    public double millilitres() {
        return millilitres(Lung.LEFT) + millilitres(Lung.RIGHT);
    }

    /** The box around both lungs, in millimetres of the patient, borders of voxels included. */
    public PatientBox boundingBox() {
        Optional<PatientBox> first = boundingBox(Lung.LEFT);
        Optional<PatientBox> second = boundingBox(Lung.RIGHT);
        if (first.isPresent() && second.isPresent()) {
            return first.get().with(second.get());
        }
        return first.or(() -> second).orElseThrow();
    }

    /** The box around one lung, in millimetres of the patient, borders of voxels included. */
    public Optional<PatientBox> boundingBox(Lung lung) {
        BitSet bits = bits(lung);
        if (bits.isEmpty()) {
            return Optional.empty();
        }
        GridSize size = geometry.size();
        int[] low = {Integer.MAX_VALUE, Integer.MAX_VALUE, Integer.MAX_VALUE};
        int[] high = new int[3];
        for (int i = bits.nextSetBit(0); i >= 0; i = bits.nextSetBit(i + 1)) {
            int[] place = {i % size.x(), i / size.x() % size.y(), i / size.x() / size.y()};
            for (int axis = 0; axis < 3; axis++) {
                low[axis] = Math.min(low[axis], place[axis]);
                high[axis] = Math.max(high[axis], place[axis]);
            }
        }
        return Optional.of(new PatientBox(
                geometry.toWorld(low[0] - 0.5, low[1] - 0.5, low[2] - 0.5),
                geometry.toWorld(high[0] + 0.5, high[1] + 0.5, high[2] + 0.5)));
    }

    /**
     * What is unusual about the lungs of an adult's whole chest, in words; empty for most scans. None of it need be wrong:
     * the scan may show a part of the chest, a child, or a patient with one lung.
     */
    public List<String> warnings() {
        List<String> warnings = new ArrayList<>();
        double all = millilitres();
        double smaller = Math.min(millilitres(Lung.LEFT), millilitres(Lung.RIGHT));
        if (all < LEAST_USUAL_MILLILITRES) {
            warnings.add(String.format(
                    Locale.ROOT, "the lungs have %.0f ml, less than the usual %.0f", all, LEAST_USUAL_MILLILITRES));
        }
        if (all > MOST_USUAL_MILLILITRES) {
            warnings.add(String.format(
                    Locale.ROOT, "the lungs have %.0f ml, more than the usual %.0f", all, MOST_USUAL_MILLILITRES));
        }
        if (smaller < LEAST_USUAL_SHARE * all) {
            warnings.add(String.format(
                    Locale.ROOT,
                    "the lungs differ much in size: left %.0f ml, right %.0f ml",
                    millilitres(Lung.LEFT),
                    millilitres(Lung.RIGHT)));
        }
        return warnings;
    }

    /**
     * This mask with the lungs larger all around, as far as the scan goes. Where the two meet, each place is the nearer lung's.
     * The calling thread takes 4 bytes of memory for each of the mask's voxels, and then some.
     *
     * @param millimetres in [0, 100]
     */
    public LungMask dilated(double millimetres) {
        if (!(millimetres >= 0 && millimetres <= MOST_DILATION)) {
            throw new IllegalArgumentException("millimetres must be in [0, " + MOST_DILATION + "], was " + millimetres);
        }
        GridSize size = geometry.size();
        Ball ball = new Ball(millimetres / SPACING, Workers.caller());
        int[] toLeft = ball.squares(array(left), size.x(), size.y(), size.z());
        int[] toRight = ball.squares(array(right), size.x(), size.y(), size.z());
        BitSet newLeft = new BitSet();
        BitSet newRight = new BitSet();
        for (int i = 0; i < toLeft.length; i++) {
            boolean isLeft = toLeft[i] <= toRight[i];
            if (ball.reaches(isLeft ? toLeft[i] : toRight[i])) {
                (isLeft ? newLeft : newRight).set(i);
            }
        }
        return new LungMask(geometry, newLeft, newRight, airways);
    }

    private boolean[] array(BitSet bits) {
        boolean[] array = new boolean[(int) geometry.size().voxelCount()];
        for (int i = bits.nextSetBit(0); i >= 0; i = bits.nextSetBit(i + 1)) {
            array[i] = true;
        }
        return array;
    }

    /** The mask as labels on its own grid: 3 left lung, 4 right lung, 5 airways, 0 neither. */
    public Volume toVolume() {
        short[] labels = new short[(int) geometry.size().voxelCount()];
        for (int i = 0; i < labels.length; i++) {
            labels[i] = label(i);
        }
        return Volume.wrap(geometry, labels);
    }

    /** The mask as labels on another grid, such as the scan's: each voxel has the label of the mask's voxel that it is in. */
    public Volume toVolume(ImageGeometry grid) {
        GridSize size = grid.size();
        short[] labels = new short[Math.toIntExact(size.voxelCount())];
        int next = 0;
        for (int z = 0; z < size.z(); z++) {
            for (int y = 0; y < size.y(); y++) {
                for (int x = 0; x < size.x(); x++) {
                    int at = indexOf(grid.toWorld(x, y, z));
                    labels[next++] = at < 0 ? 0 : label(at);
                }
            }
        }
        return Volume.wrap(grid, labels);
    }

    private short label(int at) {
        if (left.get(at)) {
            return Lung.LEFT.value();
        }
        if (right.get(at)) {
            return Lung.RIGHT.value();
        }
        return airways.get(at) ? Lung.AIRWAY_VALUE : 0;
    }

    /**
     * Writes the mask as MetaImage, on its own grid, as {@link #toVolume()} has it.
     *
     * @param header ends in {@code .mhd}; the voxels go beside it, as {@code .zraw}
     */
    public void write(Path header) throws IOException {
        MetaImage.write(header, toVolume(), MetaImage.Compression.ZLIB);
    }

    /**
     * Writes the mask as MetaImage on another grid, such as the scan's, as {@code seg-lungs-LUNA16} does.
     *
     * @param header ends in {@code .mhd}; the voxels go beside it, as {@code .zraw}
     */
    public void write(Path header, ImageGeometry grid) throws IOException {
        MetaImage.write(header, toVolume(grid), MetaImage.Compression.ZLIB);
    }

    @Override
    public String toString() {
        return String.format(
                Locale.ROOT, "lungs of %.0f ml (left) and %.0f ml", millilitres(Lung.LEFT), millilitres(Lung.RIGHT));
    }
}
