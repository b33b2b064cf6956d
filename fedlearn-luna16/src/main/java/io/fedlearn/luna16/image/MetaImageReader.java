package io.fedlearn.luna16.image;

import io.fedlearn.luna16.image.VolumeException.Problem;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Reads the voxels of a MetaImage slice after slice, in blocks of {@value #BLOCK_BYTES} bytes: nothing but the caller's
 * own array holds a slice. Confined to one thread at a time.
 */
public final class MetaImageReader implements AutoCloseable {
    /** How many bytes are read or inflated at a time: {@value}. */
    static final int BLOCK_BYTES = 1 << 18;

    private final MetaImageHeader header;
    private final List<VoxelFile> files;
    private final byte[] block = new byte[BLOCK_BYTES];
    private final ByteBuffer bytes;
    private @Nullable VoxelInput input;
    private @Nullable VoxelText text;
    private int nextFile;
    private int nextSlice;
    private boolean closed;

    MetaImageReader(MetaImageHeader header) {
        this.header = header;
        this.files = VoxelFile.locate(header);
        this.bytes = ByteBuffer.wrap(block).order(header.byteOrder());
    }

    /** The image's header. */
    public MetaImageHeader header() {
        return header;
    }

    /** How many slices have not been read. */
    public int slicesLeft() {
        return header.geometry().size().z() - nextSlice;
    }

    /**
     * Reads the next slices. With the last of a file it also checks that no further bytes follow.
     *
     * @param count how many, at most {@link #slicesLeft()}
     * @param target receives them, row after row
     * @param offset where in {@code target} the first voxel goes
     * @throws VolumeException if the file is cut off, damaged, too long, or has a value that 16 bits cannot hold; the
     *     reader is then of no further use
     */
    public void readSlices(int count, short[] target, int offset) {
        if (closed) {
            throw new IllegalStateException("the reader is closed");
        }
        if (count < 0 || count > slicesLeft()) {
            throw new IllegalArgumentException("count must be in [0, " + slicesLeft() + "], was " + count);
        }
        GridSize size = header.geometry().size();
        long voxels = (long) size.x() * size.y() * count;
        if (voxels > Integer.MAX_VALUE) {
            throw new IllegalArgumentException("at most 2^31 - 1 voxels can be read at once, were " + voxels);
        }
        Objects.checkFromIndexSize(offset, (int) voxels, target.length);
        int done = 0;
        while (done < voxels) {
            int left = (int) voxels - done;
            int part = header.isText() ? textPart(left) : blockPart(left);
            int misfit = header.isText()
                    ? readText(target, offset + done, part)
                    : header.elementType().convert(bytes, target, offset + done, part);
            if (misfit >= 0) {
                throw header.failure(
                        Problem.BAD_VALUE, Voxels.misfit(size, (long) nextSlice * size.x() * size.y() + done + misfit));
            }
            done += part;
        }
        nextSlice += count;
    }

    private int textPart(int left) {
        if (text == null) {
            VoxelFile file = files.get(nextFile++);
            text = VoxelText.open(file, file.bytes() / header.elementType().byteSize());
        }
        return (int) Math.min(left, text.left());
    }

    private int readText(short[] target, int offset, int count) {
        VoxelText open = Objects.requireNonNull(text);
        int misfit = open.read(header.elementType(), target, offset, count);
        if (open.left() == 0) {
            open.close();
            text = null;
        }
        return misfit;
    }

    private int blockPart(int left) {
        int voxelBytes = header.elementType().byteSize();
        int part = Math.min(BLOCK_BYTES / voxelBytes, left);
        readBlock(part * voxelBytes);
        return part;
    }

    private void readBlock(int count) {
        int done = 0;
        while (done < count) {
            if (input == null) {
                input = VoxelInput.open(files.get(nextFile++));
            }
            int part = (int) Math.min(count - done, input.left());
            input.read(block, done, part);
            done += part;
            if (input.left() == 0) {
                input.close();
                input = null;
            }
        }
    }

    @Override
    public void close() {
        closed = true;
        if (input != null) {
            input.close();
            input = null;
        }
        if (text != null) {
            text.close();
            text = null;
        }
    }
}
