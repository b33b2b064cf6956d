package io.fedlearn.luna16.image;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;

final class NiftiContractTest extends VolumeReaderContract {
    @Override
    VolumeReader reader() {
        return new NiftiVolumes();
    }

    /** With an sform, whose columns are axes times spacing in RAS. */
    @Override
    Path write(Path target, Volume volume) throws IOException {
        ImageGeometry geometry = volume.geometry();
        short[] values = volume.values();
        ByteBuffer bytes = ByteBuffer.allocate(352 + 2 * values.length).order(ByteOrder.LITTLE_ENDIAN);
        GridSize size = geometry.size();
        bytes.putInt(0, 348).putShort(40, (short) 3).putShort(42, (short) size.x());
        bytes.putShort(44, (short) size.y()).putShort(46, (short) size.z());
        bytes.putShort(70, (short) 4)
                .putShort(72, (short) 16)
                .putFloat(108, 352)
                .putShort(254, (short) 1);
        Point spacing = geometry.spacing();
        Point[] columns = {
            times(geometry.xAxis(), spacing.x()),
            times(geometry.yAxis(), spacing.y()),
            times(geometry.zAxis(), spacing.z()),
            geometry.origin()
        };
        bytes.putFloat(80, (float) spacing.x())
                .putFloat(84, (float) spacing.y())
                .putFloat(88, (float) spacing.z());
        for (int i = 0; i < columns.length; i++) {
            bytes.putFloat(280 + 4 * i, (float) -columns[i].x());
            bytes.putFloat(296 + 4 * i, (float) -columns[i].y());
            bytes.putFloat(312 + 4 * i, (float) columns[i].z());
        }
        bytes.put(344, new byte[] {'n', '+', '1', 0});
        bytes.position(352)
                .slice()
                .order(ByteOrder.LITTLE_ENDIAN)
                .asShortBuffer()
                .put(values);
        return Files.write(target.resolve("scan.nii"), bytes.array());
    }

    private static Point times(Point point, double factor) {
        return new Point(point.x() * factor, point.y() * factor, point.z() * factor);
    }
}
