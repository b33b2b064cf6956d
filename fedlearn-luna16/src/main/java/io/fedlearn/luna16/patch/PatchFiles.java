package io.fedlearn.luna16.patch;

import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.formats.FormatException;
import io.fedlearn.formats.ReadLimits;
import io.fedlearn.formats.numpy.Npy;
import io.fedlearn.formats.numpy.Npz;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;

/**
 * Reads patches that others cut out: {@code .npy} files with one array of depth x height x width values in HU (z, y, x), and
 * {@code .npz} files with one such array among others of other ranks. {@link Patch#centered} brings them into a network's
 * shape.
 *
 * <p>Any type of number will do; values are rounded to whole HU, and those beyond 16 bits become the nearest. Refused, by
 * file and reason: arrays of another rank, arrays with no number or infinity in them, several arrays of rank 3, and arrays
 * that lie in [0, 1] as a whole: those were brought into a window already and are not in HU.
 */
public final class PatchFiles {
    private static final String NPY = ".npy";
    private static final String NPZ = ".npz";
    private static final int RANK = 3;
    /** Room for the largest patch there may be, as 64-bit numbers. */
    private static final ReadLimits LIMITS = ReadLimits.defaults().withMaxHeapBytes(1L << 27);

    private PatchFiles() {}

    /**
     * The files of a folder that may hold patches, by name.
     *
     * @throws FormatException if the folder has none, or is none
     */
    public static List<Path> in(Path folder) throws IOException {
        if (!Files.isDirectory(folder)) {
            throw new FormatException(folder.toString(), "must be a folder of patches");
        }
        List<Path> files = new ArrayList<>();
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(folder)) {
            for (Path entry : entries) {
                if (Files.isRegularFile(entry) && (isNamed(entry, NPY) || isNamed(entry, NPZ))) {
                    files.add(entry);
                }
            }
        }
        if (files.isEmpty()) {
            throw new FormatException(folder.toString(), "must hold patches as " + NPY + " or " + NPZ + ", has none");
        }
        Collections.sort(files);
        return files;
    }

    private static boolean isNamed(Path file, String ending) {
        return file.getFileName().toString().toLowerCase(Locale.ROOT).endsWith(ending);
    }

    /**
     * Reads one file.
     *
     * @throws FormatException if it does not hold a patch
     */
    public static Patch read(Path file) throws IOException {
        String source = file.toString();
        Tensor tensor = isNamed(file, NPZ) ? only(Npz.read(file, LIMITS), source) : Npy.read(file, LIMITS);
        long[] lengths = tensor.shape().lengths();
        if (lengths.length != RANK) {
            throw new FormatException(
                    source, "a patch must have " + RANK + " axes (z, y, x), has the shape " + tensor.shape());
        }
        return Patch.wrap(shape(lengths, tensor, source), values(tensor, source));
    }

    private static Tensor only(Model model, String source) {
        List<Tensor> patches = new ArrayList<>();
        for (Tensor tensor : model.tensors()) {
            if (tensor.shape().rank() == RANK) {
                patches.add(tensor);
            }
        }
        if (patches.size() != 1) {
            throw new FormatException(
                    source, "must hold one array of " + RANK + " axes (z, y, x), holds " + patches.size());
        }
        return patches.get(0);
    }

    private static PatchShape shape(long[] lengths, Tensor tensor, String source) {
        try {
            return new PatchShape(
                    Math.toIntExact(lengths[0]), Math.toIntExact(lengths[1]), Math.toIntExact(lengths[2]));
        } catch (ArithmeticException | IllegalArgumentException e) {
            throw new FormatException(source, "no patch has the shape " + tensor.shape(), e);
        }
    }

    private static short[] values(Tensor tensor, String source) {
        if (tensor.firstNonFinite() >= 0) {
            throw new FormatException(source, "has a value that is not finite");
        }
        double[] hu = tensor.toDoubleArray();
        short[] values = new short[hu.length];
        boolean shares = true;
        for (int i = 0; i < hu.length; i++) {
            shares &= hu[i] >= 0 && hu[i] <= 1;
            values[i] = (short) Math.min(Math.max(Math.rint(hu[i]), Short.MIN_VALUE), Short.MAX_VALUE);
        }
        if (shares) {
            throw new FormatException(source, "must be in HU, and all its values lie in [0, 1]");
        }
        return values;
    }
}
