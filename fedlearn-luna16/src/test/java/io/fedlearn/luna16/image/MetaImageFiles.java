package io.fedlearn.luna16.image;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.Collectors;

/** A header of 4x3x2 voxels, key by key, and the bytes of voxels 0, 1, 2 and so on. */
final class MetaImageFiles {
    static final int VOXELS = 24;

    private final LinkedHashMap<String, String> fields = new LinkedHashMap<>(Map.of());

    MetaImageFiles() {
        fields.put("ObjectType", "Image");
        fields.put("NDims", "3");
        fields.put("BinaryData", "True");
        fields.put("BinaryDataByteOrderMSB", "False");
        fields.put("CompressedData", "False");
        fields.put("TransformMatrix", "1 0 0 0 1 0 0 0 1");
        fields.put("Offset", "-1 -2 -3");
        fields.put("CenterOfRotation", "0 0 0");
        fields.put("AnatomicalOrientation", "RAI");
        fields.put("ElementSpacing", "0.5 0.5 2");
        fields.put("DimSize", "4 3 2");
        fields.put("ElementType", "MET_SHORT");
        fields.put("ElementDataFile", "scan.raw");
    }

    /** Sets a key; where there was none, ahead of the last. */
    MetaImageFiles with(String key, String value) {
        String last = fields.remove("ElementDataFile");
        fields.put(key, value);
        fields.putIfAbsent("ElementDataFile", last);
        return this;
    }

    MetaImageFiles without(String key) {
        fields.remove(key);
        return this;
    }

    String text() {
        return fields.entrySet().stream()
                .map(field -> field.getKey() + " = " + field.getValue() + "\n")
                .collect(Collectors.joining());
    }

    /** Writes the header. */
    Path in(Path folder) throws IOException {
        return Files.writeString(folder.resolve("scan.mhd"), text());
    }

    /** Writes header and voxels. */
    Path in(Path folder, byte[] voxels) throws IOException {
        Files.write(folder.resolve("scan.raw"), voxels);
        return in(folder);
    }

    static byte[] shorts() {
        return shorts(ByteOrder.LITTLE_ENDIAN);
    }

    static byte[] shorts(ByteOrder order) {
        ByteBuffer bytes = ByteBuffer.allocate(2 * VOXELS).order(order);
        for (short i = 0; i < VOXELS; i++) {
            bytes.putShort((short) (i - 1000));
        }
        return bytes.array();
    }

    static short[] values() {
        short[] values = new short[VOXELS];
        for (int i = 0; i < VOXELS; i++) {
            values[i] = (short) (i - 1000);
        }
        return values;
    }
}
