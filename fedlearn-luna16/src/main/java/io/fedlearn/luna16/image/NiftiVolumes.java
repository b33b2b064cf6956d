package io.fedlearn.luna16.image;

import io.fedlearn.luna16.image.VolumeException.Problem;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;

/**
 * NIfTI-1 as ITK understands it: one file {@code .nii}, or a header {@code .hdr} and voxels {@code .img}, each compressed by
 * gzip or not; both byte orders, all datatypes of one number, extensions passed over. Values are stored values times
 * {@code scl_slope} plus {@code scl_inter}, rounded. For where the voxels lie see {@link NiftiOrientation}.
 */
final class NiftiVolumes implements VolumeReader {
    private static final int BLOCK_BYTES = 1 << 18;

    @Override
    public String name() {
        return "NIfTI-1";
    }

    @Override
    public String formats() {
        return ".nii, .nii.gz, .hdr with .img";
    }

    /** A pair is known by its header, as others call their files so, too: ANALYZE, ENVI, Interfile. */
    @Override
    public boolean accepts(Path path) throws IOException {
        if (!NiftiFiles.isOfPair(path)) {
            return NiftiFiles.isSingle(path);
        }
        Path header;
        try {
            header = NiftiFiles.of(path).header();
        } catch (VolumeException e) {
            // Of two files one has a name: without its header nothing can be told of it.
            header = path;
        }
        byte[] first = NiftiFiles.firstBytes(header, NiftiHeader.BYTES);
        return NiftiHeader.orderOf(first).isPresent()
                && NiftiHeader.magicOf(first).equals("ni1\0");
    }

    @Override
    public Volume read(Path path) {
        NiftiFiles files = NiftiFiles.of(path);
        NiftiHeader header = NiftiHeader.read(files.header());
        VoxelFile stored =
                VoxelFile.after(files.voxels(), header.voxelOffset(), isCompressed(files.voxels()), header.byteCount());
        short[] values = Voxels.allocate(path, header.geometry().size());
        try (VoxelInput input = VoxelInput.open(stored)) {
            read(path, header, input, values);
        }
        return Volume.wrap(header.geometry(), values);
    }

    private static boolean isCompressed(Path file) {
        try {
            return NiftiFiles.isCompressed(file);
        } catch (IOException e) {
            throw new VolumeException(Problem.UNREADABLE, file, "cannot be read: " + e, e);
        }
    }

    private static void read(Path path, NiftiHeader header, VoxelInput input, short[] values) {
        byte[] block = new byte[BLOCK_BYTES];
        ByteBuffer bytes = ByteBuffer.wrap(block).order(header.byteOrder());
        int voxelBytes = header.elementType().byteSize();
        int done = 0;
        while (done < values.length) {
            int part = Math.min(BLOCK_BYTES / voxelBytes, values.length - done);
            input.read(block, 0, part * voxelBytes);
            int misfit = header.isScaled()
                    ? scale(header, bytes, values, done, part)
                    : header.elementType().convert(bytes, values, done, part);
            if (misfit >= 0) {
                throw new VolumeException(
                        Problem.BAD_VALUE, path, Voxels.misfit(header.geometry().size(), (long) done + misfit));
            }
            done += part;
        }
    }

    private static int scale(NiftiHeader header, ByteBuffer bytes, short[] values, int offset, int count) {
        ElementType type = header.elementType();
        double slope = header.slope();
        double intercept = header.intercept();
        for (int i = 0; i < count; i++) {
            double value = Math.rint(type.number(bytes, i) * slope + intercept);
            if (!(value >= Short.MIN_VALUE && value <= Short.MAX_VALUE)) {
                return i;
            }
            values[offset + i] = (short) value;
        }
        return -1;
    }
}
