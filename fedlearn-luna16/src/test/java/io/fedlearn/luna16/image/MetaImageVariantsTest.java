package io.fedlearn.luna16.image;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import java.util.zip.DeflaterOutputStream;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** One image, written in every way that a header can describe it. */
class MetaImageVariantsTest {
    private static final String[] NUMBERS = {
        "CHAR", "UCHAR", "SHORT", "USHORT", "INT", "UINT", "LONG", "ULONG", "LONG_LONG", "ULONG_LONG", "FLOAT", "DOUBLE"
    };

    @TempDir
    private Path folder;

    /** How the voxels are stored. */
    enum Storage {
        PLAIN,
        ZLIB,
        ZLIB_OF_STATED_SIZE,
        GZIP,
        TEXT;

        byte[] store(byte[] plain, String text) throws IOException {
            return switch (this) {
                case PLAIN -> plain;
                case ZLIB, ZLIB_OF_STATED_SIZE -> compressed(plain, false);
                case GZIP -> compressed(plain, true);
                case TEXT -> text.getBytes(StandardCharsets.US_ASCII);
            };
        }

        private static byte[] compressed(byte[] plain, boolean gzip) throws IOException {
            ByteArrayOutputStream bytes = new ByteArrayOutputStream();
            try (OutputStream out = gzip ? new GZIPOutputStream(bytes) : new DeflaterOutputStream(bytes)) {
                out.write(plain);
            }
            return bytes.toByteArray();
        }
    }

    /** Where they are. */
    enum Place {
        OWN_FILE,
        OWN_FILE_BEHIND_A_HEADER,
        OWN_FILE_AT_THE_END,
        LOCAL,
        LIST_OF_SLICES,
        LIST_OF_ROWS,
        LIST_OF_ONE,
        PATTERN;

        int files() {
            return switch (this) {
                case LIST_OF_SLICES, PATTERN -> 2;
                case LIST_OF_ROWS -> 6;
                default -> 1;
            };
        }
    }

    record Variant(String type, boolean bigEndian, Storage storage, Place place) {
        @Override
        public String toString() {
            return type + (bigEndian ? " big-endian " : " little-endian ") + storage + " " + place;
        }
    }

    static Stream<Variant> variants() {
        List<Variant> variants = new ArrayList<>();
        for (String number : NUMBERS) {
            for (String type : new String[] {"MET_" + number, "MET_" + number + "_ARRAY"}) {
                for (boolean bigEndian : new boolean[] {false, true}) {
                    for (Storage storage : Storage.values()) {
                        for (Place place : Place.values()) {
                            if (type.endsWith("_ARRAY") && place != Place.OWN_FILE) {
                                continue;
                            }
                            boolean counted = place == Place.OWN_FILE_AT_THE_END;
                            // The size that a header states is of one file; the end of a file is found of plain bytes.
                            if (!(counted && storage != Storage.PLAIN)
                                    && !(place.files() > 1 && storage == Storage.ZLIB_OF_STATED_SIZE)) {
                                variants.add(new Variant(type, bigEndian, storage, place));
                            }
                        }
                    }
                }
            }
        }
        return variants.stream();
    }

    /** Values that every type holds. */
    private static short[] values() {
        short[] values = new short[MetaImageFiles.VOXELS];
        for (int i = 0; i < values.length; i++) {
            values[i] = (short) (5 * i);
        }
        return values;
    }

    private static byte[] plain(Variant variant) {
        String number = variant.type().replace("MET_", "").replace("_ARRAY", "");
        ByteBuffer bytes = ByteBuffer.allocate(8 * MetaImageFiles.VOXELS)
                .order(variant.bigEndian() ? ByteOrder.BIG_ENDIAN : ByteOrder.LITTLE_ENDIAN);
        for (short value : values()) {
            switch (number) {
                case "CHAR", "UCHAR" -> bytes.put((byte) value);
                case "SHORT", "USHORT" -> bytes.putShort(value);
                case "INT", "UINT", "LONG", "ULONG" -> bytes.putInt(value);
                case "LONG_LONG", "ULONG_LONG" -> bytes.putLong(value);
                case "FLOAT" -> bytes.putFloat(value);
                default -> bytes.putDouble(value);
            }
        }
        return Arrays.copyOf(bytes.array(), bytes.position());
    }

