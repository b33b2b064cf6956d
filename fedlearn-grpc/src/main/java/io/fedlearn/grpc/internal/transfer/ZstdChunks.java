package io.fedlearn.grpc.internal.transfer;

import com.github.luben.zstd.Zstd;
import com.github.luben.zstd.ZstdException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/** Chunks under Zstandard, where its library is on the class path. */
public final class ZstdChunks {
    /** Values hardly repeat: what a higher level saves is not worth its time. */
    private static final int LEVEL = 1;

    private ZstdChunks() {}

    /** Whether the library is here and works on this machine. */
    public static boolean isAvailable() {
        try {
            Loaded.compress(new byte[1], 1);
            return true;
        } catch (LinkageError e) {
            return false;
        }
    }

    /** The first bytes of {@code values} compressed, if that makes them fewer. */
    static Optional<ByteBuffer> compress(byte[] values, int count) {
        return Loaded.compress(values, count);
    }

    static ByteBuffer decompress(List<ByteBuffer> data, int count, int uncompressed) throws ChunkException {
        byte[] source = new byte[count];
        int at = 0;
        for (ByteBuffer part : data) {
            part.get(part.position(), source, at, part.remaining());
            at += part.remaining();
        }
        return Loaded.decompress(source, uncompressed);
    }

    /** Only linked where it is used. */
    private static final class Loaded {
        static Optional<ByteBuffer> compress(byte[] values, int count) {
            byte[] target = new byte[(int) Zstd.compressBound(count)];
            long length = Zstd.compressByteArray(target, 0, target.length, values, 0, count, LEVEL);
            return Zstd.isError(length) || length >= count
                    ? Optional.empty()
                    : Optional.of(ByteBuffer.wrap(Arrays.copyOf(target, (int) length)));
        }

        /** Never writes more than was announced, whatever the data would become. */
        static ByteBuffer decompress(byte[] source, int uncompressed) throws ChunkException {
            byte[] target = new byte[uncompressed];
            long length;
            try {
                length = Zstd.decompressByteArray(target, 0, uncompressed, source, 0, source.length);
            } catch (ZstdException e) {
                throw corrupt(uncompressed);
            }
            if (length != uncompressed) {
                throw corrupt(uncompressed);
            }
            return ByteBuffer.wrap(target);
        }

        private static ChunkException corrupt(int uncompressed) {
            return new ChunkException(
                    ChunkException.Kind.CORRUPT, "a chunk's data is not " + uncompressed + " bytes compressed");
        }
    }
}
