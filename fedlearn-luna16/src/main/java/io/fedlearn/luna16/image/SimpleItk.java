package io.fedlearn.luna16.image;

import io.fedlearn.luna16.image.VolumeException.Problem;
import java.io.IOException;
import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;

/**
 * SimpleITK as a reader of whatever ITK reads, DICOM series among it, if SimpleITK's Java binding is on this machine. The
 * binding is found at run time, as it is in no Maven repository: this module neither brings nor needs it.
 *
 * <p><b>Where it is looked for.</b> In the jar that the system property {@value #JAR_PROPERTY} names, else on the class path.
 * Its native library {@code SimpleITKJava} is looked for beside that jar, then in the folders of {@code java.library.path}.
 * What is not there, {@link #missing()} says. Versions from 2.1 on have what is needed.
 *
 * <p><b>What it reads.</b> A folder with one DICOM series, in the order of its slices (ITK takes the distance of the first two
 * for that of all), and files of the formats that other readers leave: NRRD, GIPL, VTK, MINC, ANALYZE and single DICOM files
 * that have a whole volume. Values are what ITK makes of them, for DICOM HU.
 *
 * <p>Thread-safe, as far as ITK is. The binding is loaded once, when first needed.
 */
public final class SimpleItk implements VolumeReader {
    /** The system property that names SimpleITK's jar: {@value}. */
    public static final String JAR_PROPERTY = "fedlearn.simpleitk.jar";

    private static final List<String> ENDINGS = List.of(
            ".nrrd",
            ".nhdr",
            ".gipl",
            ".gipl.gz",
            ".vtk",
            ".mnc",
            ".dcm",
            ".ima",
            ".hdr",
            ".img",
            ".img.gz",
            ".mhd",
            ".mha",
            ".nii",
            ".nii.gz");
    private static final int DIMENSIONS = 3;
    private static final int SHOWN_LENGTH = 300;

    private final FutureTask<Found> search;

    private SimpleItk(Optional<Path> jar) {
        this.search = new FutureTask<>(() -> search(jar));
    }

    /** The binding, or else what is missing of it. */
    private record Found(Optional<SimpleItkBinding> binding, String missing) {}

    /** Java lets one class loader alone have a native library: all readers of the process share what was found. */
    private static final class Installed {
        static final SimpleItk READER = new SimpleItk(named());

        private static Optional<Path> named() {
            String name = System.getProperty(JAR_PROPERTY, "");
            try {
                return name.isBlank() ? Optional.empty() : Optional.of(Path.of(name));
            } catch (InvalidPathException e) {
                throw new IllegalArgumentException(JAR_PROPERTY + " must be a path, was '" + name + "'", e);
            }
        }
    }

    /** The reader of this process: of the jar that {@value #JAR_PROPERTY} names, else of the class path. */
    public static SimpleItk installed() {
        return Installed.READER;
    }

    /**
     * A reader by another jar. Of several with one native library only the first can read.
     *
     * @param jar SimpleITK's, its native library beside it
     */
    public static SimpleItk of(Path jar) {
        return new SimpleItk(Optional.of(jar));
    }

    private static Found search(Optional<Path> jar) {
        try {
            return new Found(Optional.of(SimpleItkBinding.load(jar)), "");
        } catch (SimpleItkBinding.MissingException e) {
            return new Found(Optional.empty(), String.valueOf(e.getMessage()));
        }
    }

