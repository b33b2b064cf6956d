package io.fedlearn.examples.docs;

import io.fedlearn.luna16.image.GridSize;
import io.fedlearn.luna16.image.ImageGeometry;
import io.fedlearn.luna16.image.Point;
import io.fedlearn.luna16.image.Volume;
import io.fedlearn.luna16.image.VolumeException;
import io.fedlearn.luna16.image.VolumeException.Problem;
import io.fedlearn.luna16.image.VolumeReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

// tag::plug-in[]
/** Reads a folder with the slices of one series, as DICOM has them. */
public final class SliceSeriesReader implements VolumeReader {
    private static final double UNEVENNESS = 0.01;

    @Override
    public String name() {
        return "slices";
    }

    @Override
    public String formats() {
        return "a folder with .slice files";
    }

    @Override
    public boolean accepts(Path path) throws IOException {
        return Files.isDirectory(path) && !files(path).isEmpty();
    }

    @Override
    public Volume read(Path folder) throws IOException {
        List<Slice> slices = new ArrayList<>();
        for (Path file : files(folder)) {
            // Here a DICOM library reads the file.
            slices.add(Slice.read(file));
        }
        // Neither names of files nor instance numbers are an order to rely on: the place in the patient is.
        Slice any = slices.get(0);
        Point normal = any.normal();
        slices.sort(Comparator.comparingDouble(slice -> slice.height(normal)));
        GridSize size = new GridSize(any.columns(), any.rows(), slices.size());
        double distance = distance(folder, slices, normal);
        short[] values = new short[Math.toIntExact(size.voxelCount())];
        int done = 0;
        for (Slice slice : slices) {
            if (!slice.fits(any)) {
                throw new VolumeException(Problem.BAD_HEADER, slice.file(), "is of another series or size than others");
            }
            for (int stored : slice.stored()) {
                values[done++] = hu(slice, stored);
            }
        }
        ImageGeometry geometry = ImageGeometry.of(
                size,
                new Point(any.spacing().x(), any.spacing().y(), distance),
                slices.get(0).position(),
                any.alongRow(),
                any.alongColumn(),
                normal);
        return Volume.wrap(geometry, values);
    }

    private static List<Path> files(Path folder) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.filter(file -> file.toString().endsWith(".slice")).toList();
        }
    }

    /** Between neighbours; a missing slice would shift all that follow, so it is refused. */
    private static double distance(Path folder, List<Slice> slices, Point normal) {
        if (slices.size() < 2) {
            throw new VolumeException(Problem.UNSUPPORTED, folder, "must have two slices at least, has one");
        }
        double first = slices.get(0).height(normal);
        double last = slices.get(slices.size() - 1).height(normal);
        double distance = (last - first) / (slices.size() - 1);
        for (int i = 1; i < slices.size(); i++) {
            double found = slices.get(i).height(normal) - slices.get(i - 1).height(normal);
            if (!(Math.abs(found - distance) <= UNEVENNESS * distance)) {
                throw new VolumeException(
                        Problem.BAD_HEADER,
                        slices.get(i).file(),
                        "must follow its neighbour by " + distance + " mm, follows by " + found);
            }
        }
        return distance;
    }

    private static short hu(Slice slice, int stored) {
        double value = Math.rint(stored * slice.slope() + slice.intercept());
        if (value < Short.MIN_VALUE || value > Short.MAX_VALUE) {
            throw new VolumeException(Problem.BAD_VALUE, slice.file(), "has a value beyond 16 bits");
        }
        return (short) value;
    }
}
// end::plug-in[]
