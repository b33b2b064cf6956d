package io.fedlearn.files;

import io.fedlearn.formats.internal.run.DamagedException;
import io.fedlearn.formats.internal.run.RecordJson;
import io.fedlearn.formats.internal.run.SealedJson;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.lang.System.Logger.Level;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * The history of a run as one JSON document, for people and programs. It is put together from the run's header and the
 * journal's lines, byte for byte, each on a line of its own: so it costs no more than copying the journal, and each
 * line still carries its checksum, from which the journal can be mended.
 */
final class History {
    private static final System.Logger LOGGER = System.getLogger(History.class.getName());
    private static final String SCHEMA = "fedlearn-history/1";
    private static final String RUN_START = "\"run\":";
    private static final int BLOCK = 1 << 16;

    private History() {}

    /**
     * Replaces the file by the history up to {@code latest}, whose lines are the first {@code end} bytes of the
     * journal.
     */
    static void write(Disk disk, Path file, SealedJson header, int latest, OptionalInt best, Path journal, long end)
            throws IOException {
        disk.replace(file, out -> {
            write(out, "{\"schema\":\"" + SCHEMA + "\",\n" + RUN_START);
            write(out, header.toLine());
            write(
                    out,
                    ",\"latestRound\":" + latest
                            + (best.isPresent() ? ",\"bestRound\":" + best.getAsInt() : "")
                            + ",\"rounds\":[\n");
            copyLines(journal, end, out);
            write(out, "]}\n");
        });
    }

    private static void copyLines(Path journal, long end, WritableByteChannel out) throws IOException {
        byte[] block = new byte[BLOCK];
        // A line may need one byte more: its comma.
        ByteBuffer target = ByteBuffer.allocate(2 * BLOCK);
        try (InputStream in = new FileInputStream(journal.toFile())) {
            long left = end;
            while (left > 0) {
                int count = in.read(block, 0, (int) Math.min(BLOCK, left));
                if (count < 0) {
                    throw new IOException(journal + ": is shorter than what was written to it");
                }
                left -= count;
                target.clear();
                for (int i = 0; i < count; i++) {
                    boolean last = left == 0 && i == count - 1;
                    if (block[i] == '\n' && !last) {
                        target.put((byte) ',');
                    }
                    target.put(block[i]);
                }
                out.write(target.flip());
            }
        }
    }

    private static void write(WritableByteChannel out, String text) throws IOException {
        write(out, text.getBytes(StandardCharsets.US_ASCII));
    }

    private static void write(WritableByteChannel out, byte[] bytes) throws IOException {
        Disk.Content.of(bytes).writeTo(out);
    }

    /**
     * What of a history, possibly damaged, is whole.
     *
     * @param header of the run
     * @param lines of rounds, by round
     */
    record Salvage(Optional<SealedJson> header, Map<Integer, SealedJson> lines) {}

    /** Collects all lines that are whole. */
    static Salvage salvage(Path file) throws IOException {
        Optional<SealedJson> header = Optional.empty();
        Map<Integer, SealedJson> lines = new HashMap<>();
        byte[] runStart = RUN_START.getBytes(StandardCharsets.US_ASCII);
        try (Lines in = Lines.of(file)) {
            // What is no whole line, damaged or around the lines, is passed over.
            for (Optional<Lines.Line> next = in.next(); next.isPresent(); next = in.next()) {
                byte[] text = next.get().text().bytes();
                if (text.length > 0 && text[text.length - 1] == ',') {
                    text = Arrays.copyOf(text, text.length - 1);
                }
                try {
                    if (Arrays.mismatch(text, runStart) == runStart.length) {
                        SealedJson json = SealedJson.of(Arrays.copyOfRange(text, runStart.length, text.length));
                        RecordJson.readHeader(json);
                        header = Optional.of(json);
                    } else {
                        SealedJson json = SealedJson.of(text);
                        lines.put(RecordJson.readLine(json).record().round(), json);
                    }
                } catch (DamagedException passedOver) {
                    LOGGER.log(Level.TRACE, "a line of {0} {1}", file, passedOver.getMessage());
                }
            }
        }
        return new Salvage(header, lines);
    }
}
