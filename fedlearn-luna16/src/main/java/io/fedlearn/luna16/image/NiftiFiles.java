package io.fedlearn.luna16.image;

import io.fedlearn.luna16.image.VolumeException.Problem;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.zip.GZIPInputStream;

/**
 * The one file or the two files of a NIfTI image, each of them compressed or not, whatever its name says.
 *
 * @param header has the header
 * @param voxels has the voxels; the same file, if there is one only
 */
record NiftiFiles(Path header, Path voxels) {
    private static final int GZIP_MAGIC = 0x1f8b;
    private static final String GZIP = ".gz";

    /** Whether a name is one of a single file. */
    static boolean isSingle(Path path) {
        return stem(path, ".nii") >= 0;
    }

    /** Whether a name is one of a pair. */
    static boolean isOfPair(Path path) {
        return stem(path, ".hdr") >= 0 || stem(path, ".img") >= 0;
    }

    /** How long a name is without its ending, or -1 if it ends otherwise. */
    private static int stem(Path path, String ending) {
        String name = name(path).toLowerCase(Locale.ROOT);
        for (String whole : new String[] {ending, ending + GZIP}) {
            if (name.endsWith(whole)) {
                return name.length() - whole.length();
            }
        }
        return -1;
    }

    private static String name(Path path) {
        return String.valueOf(path.getFileName());
    }

    /**
     * The files of an image.
     *
     * @param path of one of them
     * @throws VolumeException if the other one is missing, or a link out of the folder
     */
    static NiftiFiles of(Path path) {
        int header = stem(path, ".hdr");
        if (header >= 0) {
            return new NiftiFiles(path, other(path, header, ".img"));
        }
        int voxels = stem(path, ".img");
        if (voxels >= 0) {
            return new NiftiFiles(other(path, voxels, ".hdr"), path);
        }
        return new NiftiFiles(path, path);
    }

    private static Path other(Path path, int stem, String ending) {
        String name = name(path).substring(0, stem);
        for (String letters : new String[] {ending, ending.toUpperCase(Locale.ROOT)}) {
            for (String whole : new String[] {letters, letters + GZIP, letters + GZIP.toUpperCase(Locale.ROOT)}) {
                Path other = path.resolveSibling(name + whole);
                if (Files.exists(other)) {
                    requireInside(path, other);
                    return other;
                }
            }
        }
        throw new VolumeException(
                Problem.MISSING_VOXELS,
                path.resolveSibling(name + ending),
                "there is no such file, which is to go with " + name(path));
    }

    /** Who names one file has not named what a link beside it leads to. */
    private static void requireInside(Path path, Path other) {
        try {
            Path folder = other.toAbsolutePath().getParent();
            if (folder == null || !other.toRealPath().startsWith(folder.toRealPath())) {
                throw new VolumeException(
                        Problem.OUTSIDE_FOLDER,
                        path,
                        "header and voxels must lie in one folder, " + name(other) + " is a link out of it");
            }
        } catch (IOException e) {
            throw new VolumeException(Problem.UNREADABLE, other, "cannot be read: " + e, e);
        }
    }

    /** Whether a file is compressed by gzip, whatever its name says. */
    static boolean isCompressed(Path file) throws IOException {
        byte[] first = FirstBytes.of(file, 2);
        return first.length == 2 && ((first[0] & 0xff) << 8 | first[1] & 0xff) == GZIP_MAGIC;
    }

    /** At most so many bytes from the beginning of a file, inflated. */
    static byte[] firstBytes(Path file, int count) throws IOException {
        if (!isCompressed(file)) {
            return FirstBytes.of(file, count);
        }
        try (InputStream in = new GZIPInputStream(new BufferedInputStream(Files.newInputStream(file)))) {
            return in.readNBytes(count);
        }
    }
}