    private Found found() {
        search.run();
        boolean interrupted = false;
        try {
            while (true) {
                try {
                    return search.get();
                } catch (InterruptedException e) {
                    interrupted = true;
                } catch (ExecutionException | CancellationException e) {
                    return new Found(Optional.empty(), "SimpleITK's Java binding cannot be loaded: " + e.getCause());
                }
            }
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    @Override
    public String name() {
        return "SimpleITK";
    }

    @Override
    public String formats() {
        return "a folder with a DICOM series, .nrrd and what else ITK reads";
    }

    @Override
    public boolean accepts(Path path) throws IOException {
        if (DicomFiles.among(path)) {
            return true;
        }
        String name = String.valueOf(path.getFileName()).toLowerCase(Locale.ROOT);
        return !Files.isDirectory(path) && ENDINGS.stream().anyMatch(name::endsWith);
    }

    @Override
    public Optional<String> missing() {
        Found found = found();
        return found.binding().isPresent() ? Optional.empty() : Optional.of(found.missing());
    }

    @Override
    public Volume read(Path path) {
        Found found = found();
        SimpleItkBinding binding =
                found.binding().orElseThrow(() -> new VolumeException(Problem.NO_READER, path, found.missing()));
        try {
            Object image = Files.isDirectory(path) ? series(binding, path) : binding.readImage(path.toString());
            try {
                return volume(binding, path, image);
            } finally {
                // The buffer is the image's own memory, of which Java does not know.
                Reference.reachabilityFence(image);
                binding.delete(image);
            }
        } catch (SimpleItkBinding.CallException e) {
            throw new VolumeException(Problem.UNREADABLE, path, "SimpleITK cannot read it: " + reason(e), e);
        }
    }

    private static Object series(SimpleItkBinding binding, Path folder) throws SimpleItkBinding.CallException {
        List<String> series = binding.seriesIds(folder.toString());
        if (series.size() != 1) {
            throw new VolumeException(
                    series.isEmpty() ? Problem.BAD_HEADER : Problem.UNSUPPORTED,
                    folder,
                    "a folder must have one DICOM series, has " + series.size());
        }
        return binding.readSeries(folder.toString(), series.get(0));
    }

    private static Volume volume(SimpleItkBinding binding, Path path, Object image)
            throws SimpleItkBinding.CallException {
        int dimensions = binding.dimensions(image);
        if (dimensions != DIMENSIONS) {
            throw unsupported(path, "must have three dimensions, has " + dimensions);
        }
        int components = binding.components(image);
        if (components != 1) {
            throw unsupported(path, "must have one number per voxel, has " + components);
        }
        ElementType type = type(path, binding.pixelType(image));
        double[] counts = binding.size(image);
        double[] direction = binding.direction(image);
        ImageGeometry geometry;
        try {
            // The matrix comes row after row; its columns are the axes.
            geometry = ImageGeometry.of(
                    new GridSize((int) counts[0], (int) counts[1], (int) counts[2]),
                    point(binding.spacing(image), 0, 1),
                    point(binding.origin(image), 0, 1),
                    point(direction, 0, DIMENSIONS),
                    point(direction, 1, DIMENSIONS),
                    point(direction, 2, DIMENSIONS));
        } catch (IllegalArgumentException e) {
            throw new VolumeException(Problem.BAD_HEADER, path, String.valueOf(e.getMessage()), e);
        }
        GridSize size = geometry.size();
        short[] values = Voxels.allocate(path, size);
        // A buffer out of native code says it is big-endian, whatever the machine.
        ByteBuffer bytes = binding.buffer(image).order(ByteOrder.nativeOrder());
        long needed = (long) values.length * type.byteSize();
        if (bytes.capacity() != needed) {
            throw unsupported(
                    path, "SimpleITK must hand over " + needed + " bytes of voxels, hands over " + bytes.capacity());
        }
        int misfit = type.convert(bytes.position(0), values, 0, values.length);
        if (misfit >= 0) {
            throw new VolumeException(Problem.BAD_VALUE, path, Voxels.misfit(size, misfit));
        }
        return Volume.wrap(geometry, values);
    }

    private static Point point(double[] numbers, int from, int step) {
        return new Point(numbers[from], numbers[from + step], numbers[from + 2 * step]);
    }

    private static ElementType type(Path path, String pixelType) {
        return switch (pixelType) {
            case "sitkUInt8" -> ElementType.UCHAR;
            case "sitkInt8" -> ElementType.CHAR;
            case "sitkUInt16" -> ElementType.USHORT;
            case "sitkInt16" -> ElementType.SHORT;
            case "sitkUInt32" -> ElementType.UINT;
            case "sitkInt32" -> ElementType.INT;
            case "sitkUInt64" -> ElementType.ULONG_LONG;
            case "sitkInt64" -> ElementType.LONG_LONG;
            case "sitkFloat32" -> ElementType.FLOAT;
            case "sitkFloat64" -> ElementType.DOUBLE;
            default -> throw unsupported(path, "voxels must be numbers, are " + pixelType);
        };
    }

    private static VolumeException unsupported(Path path, String reason) {
        return new VolumeException(Problem.UNSUPPORTED, path, reason);
    }

    /** What ITK says takes several lines. */
    private static String reason(SimpleItkBinding.CallException e) {
        String message = String.valueOf(e.getMessage()).replaceAll("\\s+", " ").strip();
        return message.length() > SHOWN_LENGTH ? message.substring(0, SHOWN_LENGTH) + "..." : message;
    }
}
