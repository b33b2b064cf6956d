package io.fedlearn.files;

import io.fedlearn.formats.internal.run.DamagedException;
import io.fedlearn.formats.internal.run.RecordJson;
import io.fedlearn.formats.internal.run.SealedJson;
import java.io.ByteArrayOutputStream;
import java.io.Closeable;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * The file of all rounds' records, a {@linkplain SealedJson sealed line} each, round 1 first. A line is written before
 * the round is committed; what is behind the line of the last committed round counts for nothing. Confined to one
 * thread at a time.
 */
final class Journal implements Closeable {
    private final Disk disk;
    private final Path path;
    private final RandomAccessFile file;
    private long end;

    private Journal(Disk disk, Path path, RandomAccessFile file, long end) {
        this.disk = disk;
        this.path = path;
        this.file = file;
        this.end = end;
    }

    /** Opens the file, which must exist, and cuts it off at {@code end}. */
    static Journal open(Disk disk, Path path, long end) throws IOException {
        RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw");
        try {
            if (file.length() != end) {
                disk.truncate(file, path, end);
            }
            return new Journal(disk, path, file, end);
        } catch (IOException | RuntimeException | Error e) {
            file.close();
            throw e;
        }
    }

    /** The number of bytes of the lines that count. */
    long end() {
        return end;
    }

    /** Writes lines durably; they do not count yet. */
    void write(List<SealedJson> lines) throws IOException {
        disk.writeTail(file, path, end, bytes(lines));
    }

    /** The lines that were just written count from now on. */
    void accept(List<SealedJson> lines) {
        end += bytes(lines).length;
    }

    private static byte[] bytes(List<SealedJson> lines) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        lines.forEach(line -> bytes.writeBytes(line.toLine()));
        return bytes.toByteArray();
    }

    /** Removes lines that do not count. */
    void revert(Throwable failure) {
        try {
            file.setLength(end);
        } catch (IOException e) {
            failure.addSuppressed(e);
        }
    }

    @Override
    public void close() throws IOException {
        file.close();
    }

    /**
     * What was found in the file.
     *
     * @param lines that are whole, by round
     * @param ends after the line of each round, as long as the lines are whole and in order from round 1 on
     * @param sealed the lines themselves by round, if they were asked for
     */
    record Found(Map<Integer, RecordJson.Line> lines, List<Long> ends, Map<Integer, SealedJson> sealed) {
        /** Where the line of {@code round} ends, if it and all before are where they belong. */
        Optional<Long> endOf(int round) {
            if (round == 0) {
                return Optional.of(0L);
            }
            return round <= ends.size() ? Optional.of(ends.get(round - 1)) : Optional.empty();
        }
    }

    /** Reads the file and passes over what is damaged. */
    static Found read(Path path, boolean keepSealed) throws IOException {
        Map<Integer, RecordJson.Line> lines = new TreeMap<>();
        Map<Integer, SealedJson> sealed = new TreeMap<>();
        List<Long> ends = new ArrayList<>();
        try (Lines in = Lines.of(path)) {
            boolean clean = true;
            for (Optional<Lines.Line> next = in.next(); next.isPresent(); next = in.next()) {
                try {
                    SealedJson json = SealedJson.of(next.get().text().bytes());
                    RecordJson.Line line = RecordJson.readLine(json);
                    int round = line.record().round();
                    lines.put(round, line);
                    if (keepSealed) {
                        sealed.put(round, json);
                    }
                    clean &= round == ends.size() + 1 && next.get().isEnded();
                } catch (DamagedException e) {
                    clean = false;
                }
                if (clean) {
                    ends.add(next.get().end());
                }
            }
        }
        return new Found(lines, ends, sealed);
    }
}
