package io.fedlearn.files;

import java.io.BufferedInputStream;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.Closeable;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.Optional;

/** The lines of a file, or of a part of one, as bytes, one after the other, in memory bounded by the longest. */
final class Lines implements Closeable {
    private static final int BLOCK = 1 << 16;
    // No line that was written is longer; what is read of a longer one is not kept.
    private static final int MAX_LINE_BYTES = 1 << 28;

    private final InputStream in;
    private long position;

    private Lines(InputStream in) {
        this.in = in;
    }

    static Lines of(Path file) throws IOException {
        return new Lines(new BufferedInputStream(new FileInputStream(file.toFile()), BLOCK));
    }

    /** The lines of these bytes. */
    static Lines of(byte[] bytes) {
        return new Lines(new ByteArrayInputStream(bytes));
    }

    /**
     * A line.
     *
     * @param text without its line break; cut off if it is longer than any line that is written
     * @param isEnded whether it ends with a line break
     * @param end of the line and its line break, from the beginning of the file
     */
    record Line(Text text, boolean isEnded, long end) {}

    /** The bytes of a line. */
    static final class Text {
        private final byte[] bytes;

        private Text(byte[] bytes) {
            this.bytes = bytes;
        }

        byte[] bytes() {
            return bytes;
        }
    }

    /** The next line; empty at the end of the file. */
    Optional<Line> next() throws IOException {
        ByteArrayOutputStream line = new ByteArrayOutputStream();
        long start = position;
        int b;
        while ((b = in.read()) >= 0) {
            position++;
            if (b == '\n') {
                return Optional.of(new Line(new Text(line.toByteArray()), true, position));
            }
            if (line.size() < MAX_LINE_BYTES) {
                line.write(b);
            }
        }
        return position == start
                ? Optional.empty()
                : Optional.of(new Line(new Text(line.toByteArray()), false, position));
    }

    @Override
    public void close() throws IOException {
        in.close();
    }
}
