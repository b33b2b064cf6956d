package io.fedlearn.formats.numpy;

import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.tensor.TensorSpec;
import io.fedlearn.formats.DefaultRoles;
import io.fedlearn.formats.FormatException;
import io.fedlearn.formats.ReadLimits;
import io.fedlearn.formats.internal.FileReplacement;
import io.fedlearn.formats.internal.ValueInput;
import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.WritableByteChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.zip.CRC32;
import java.util.zip.Deflater;
import java.util.zip.ZipEntry;
import java.util.zip.ZipException;
import java.util.zip.ZipInputStream;
import java.util.zip.ZipOutputStream;

/**
 * Reads and writes a model as {@code .npz}, the format of {@code numpy.savez}: a zip archive with one {@link Npy .npy}
 * entry for each tensor, in the order of the model.
 *
 * <p><b>What is read.</b> Archives of stored and deflated entries, read as a stream: the checksum of each entry is
 * compared, and their number with the archive's directory, so that a cut archive is noticed. Entry {@code name.npy} is
 * the tensor {@code name}, whatever characters that holds: nothing is ever extracted to disk. The format knows no
 * roles, so these are {@linkplain DefaultRoles those of the types}. Entries of other files are refused, and so are
 * names that occur twice and archives that expand beyond the {@link ReadLimits}.
 *
 * <p><b>What is written.</b> The same model and {@link Compression} give the same bytes: there are no dates in them.
 * (Deflated bytes may differ between versions of the JDK's zlib; stored ones do not.)
 *
 * <p><b>Errors.</b> {@link FormatException} for content that is not right, {@link IOException} for storage that fails.
 */
public final class Npz {
    private static final String SUFFIX = ".npy";
    /** Not the first day of the zip calendar: for that one the JDK adds a time in the zone of this machine. */
    private static final LocalDateTime NO_DATE = LocalDateTime.of(1980, 2, 1, 0, 0);

    private static final int BLOCK = 1 << 16;

    private Npz() {}

    /** How the entries of an archive are kept. */
    public enum Compression {
        /** As they are, like {@code numpy.savez}; each tensor is encoded twice, first for its checksum. */
        STORED,
        /** Compressed, like {@code numpy.savez_compressed}. */
        DEFLATED
    }

    /** Writes {@code model} to {@code path}, uncompressed, first beside it and then renamed; not synced to the disk. */
    public static void write(Model model, Path path) throws IOException {
        write(model, Compression.STORED, path);
    }

    /** Writes {@code model} to {@code path}, first beside it and then renamed; not synced to the disk. */
    public static void write(Model model, Compression compression, Path path) throws IOException {
        requireWritable(model);
        FileReplacement.write(path, channel -> write(model, compression, Channels.newOutputStream(channel)));
    }

    /**
     * Writes {@code model} to {@code out}, which stays open.
     *
     * @throws IllegalArgumentException if a tensor is of {@link io.fedlearn.core.tensor.TensorType#BFLOAT16}, which
     *     NumPy does not have, or a name is not valid Unicode
     */
    public static void write(Model model, Compression compression, OutputStream out) throws IOException {
        requireWritable(model);
        ZipOutputStream zip = new ZipOutputStream(out, StandardCharsets.UTF_8);
        zip.setLevel(Deflater.DEFAULT_COMPRESSION);
        for (int i = 0; i < model.tensors().size(); i++) {
            Tensor tensor = model.tensors().get(i);
            ZipEntry entry = new ZipEntry(model.spec().tensors().get(i).name() + SUFFIX);
            entry.setTimeLocal(NO_DATE);
            if (compression == Compression.STORED) {
                entry.setMethod(ZipEntry.STORED);
                entry.setSize(Npy.encodedLength(tensor));
                entry.setCompressedSize(Npy.encodedLength(tensor));
                entry.setCrc(checksum(tensor));
            } else {
                entry.setMethod(ZipEntry.DEFLATED);
            }
            zip.putNextEntry(entry);
            Npy.write(tensor, zip);
            zip.closeEntry();
        }
        zip.finish();
        out.flush();
    }

    private static void requireWritable(Model model) {
        for (TensorSpec tensor : model.spec().tensors()) {
            if (!StandardCharsets.UTF_8.newEncoder().canEncode(tensor.name())) {
                throw new IllegalArgumentException(
                        "a tensor's name must be valid Unicode, was " + FormatException.quote(tensor.name()));
            }
            NpyHeader.encode(tensor.type(), tensor.shape());
        }
    }

    private static long checksum(Tensor tensor) throws IOException {
        CRC32 checksum = new CRC32();
        Npy.write(tensor, new WritableByteChannel() {
            @Override
            public int write(ByteBuffer bytes) {
                int count = bytes.remaining();
                checksum.update(bytes);
                return count;
            }

            @Override
            public boolean isOpen() {
                return true;
            }

            @Override
            public void close() {}
        });
        return checksum.getValue();
    }

