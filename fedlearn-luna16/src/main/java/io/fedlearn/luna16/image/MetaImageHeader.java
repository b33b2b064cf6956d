package io.fedlearn.luna16.image;

import io.fedlearn.luna16.image.VolumeException.Problem;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;

/**
 * The header of a MetaImage ({@code .mhd}, or the beginning of an {@code .mha}), as ITK understands it: where the voxels
 * of a three-dimensional image lie in the patient, how they are stored, and in which file. Immutable.
 *
 * <p><b>What is read.</b> Lines {@code key = value} or {@code key : value}; {@code ElementDataFile} is the last. Of
 * several keys for one thing the last of these counts: {@code Offset}, {@code Position}, {@code Origin},
 * {@code ImagePosition}; {@code Orientation}, {@code Rotation}, {@code TransformMatrix}; {@code ElementSize},
 * {@code ElementSpacing}; {@code ElementByteOrderMSB}, {@code BinaryDataByteOrderMSB}. With
 * {@code FileFormatVersion = 1} also {@code ElementOrigin} and {@code ElementDirection}, before which the older keys stand
 * back. Keys may come in any order and unknown ones are kept. As in ITK, {@code CenterOfRotation} and
 * {@code ElementToIntensityFunction...} have no effect.
 *
 * <p><b>What is refused.</b> Other numbers of dimensions than 3, several channels, other units than millimetres,
 * two different values for one key, and compressed voxels whose beginning is counted from the end of the file
 * ({@code HeaderSize = -1}).
 */
public final class MetaImageHeader {
    /** The most bytes that a header may take: {@value}, room for the names of ten thousand slices. */
    public static final int MAX_BYTES = 1 << 20;

    private final Path file;
    private final Map<String, String> fields;
    private final ImageGeometry geometry;
    private final ElementType elementType;
    private final ByteOrder byteOrder;
    private final boolean text;
    private final boolean compressed;
    private final long compressedByteCount;
    private final long headerSize;
    private final VoxelPlace place;

    MetaImageHeader(
            Path file,
            LinkedHashMap<String, String> fields,
            ImageGeometry geometry,
            ElementType elementType,
            ByteOrder byteOrder,
            boolean text,
            boolean compressed,
            long compressedByteCount,
            long headerSize,
            VoxelPlace place) {
        this.file = file;
        this.fields = Collections.unmodifiableMap(fields);
        this.geometry = geometry;
        this.elementType = elementType;
        this.byteOrder = byteOrder;
        this.text = text;
        this.compressed = compressed;
        this.compressedByteCount = compressedByteCount;
        this.headerSize = headerSize;
        this.place = place;
    }

    /**
     * Where the header says the voxels are.
     *
     * @param names relative to the header's folder; empty if they follow the header in its own file
     * @param start where in the header's own file they begin
     */
    record VoxelPlace(List<String> names, long start) {
        VoxelPlace {
            names = List.copyOf(names);
        }
    }

    /**
     * Reads a header, and nothing of the voxels: not even whether they are there, for which see {@link #checkVoxels()}.
     *
     * @throws VolumeException if it cannot be read
     */
    public static MetaImageHeader read(Path file) {
        return MetaImageHeaderParser.parse(file);
    }

    /**
     * Checks by looking at the files' sizes that the voxels are all there and no more, without reading them. Compressed
     * voxels are known for certain only once they are read.
     *
     * @throws VolumeException if a file is missing, too short, too long or in another folder
     */
    public void checkVoxels() {
        VoxelFile.locate(this);
    }

    /** The file. */
    public Path file() {
        return file;
    }

    /** All lines by key, in their order, as they are. */
    public Map<String, String> fields() {
        return fields;
    }

    /** Where the voxels lie in the patient. */
    public ImageGeometry geometry() {
        return geometry;
    }

    /** How a voxel is stored. */
    public ElementType elementType() {
        return elementType;
    }

    /** Which byte of a voxel comes first. */
    public ByteOrder byteOrder() {
        return byteOrder;
    }

    /** Whether the voxels are numbers written as text, with blanks between them ({@code BinaryData = False}). */
    public boolean isText() {
        return text;
    }

    /** Whether the voxels are compressed. */
    public boolean isCompressed() {
        return compressed;
    }

    /** How many bytes the compressed voxels take, if the header says so. */
    public OptionalLong compressedByteCount() {
        return compressedByteCount == 0 ? OptionalLong.empty() : OptionalLong.of(compressedByteCount);
    }

    /** How many bytes come before the voxels in their file; -1 if the voxels are the end of the file. */
    public long headerSize() {
        return headerSize;
    }

    /**
     * The files with the voxels as the header names them, relative to its folder, in the order of the slices; none if the
     * voxels follow the header in its own file.
     */
    public List<String> voxelFiles() {
        return place.names();
    }

    VoxelPlace place() {
        return place;
    }

    /** How many bytes the voxels take once they are not compressed. */
    long byteCount() {
        return geometry.size().voxelCount() * elementType.byteSize();
    }

    VolumeException failure(Problem problem, String reason) {
        return new VolumeException(problem, file, reason);
    }

    @Override
    public String toString() {
        return file + ": " + elementType + ", " + geometry;
    }
}
