package io.fedlearn.luna16.image;

import java.io.IOException;
import java.io.OutputStream;
import java.math.BigDecimal;
import java.math.MathContext;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.UUID;
import java.util.zip.DeflaterOutputStream;

/**
 * Reads and writes CTs as MetaImage, the format of ITK and of LUNA16: a header {@code .mhd} beside a file with the voxels,
 * {@code .raw} or, compressed, {@code .zraw}; or both in one {@code .mha}.
 *
 * <p><b>What is read</b>: see {@link MetaImageHeader}; {@link ElementType}s of all kinds, in both byte orders, compressed by
 * zlib or gzip, in one file or many; or as text. Values stay as they are: where a scanner's field of view ends, HU of -2000 or
 * -3024 are common, and to be cut off by the reader's HU window.
 *
 * <p><b>Hostile input.</b> A header of more than {@value MetaImageHeader#MAX_BYTES} bytes is refused. Voxels must lie in
 * the header's folder, links followed. Sizes are compared with the files' before anything is allocated, and inflating
 * stops after the bytes that the header promises.
 */
public final class MetaImage {
    private static final int BLOCK_VOXELS = 1 << 16;
    private static final int LEAST_DIGITS = 15;
    private static final int MOST_DIGITS = 17;

    private MetaImage() {}

    /** How voxels are stored. */
    public enum Compression {
        /** As they are, in a {@code .raw}, as LUNA16's scans. */
        NONE,
        /** By zlib, in a {@code .zraw}, as LUNA16's lung masks. */
        ZLIB
    }

    /**
     * Reads an image whole.
     *
     * @throws VolumeException if a file is missing, not whole or not of this format
     */
    public static Volume read(Path header) {
        try (MetaImageReader reader = open(header)) {
            GridSize size = reader.header().geometry().size();
            short[] values = Voxels.allocate(header, size);
            reader.readSlices(size.z(), values, 0);
            return Volume.wrap(reader.header().geometry(), values);
        }
    }

    /**
     * Opens an image to be read slice after slice. The files' sizes have been checked then.
     *
     * @throws VolumeException if a file is missing, not whole or not of this format
     */
    public static MetaImageReader open(Path header) {
        return new MetaImageReader(MetaImageHeader.read(header));
    }

    /**
     * Writes a volume as 16-bit numbers, little-endian, with the keys of LUNA16's own headers in their order. Both files
     * are written aside and renamed, the header last: a header that is there has its voxels. Not synced to the disk.
     *
     * @param header ends in {@code .mhd}; the voxels go beside it
     */
    public static void write(Path header, Volume volume, Compression compression) throws IOException {
        String name = String.valueOf(header.getFileName());
        if (!name.endsWith(".mhd")) {
            throw new IllegalArgumentException("header must end in .mhd, was " + header);
        }
        String stem = name.substring(0, name.length() - ".mhd".length());
        Path voxels = header.resolveSibling(stem + (compression == Compression.ZLIB ? ".zraw" : ".raw"));
        Path voxelsAside = aside(voxels);
        Path headerAside = aside(header);
        try {
            writeVoxels(voxelsAside, volume, compression);
            String text = text(volume.geometry(), compression, Files.size(voxelsAside), voxels);
            Files.writeString(headerAside, text, StandardCharsets.UTF_8, StandardOpenOption.CREATE_NEW);
            // An older header must not be seen with the new voxels.
            Files.deleteIfExists(header);
            Files.move(voxelsAside, voxels, StandardCopyOption.ATOMIC_MOVE);
            Files.move(headerAside, header, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException | RuntimeException | Error e) {
            deleteQuietly(voxelsAside, e);
            deleteQuietly(headerAside, e);
            throw e;
        }
    }

    private static Path aside(Path path) {
        return path.resolveSibling(path.getFileName() + "." + UUID.randomUUID() + ".part");
    }

    private static void deleteQuietly(Path path, Throwable failure) {
        try {
            Files.deleteIfExists(path);
        } catch (IOException e) {
            failure.addSuppressed(e);
        }
    }

    private static void writeVoxels(Path path, Volume volume, Compression compression) throws IOException {
        try (OutputStream file = Files.newOutputStream(path, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
                OutputStream out = compression == Compression.ZLIB ? new DeflaterOutputStream(file) : file) {
            short[] values = volume.values();
            ByteBuffer block = ByteBuffer.allocate(BLOCK_VOXELS * Short.BYTES).order(ByteOrder.LITTLE_ENDIAN);
            for (int done = 0; done < values.length; done += BLOCK_VOXELS) {
                int count = Math.min(BLOCK_VOXELS, values.length - done);
                block.asShortBuffer().put(values, done, count);
                out.write(block.array(), 0, count * Short.BYTES);
            }
        }
    }

    private static String text(ImageGeometry geometry, Compression compression, long storedBytes, Path voxels) {
        boolean compressed = compression == Compression.ZLIB;
        GridSize size = geometry.size();
        return "ObjectType = Image\n"
                + "NDims = 3\n"
                + "BinaryData = True\n"
                + "BinaryDataByteOrderMSB = False\n"
                + "CompressedData = " + (compressed ? "True\nCompressedDataSize = " + storedBytes : "False") + "\n"
                + "TransformMatrix = " + text(geometry.xAxis()) + " " + text(geometry.yAxis()) + " "
                + text(geometry.zAxis()) + "\n"
                + "Offset = " + text(geometry.origin()) + "\n"
                + "CenterOfRotation = 0 0 0\n"
                + "AnatomicalOrientation = " + orientation(geometry) + "\n"
                + "ElementSpacing = " + text(geometry.spacing()) + "\n"
                + "DimSize = " + size.x() + " " + size.y() + " " + size.z() + "\n"
                + "ElementType = " + ElementType.SHORT + "\n"
                + "ElementDataFile = " + voxels.getFileName() + "\n";
    }

    private static String text(Point point) {
        return text(point.x()) + " " + text(point.y()) + " " + text(point.z());
    }

    /** The fewest digits, 15 at least, that give the number again; the same on every JVM, unlike {@code Double.toString}. */
    private static String text(double number) {
        if (number == 0) {
            return 1 / number < 0 ? "-0" : "0";
        }
        BigDecimal exact = new BigDecimal(number);
        BigDecimal shown = exact;
        for (int digits = LEAST_DIGITS; digits <= MOST_DIGITS; digits++) {
            shown = exact.round(new MathContext(digits)).stripTrailingZeros();
            if (shown.doubleValue() == number) {
                break;
            }
        }
        return Math.abs(shown.scale()) > 2 * MOST_DIGITS ? shown.toString() : shown.toPlainString();
    }

    /** From which side of the patient each axis comes, as three letters; for readers, as no program relies on it. */
    private static String orientation(ImageGeometry geometry) {
        String letters = letter(geometry.xAxis()) + letter(geometry.yAxis()) + letter(geometry.zAxis());
        boolean distinct = letters.chars()
                        .map(letter -> "RLAPIS".indexOf(letter) / 2)
                        .distinct()
                        .count()
                == letters.length();
        return distinct ? letters : "???";
    }

    private static String letter(Point axis) {
        double x = Math.abs(axis.x());
        double y = Math.abs(axis.y());
        double z = Math.abs(axis.z());
        if (x >= y && x >= z) {
            return axis.x() > 0 ? "R" : "L";
        }
        if (y >= z) {
            return axis.y() > 0 ? "A" : "P";
        }
        return axis.z() > 0 ? "I" : "S";
    }
}
