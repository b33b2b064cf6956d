package io.fedlearn.luna16.image;

import io.fedlearn.luna16.image.VolumeException.Problem;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * A file with voxels that is there and has as many bytes as it should, as far as its size tells.
 *
 * @param path without links
 * @param start where the voxels begin
 * @param storedBytes how many bytes they take in the file
 * @param compressed whether those bytes are compressed
 * @param skipped how many bytes come before the voxels once they are not compressed
 * @param bytes how many bytes they take in memory, as the header says they are stored
 */
record VoxelFile(Path path, long start, long storedBytes, boolean compressed, long skipped, long bytes) {
    /** How many times its size a deflated stream expands at most. */
    private static final long MAX_EXPANSION = 1032;

    /**
     * Finds the files of an image and checks their sizes.
     *
     * @throws VolumeException if one is missing, too short, too long or outside the header's folder
     */
    static List<VoxelFile> locate(MetaImageHeader header) {
        List<String> names = header.place().names();
        if (names.isEmpty()) {
            return List.of(sized(header, header.file(), header.place().start(), header.byteCount(), false));
        }
        Path folder = folderOf(header);
        List<VoxelFile> files = new ArrayList<>();
        for (String name : names) {
            files.add(find(header, folder, name, header.byteCount() / names.size()));
        }
        return files;
    }

    private static Path folderOf(MetaImageHeader header) {
        try {
            Path parent = header.file().toAbsolutePath().getParent();
            if (parent == null) {
                throw header.failure(Problem.UNREADABLE, "lies in no folder");
            }
            return parent.toRealPath();
        } catch (IOException e) {
            throw new VolumeException(Problem.UNREADABLE, header.file(), "its folder cannot be read: " + e, e);
        }
    }

    private static VoxelFile find(MetaImageHeader header, Path folder, String name, long bytes) {
        Path named;
        try {
            named = Path.of(name);
        } catch (InvalidPathException e) {
            throw new VolumeException(
                    Problem.BAD_HEADER,
                    header.file(),
                    "ElementDataFile must be a file's name, was " + MetaImageHeaderParser.quote(name),
                    e);
        }
        if (named.isAbsolute() || !folder.resolve(named).normalize().startsWith(folder)) {
            throw header.failure(
                    Problem.OUTSIDE_FOLDER,
                    "voxels must lie in the header's folder, ElementDataFile was " + MetaImageHeaderParser.quote(name));
        }
        Path plain = folder.resolve(named).normalize();
        if (Files.exists(plain)) {
            return inside(header, folder, plain, name, bytes, false);
        }
        if (header.isText()) {
            throw absent(header, plain);
        }
        for (String ending : new String[] {".gz", ".Z"}) {
            Path compressed = plain.resolveSibling(plain.getFileName() + ending);
            if (Files.exists(compressed)) {
                return inside(header, folder, compressed, name + ending, bytes, true);
            }
        }
        throw absent(header, plain);
    }

    private static VolumeException absent(MetaImageHeader header, Path path) {
        return new VolumeException(
                Problem.MISSING_VOXELS,
                path,
                "there is no such file, which is to have the voxels of "
                        + header.file().getFileName());
    }

    private static VoxelFile inside(
            MetaImageHeader header, Path folder, Path path, String name, long bytes, boolean forceCompressed) {
        Path real;
        try {
            real = path.toRealPath();
        } catch (IOException e) {
            throw new VolumeException(Problem.UNREADABLE, path, "cannot be read: " + e, e);
        }
        if (!real.startsWith(folder)) {
            throw header.failure(
                    Problem.OUTSIDE_FOLDER,
                    "voxels must lie in the header's folder, ElementDataFile " + MetaImageHeaderParser.quote(name)
                            + " is a link out of it");
        }
        return sized(header, real, Math.max(0, header.headerSize()), bytes, forceCompressed);
    }

    private static VoxelFile sized(MetaImageHeader header, Path path, long begin, long bytes, boolean forceCompressed) {
        long size = sizeOf(path);
        boolean compressed = header.isCompressed() || forceCompressed;
        boolean fromEnd = header.headerSize() == -1 && !compressed;
        long start = fromEnd ? Math.max(begin, size - bytes) : Math.max(begin, header.headerSize());
        if (header.isText()) {
            return text(path, start, size, bytes, bytes / header.elementType().byteSize());
        }
        if (compressed) {
            return inflatable(path, start, size, header.compressedByteCount().orElse(Math.max(0, size - start)), bytes);
        }
        requireSize(path, start, size, bytes, "");
        return new VoxelFile(path, start, bytes, false, 0, bytes);
    }

    /** The size of an ordinary file. */
    static long sizeOf(Path path) {
        try {
            if (!Files.isRegularFile(path)) {
                throw new VolumeException(Problem.UNREADABLE, path, "is no ordinary file");
            }
            return Files.size(path);
        } catch (NoSuchFileException e) {
            throw new VolumeException(Problem.MISSING_VOXELS, path, "there is no such file", e);
        } catch (IOException e) {
            throw new VolumeException(Problem.UNREADABLE, path, "cannot be read: " + e, e);
        }
    }

    private static VoxelFile text(Path path, long start, long size, long bytes, long numbers) {
        // A digit each, and a blank between two.
        long least = 2 * numbers - 1;
        if (size - start < least) {
            throw new VolumeException(
                    Problem.TOO_SHORT,
                    path,
                    "must have " + numbers + " numbers, which take " + least + " characters at least, has "
                            + Math.max(0, size - start));
        }
        return new VoxelFile(path, start, size - start, false, 0, bytes);
    }

    private static VoxelFile inflatable(Path path, long start, long size, long stored, long bytes) {
        requireSize(path, start, size, stored, " compressed");
        requireExpansion(path, stored, bytes);
        return new VoxelFile(path, start, stored, true, 0, bytes);
    }

    /** The voxels that follow so many bytes in a file of their own, or after their header, compressed as a whole or not. */
    static VoxelFile after(Path path, long skipped, boolean compressed, long bytes) {
        long size = sizeOf(path);
        if (compressed) {
            requireExpansion(path, size, skipped + bytes);
            return new VoxelFile(path, 0, size, true, skipped, bytes);
        }
        requireSize(path, skipped, size, bytes, "");
        return new VoxelFile(path, skipped, bytes, false, 0, bytes);
    }

    private static void requireSize(Path path, long start, long size, long stored, String kind) {
        long found = Math.max(0, size - start);
        if (found != stored) {
            throw new VolumeException(
                    found < stored ? Problem.TOO_SHORT : Problem.TOO_LONG,
                    path,
                    "must have " + stored + kind + " bytes of voxels" + (start > 0 ? " from byte " + start + " on" : "")
                            + ", has " + found);
        }
    }

    /** Keeps a small file from asking for much memory. */
    private static void requireExpansion(Path path, long stored, long bytes) {
        if (bytes / MAX_EXPANSION > stored) {
            throw new VolumeException(
                    Problem.TOO_SHORT,
                    path,
                    stored + " compressed bytes cannot expand to the " + bytes + " bytes of voxels that there must be");
        }
    }
}