    /** Reads the file at {@code path} to the heap, with the default limits. */
    public static Model read(Path path) throws IOException {
        return read(path, ReadLimits.defaults());
    }

    /** Reads the file at {@code path} to the heap. */
    public static Model read(Path path, ReadLimits limits) throws IOException {
        try (InputStream in = Files.newInputStream(path)) {
            return read(in, path.toString(), limits);
        }
    }

    /**
     * Reads a stream to its end, to the heap, and leaves it open.
     *
     * @param source what messages call the stream
     */
    public static Model read(InputStream in, String source, ReadLimits limits) throws IOException {
        ZipTail tail = new ZipTail(new BufferedInputStream(in, BLOCK));
        // Not closed: that would close the caller's stream.
        ZipInputStream zip = new ZipInputStream(tail, StandardCharsets.UTF_8);
        Expansion expanded = new Expansion(zip, tail, source, limits);
        List<String> names = new ArrayList<>();
        List<Tensor> tensors = new ArrayList<>();
        Set<String> seen = new HashSet<>();
        long heapBytes = 0;
        try {
            for (Optional<ZipEntry> entry = next(zip); entry.isPresent(); entry = next(zip)) {
                String name = tensorName(entry.orElseThrow().getName(), source);
                if (names.size() == limits.maxTensors()) {
                    throw new FormatException(source, "must have <= " + limits.maxTensors() + " tensors");
                }
                if (!seen.add(name)) {
                    throw new FormatException(source, name, "is in the archive twice");
                }
                ReadLimits rest = limits.withMaxHeapBytes(Math.max(1, limits.maxHeapBytes() - heapBytes));
                Tensor tensor = Npy.read(ValueInput.of(expanded, source), source, name, rest);
                heapBytes = Math.addExact(heapBytes, tensor.byteCount());
                names.add(name);
                tensors.add(tensor);
            }
            tail.requireEntries(names.size(), source);
        } catch (ZipException e) {
            throw new FormatException(source, "is not a sound zip archive: " + FormatException.quote(message(e)), e);
        } catch (EOFException e) {
            throw new FormatException(source, "is truncated", e);
        }
        return model(names, tensors, source);
    }

    private static String message(Exception e) {
        return String.valueOf(e.getMessage());
    }

    private static Optional<ZipEntry> next(ZipInputStream zip) throws IOException {
        try {
            return Optional.ofNullable(zip.getNextEntry());
        } catch (IllegalArgumentException e) {
            // For names that are not UTF-8 and sizes beyond 2^63.
            ZipException unsound = new ZipException(message(e));
            unsound.initCause(e);
            throw unsound;
        }
    }

    private static Model model(List<String> names, List<Tensor> tensors, String source) {
        Model.Builder model = Model.builder();
        for (int i = 0; i < names.size(); i++) {
            Tensor tensor = tensors.get(i);
            try {
                model.add(names.get(i), tensor, DefaultRoles.of(tensor.type()));
            } catch (IllegalArgumentException e) {
                throw new FormatException(source, names.get(i), message(e));
            }
        }
        return model.build();
    }

    private static String tensorName(String entry, String source) {
        if (!entry.endsWith(SUFFIX)) {
            throw new FormatException(
                    source,
                    "must hold arrays only, has the entry " + FormatException.quote(entry) + " without " + SUFFIX);
        }
        String name = entry.substring(0, entry.length() - SUFFIX.length());
        if (name.isEmpty()
                || name.length() > TensorSpec.MAX_NAME_LENGTH
                || name.chars().anyMatch(Character::isISOControl)) {
            throw new FormatException(
                    source,
                    name,
                    "its name must have 1 to " + TensorSpec.MAX_NAME_LENGTH + " characters and no control characters");
        }
        return name;
    }

    /** What comes out of the archive, as long as it is not absurdly more than what went in. */
    private static final class Expansion extends InputStream {
        private final InputStream in;
        private final ZipTail archive;
        private final String source;
        private final ReadLimits limits;
        private long count;

        Expansion(InputStream in, ZipTail archive, String source, ReadLimits limits) {
            this.in = in;
            this.archive = archive;
            this.source = source;
            this.limits = limits;
        }

        @Override
        public int read() throws IOException {
            int value = in.read();
            return value < 0 ? value : counted(1, value);
        }

        @Override
        public int read(byte[] target, int at, int length) throws IOException {
            int step = in.read(target, at, length);
            return step < 0 ? step : counted(step, step);
        }

        private int counted(int step, int result) {
            count += step;
            if (count > ReadLimits.EXPANSION_FREE_BYTES && count / limits.maxExpansion() > archive.count()) {
                throw new FormatException(
                        source, "expands to more than " + limits.maxExpansion() + " times its compressed size");
            }
            return result;
        }
    }
}