    @ParameterizedTest
    @MethodSource("variants")
    void readsTheSameImage(Variant variant) throws IOException {
        MetaImageFiles files = new MetaImageFiles()
                .with("ElementType", variant.type())
                .with("BinaryDataByteOrderMSB", variant.bigEndian() ? "True" : "False")
                .with("BinaryData", variant.storage() == Storage.TEXT ? "False" : "True")
                .with(
                        "CompressedData",
                        variant.storage() == Storage.PLAIN || variant.storage() == Storage.TEXT ? "False" : "True");
        byte[] plain = plain(variant);
        int count = variant.place().files();
        List<byte[]> parts = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            int each = MetaImageFiles.VOXELS / count;
            StringBuilder text = new StringBuilder();
            for (int j = 0; j < each; j++) {
                text.append(values()[i * each + j]).append(j % 10 == 9 ? "\r\n" : "\t ");
            }
            int size = plain.length / count;
            parts.add(variant.storage().store(Arrays.copyOfRange(plain, i * size, (i + 1) * size), text.toString()));
        }
        if (variant.storage() == Storage.ZLIB_OF_STATED_SIZE) {
            files.with("CompressedDataSize", Integer.toString(parts.get(0).length));
        }

        assertThat(MetaImage.read(write(files, variant.place(), parts)).values())
                .isEqualTo(values());
    }

    private Path write(MetaImageFiles files, Place place, List<byte[]> parts) throws IOException {
        StringBuilder names = new StringBuilder();
        for (int i = 0; i < parts.size(); i++) {
            String name = String.format("part%03d", 7 + 2 * i);
            names.append(name).append('\n');
            Files.write(folder.resolve(name), parts.get(i));
        }
        return switch (place) {
            case OWN_FILE -> files.in(folder, parts.get(0));
            case OWN_FILE_BEHIND_A_HEADER -> files.with("HeaderSize", "5").in(folder, join(new byte[5], parts.get(0)));
            case OWN_FILE_AT_THE_END -> files.with("HeaderSize", "-1").in(folder, join(new byte[5], parts.get(0)));
            case LOCAL ->
                Files.write(
                        folder.resolve("scan.mha"),
                        join(
                                files.with("ElementDataFile", "LOCAL").text().getBytes(StandardCharsets.US_ASCII),
                                parts.get(0)));
            case LIST_OF_SLICES -> listed(files, "LIST", names);
            case LIST_OF_ROWS -> listed(files, "LIST 1", names);
            case LIST_OF_ONE -> listed(files, "LIST 3", names);
            case PATTERN -> files.with("ElementDataFile", "part%03d 7 9 2").in(folder);
        };
    }

    private Path listed(MetaImageFiles files, String value, CharSequence names) throws IOException {
        return Files.writeString(
                folder.resolve("scan.mhd"), files.with("ElementDataFile", value).text() + names);
    }

    private static byte[] join(byte[] first, byte[] second) {
        byte[] both = Arrays.copyOf(first, first.length + second.length);
        System.arraycopy(second, 0, both, first.length, second.length);
        return both;
    }

    @Test
    void roundsTextOfFloatingPointTypesAsItRoundsTheirBytes() throws IOException {
        Path file = new MetaImageFiles()
                .with("DimSize", "2 1 3")
                .with("BinaryData", "False")
                .with("ElementType", "MET_FLOAT")
                .in(folder, " .5 1.5\n-2.5 +3e2\t-1.024E+03 7".getBytes(StandardCharsets.US_ASCII));

        assertThat(MetaImage.read(file).values()).containsExactly(0, 2, -2, 300, -1024, 7);
    }

    @Test
    void readsTextSliceAfterSlice() throws IOException {
        Path file = new MetaImageFiles()
                .with("BinaryData", "False")
                .in(folder, "-1000 ".repeat(24).getBytes(StandardCharsets.US_ASCII));

        try (MetaImageReader reader = MetaImage.open(file)) {
            short[] slice = new short[12];
            reader.readSlices(1, slice, 0);
            assertThat(slice).containsOnly(-1000);
            assertThat(reader.slicesLeft()).isEqualTo(1);
        }
    }
}
