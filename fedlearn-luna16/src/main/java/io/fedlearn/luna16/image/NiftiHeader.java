package io.fedlearn.luna16.image;

import io.fedlearn.luna16.image.VolumeException.Problem;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;
import java.util.zip.ZipException;

/**
 * What a NIfTI-1 header says of the voxels.
 *
 * @param geometry in the LPS system
 * @param elementType how a voxel is stored
 * @param byteOrder which byte of a number comes first
 * @param slope by which stored values are multiplied
 * @param intercept which is then added
 * @param voxelOffset where in their file the voxels begin
 * @param single whether that is the header's own file
 */
record NiftiHeader(
        ImageGeometry geometry,
        ElementType elementType,
        ByteOrder byteOrder,
        double slope,
        double intercept,
        long voxelOffset,
        boolean single) {
    /** How many bytes a header takes. */
    static final int BYTES = 348;

    private static final int BYTES_OF_NIFTI_2 = 540;
    /** Four bytes say whether extensions follow; the voxels of a single file come after them. */
    private static final int LEAST_OFFSET = BYTES + 4;

    private static final int DIMENSIONS = 3;
    private static final int MAX_DIMENSIONS = 7;
    private static final int DIM = 40;
    private static final int DATATYPE = 70;
    private static final int BITPIX = 72;
    private static final int VOX_OFFSET = 108;
    private static final int SCL_SLOPE = 112;
    private static final int SCL_INTER = 116;
    private static final int XYZT_UNITS = 123;
    private static final int MAGIC = 344;
    private static final int UNITS_OF_SPACE = 7;
    private static final int UNKNOWN_UNIT = 0;
    private static final int MILLIMETRE = 2;

    /** In which order the numbers of a header are, by its size, which it begins with; empty if it is none. */
    static Optional<ByteOrder> orderOf(byte[] header) {
        return header.length < BYTES ? Optional.empty() : orderBySize(header, BYTES);
    }

    private static Optional<ByteOrder> orderBySize(byte[] header, int size) {
        ByteBuffer bytes = ByteBuffer.wrap(header);
        return Arrays.stream(new ByteOrder[] {ByteOrder.LITTLE_ENDIAN, ByteOrder.BIG_ENDIAN})
                .filter(order ->
                        header.length >= Integer.BYTES && bytes.order(order).getInt(0) == size)
                .findFirst();
    }

    /** {@code n+1} for a single file, {@code ni1} for a pair, something else for what is no NIfTI-1. */
    static String magicOf(byte[] header) {
        return new String(header, MAGIC, 4, StandardCharsets.ISO_8859_1);
    }

    /**
     * Reads a header.
     *
     * @throws VolumeException if it is none, contradicts itself, or is of an image that is not read
     */
    static NiftiHeader read(Path file) {
        try {
            return new Parser(file, NiftiFiles.firstBytes(file, BYTES)).parse();
        } catch (NoSuchFileException e) {
            throw new VolumeException(Problem.UNREADABLE, file, "there is no such file", e);
        } catch (ZipException | EOFException e) {
            throw new VolumeException(
                    Problem.BAD_COMPRESSION, file, "compressed header is damaged: " + e.getMessage(), e);
        } catch (IOException e) {
            throw new VolumeException(Problem.UNREADABLE, file, "cannot be read: " + e, e);
        }
    }

    /** Whether stored values are not yet HU. */
    boolean isScaled() {
        return slope != 1 || intercept != 0;
    }

    /** How many bytes the voxels take. */
    long byteCount() {
        return geometry.size().voxelCount() * elementType.byteSize();
    }

    /** Reads the fields. */
    private static final class Parser {
        private final Path file;
        private final byte[] header;
        private final ByteBuffer bytes;

        Parser(Path file, byte[] header) {
            this.file = file;
            this.header = header;
            this.bytes = ByteBuffer.wrap(header);
        }

        NiftiHeader parse() {
            ByteOrder order = order();
            bytes.order(order);
            boolean single = isSingle();
            GridSize size = size();
            ElementType type = elementType();
            requireMillimetres();
            float slope = bytes.getFloat(SCL_SLOPE);
            float intercept = bytes.getFloat(SCL_INTER);
            // A slope of 0 or none at all means that there is no scale.
            boolean scaled = slope != 0 && !Float.isNaN(slope);
            if (scaled && !(Float.isFinite(slope) && Float.isFinite(intercept))) {
                throw bad("scl_slope and scl_inter must be finite, were " + slope + " and " + intercept);
            }
            return new NiftiHeader(
                    new NiftiOrientation(file, bytes).geometry(size),
                    type,
                    order,
                    scaled ? slope : 1,
                    scaled ? intercept : 0,
                    voxelOffset(single),
                    single);
        }

        private ByteOrder order() {
            return orderOf(header).orElseThrow(() -> {
                if (orderBySize(header, BYTES_OF_NIFTI_2).isPresent()) {
                    return unsupported("is NIfTI-2, of which nothing is read: write it as NIfTI-1");
                }
                return orderBySize(header, BYTES).isPresent()
                        ? new VolumeException(
                                Problem.TOO_SHORT, file, "a header must have 348 bytes, has " + header.length)
                        : bad("is no NIfTI-1 header: it must begin with its size, 348");
            });
        }

        private boolean isSingle() {
            String magic = magicOf(header);
            boolean single = magic.equals("n+1\0");
            if (!single && !magic.equals("ni1\0")) {
                throw unsupported("magic must be 'n+1' or 'ni1', was "
                        + MetaImageHeaderParser.quote(magic.replace("\0", ""))
                        + "; without one it is ANALYZE 7.5, which"
                        + " does not say left from right");
            }
            if (single != NiftiFiles.isSingle(file)) {
                throw bad(
                        single
                                ? "magic 'n+1' (voxels follow the header) does not go with this name"
                                : "magic 'ni1' (voxels in an .img) does not go with this name");
            }
            return single;
        }

        private GridSize size() {
            int dimensions = bytes.getShort(DIM);
            if (dimensions < 1 || dimensions > MAX_DIMENSIONS) {
                throw bad("dim[0] must be in [1, 7], was " + dimensions);
            }
            int[] counts = new int[MAX_DIMENSIONS + 1];
            for (int i = 1; i <= dimensions; i++) {
                counts[i] = bytes.getShort(DIM + 2 * i);
                if (counts[i] < 1) {
                    throw bad("dim[" + i + "] must be >= 1, was " + counts[i]);
                }
                if (i > DIMENSIONS && counts[i] > 1) {
                    throw unsupported("dim[" + i + "] must be 1 in an image of three dimensions, was " + counts[i]);
                }
            }
            if (dimensions < DIMENSIONS) {
                throw unsupported("dim[0], the number of dimensions, must be 3, was " + dimensions);
            }
            return new GridSize(counts[1], counts[2], counts[3]);
        }

        private ElementType elementType() {
            int code = bytes.getShort(DATATYPE);
            ElementType type = switch (code) {
                case 2 -> ElementType.UCHAR;
                case 4 -> ElementType.SHORT;
                case 8 -> ElementType.INT;
                case 16 -> ElementType.FLOAT;
                case 64 -> ElementType.DOUBLE;
                case 256 -> ElementType.CHAR;
                case 512 -> ElementType.USHORT;
                case 768 -> ElementType.UINT;
                case 1024 -> ElementType.LONG_LONG;
                case 1280 -> ElementType.ULONG_LONG;
                case 1, 32, 128, 1536, 1792, 2048, 2304 ->
                    throw unsupported(
                            "datatype must be of one number of 8 to 64 bits, was " + code + " (" + nameOf(code) + ")");
                default -> throw bad("datatype must be one of NIfTI-1, was " + code);
            };
            int bits = bytes.getShort(BITPIX);
            if (bits != Byte.SIZE * type.byteSize()) {
                throw bad("bitpix must be " + Byte.SIZE * type.byteSize() + " for datatype " + code + ", was " + bits);
            }
            return type;
        }

        private static String nameOf(int code) {
            return switch (code) {
                case 1 -> "bits";
                case 128 -> "RGB";
                case 2304 -> "RGBA";
                case 1536 -> "128-bit floating-point";
                default -> "complex";
            };
        }

        private void requireMillimetres() {
            int unit = bytes.get(XYZT_UNITS) & UNITS_OF_SPACE;
            if (unit != MILLIMETRE && unit != UNKNOWN_UNIT) {
                throw unsupported("xyzt_units must be millimetres (2), was " + unit);
            }
        }

        private long voxelOffset(boolean single) {
            float offset = bytes.getFloat(VOX_OFFSET);
            int least = single ? LEAST_OFFSET : 0;
            // Beyond 2^24 a float skips whole numbers, but what is written there is one.
            if (!(offset >= least && offset <= Integer.MAX_VALUE && offset == Math.rint(offset))) {
                throw bad("vox_offset must be a whole number >= " + least + ", was " + offset);
            }
            return (long) offset;
        }

        private VolumeException bad(String reason) {
            return new VolumeException(Problem.BAD_HEADER, file, reason);
        }

        private VolumeException unsupported(String reason) {
            return new VolumeException(Problem.UNSUPPORTED, file, reason);
        }
    }
}
