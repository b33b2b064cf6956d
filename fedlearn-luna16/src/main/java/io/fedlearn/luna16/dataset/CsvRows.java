package io.fedlearn.luna16.dataset;

import io.fedlearn.luna16.dataset.DatasetException.Problem;
import java.io.BufferedInputStream;
import java.io.BufferedReader;
import java.io.Closeable;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.PushbackReader;
import java.io.UncheckedIOException;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.zip.GZIPInputStream;
import java.util.zip.ZipException;
import org.apache.commons.csv.CSVFormat;
import org.apache.commons.csv.CSVParser;
import org.apache.commons.csv.CSVRecord;
import org.jspecify.annotations.Nullable;

/**
 * The rows of a comma-separated list, one after the other, with errors that say where. Compression by gzip, byte-order marks, any line ends,
 * blank lines and spaces around fields are passed over; columns go by their names, in any case of letters, and those
 * that nobody asks for are left alone. Confined to one thread at a time.
 */
final class CsvRows implements AutoCloseable {
    private static final int SHOWN_LENGTH = 60;
    private static final int BYTE_ORDER_MARK = 0xfeff;
    private static final byte[] GZIP_MAGIC = {0x1f, (byte) 0x8b};
    private static final CSVFormat FORMAT =
            CSVFormat.DEFAULT.builder().setIgnoreEmptyLines(true).get();

    private final Path file;
    private final BufferedReader reader;
    private List<String> header = List.of();
    private final List<String> fields = new ArrayList<>();
    private long line;
    private @Nullable Quoted quoted;

    private CsvRows(Path file, BufferedReader reader) {
        this.file = file;
        this.reader = reader;
    }

    /**
     * The rest of the list from the first line with a quote on: what quotes mean is the library's to say. Lines without are
     * cut at their commas, which takes half its time.
     */
    private static final class Quoted {
        private final CSVParser parser;
        private final Iterator<CSVRecord> records;
        private final long linesBefore;

        Quoted(String firstLine, BufferedReader rest, long linesBefore) throws IOException {
            PushbackReader all = new PushbackReader(rest, firstLine.length() + 1);
            all.unread((firstLine + "\n").toCharArray());
            this.parser = CSVParser.builder().setReader(all).setFormat(FORMAT).get();
            this.records = parser.iterator();
            this.linesBefore = linesBefore;
        }

        long line() {
            return linesBefore + parser.getCurrentLineNumber();
        }
    }

    /** Opens a file whose first row names the columns. */
    static CsvRows open(Path file) {
        CsvRows rows = openWithoutHeader(file);
        try {
            if (!rows.next()) {
                throw DatasetException.of(Problem.EMPTY, file, "is empty");
            }
            rows.header = rows.fields.stream().map(String::strip).toList();
        } catch (DatasetException e) {
            rows.close();
            throw e;
        }
        return rows;
    }

    /** Opens a file whose first row is one like the others. */
    static CsvRows openWithoutHeader(Path file) {
        Closeable opened = null;
        try {
            InputStream bytes = new BufferedInputStream(Files.newInputStream(file), 1 << 16);
            opened = bytes;
            // A decoder, and not a charset, so that bytes that are no text are an error.
            BufferedReader reader = new BufferedReader(
                    new InputStreamReader(decompressed(bytes), StandardCharsets.UTF_8.newDecoder()), 1 << 16);
            reader.mark(1);
            if (reader.read() != BYTE_ORDER_MARK) {
                reader.reset();
            }
            return new CsvRows(file, reader);
        } catch (IOException e) {
            DatasetException failure = unreadable(file, e);
            if (opened != null) {
                try {
                    opened.close();
                } catch (IOException notClosed) {
                    failure.addSuppressed(notClosed);
                }
            }
            throw failure;
        }
    }

    /** By its first bytes, whatever its name. */
    private static InputStream decompressed(InputStream bytes) throws IOException {
        bytes.mark(GZIP_MAGIC.length);
        byte[] first = bytes.readNBytes(GZIP_MAGIC.length);
        bytes.reset();
        return Arrays.equals(first, GZIP_MAGIC) ? new GZIPInputStream(bytes, 1 << 16) : bytes;
    }

    private static DatasetException unreadable(Path file, IOException e) {
        if (e instanceof NoSuchFileException) {
            return DatasetException.unreadable(file, "there is no such file", e);
        }
        if (e instanceof CharacterCodingException) {
            return DatasetException.unreadable(file, "is not text in UTF-8", e);
        }
        if (isOfContent(e)) {
            return DatasetException.unreadable(file, "is damaged: " + e.getMessage(), e);
        }
        if (Files.isDirectory(file)) {
            return DatasetException.unreadable(file, "is a folder, not a list", e);
        }
        return DatasetException.unreadable(file, "cannot be read: " + e, e);
    }

    /** Whether the bytes are to blame, and no row of the list. */
    private static boolean isOfContent(IOException e) {
        return e instanceof CharacterCodingException || e instanceof EOFException || e instanceof ZipException;
    }

    /** The place of a column. */
    int column(String name) {
        return column(List.of(name));
    }

    /** The place of a column that may have any of these names, of which the header must have one. */
    int column(List<String> names) {
        int found = -1;
        for (int i = 0; i < header.size(); i++) {
            String name = header.get(i);
            if (names.stream().anyMatch(name::equalsIgnoreCase)) {
                if (found >= 0) {
                    throw DatasetException.of(
                            Problem.AMBIGUOUS_COLUMN,
                            file,
                            "columns " + quote(header.get(found)) + " and " + quote(name) + " could both be the column "
                                    + quote(names.get(0)));
                }
                found = i;
            }
        }
        if (found < 0) {
            throw DatasetException.of(
                    Problem.MISSING_COLUMN,
                    file,
                    "column " + quote(names.get(0)) + " is missing, the columns are "
                            + quote(String.join(",", header)));
        }
        return found;
    }

    /** Reads the next row. */
    boolean next() {
        try {
            do {
                if (!read()) {
                    return false;
                }
            } while (fields.size() == 1 && fields.get(0).isBlank());
            if (!header.isEmpty() && fields.size() != header.size()) {
                throw DatasetException.of(
                        Problem.MALFORMED,
                        file,
                        line,
                        "",
                        "must have " + header.size() + " fields as the header, has " + fields.size());
            }
            return true;
        } catch (IOException e) {
            throw unreadable(file, e);
        }
    }

    private boolean read() throws IOException {
        fields.clear();
        if (quoted != null) {
            return readQuoted(quoted);
        }
        String text = reader.readLine();
        if (text == null) {
            return false;
        }
        if (text.indexOf('"') >= 0) {
            quoted = new Quoted(text, reader, line);
            return readQuoted(quoted);
        }
        line++;
        int start = 0;
        for (int comma = text.indexOf(','); comma >= 0; comma = text.indexOf(',', start)) {
            fields.add(text.substring(start, comma));
            start = comma + 1;
        }
        fields.add(text.substring(start));
        return true;
    }

    private boolean readQuoted(Quoted rest) throws IOException {
        try {
            if (!rest.records.hasNext()) {
                return false;
            }
            rest.records.next().forEach(fields::add);
            line = rest.line();
            return true;
        } catch (UncheckedIOException e) {
            IOException cause = e.getCause();
            if (cause != null && isOfContent(cause)) {
                throw cause;
            }
            // Quotes out of place come as this, too.
            DatasetException failure = DatasetException.of(
                    Problem.MALFORMED, file, rest.line(), "", String.valueOf(cause == null ? e : cause.getMessage()));
            failure.initCause(e);
            throw failure;
        }
    }

    /** Where the row is. */
    long line() {
        return line;
    }

    /** How many fields the row has. */
    int size() {
        return fields.size();
    }

    /** What the row has in a column; not empty. */
    String text(int column) {
        String text = fields.get(column).strip();
        if (text.isEmpty()) {
            throw failure(Problem.EMPTY_FIELD, column, "is empty");
        }
        return text;
    }

    /** The finite number that the row has in a column. */
    double number(int column) {
        String text = text(column);
        double number;
        try {
            number = Double.parseDouble(text);
        } catch (NumberFormatException e) {
            number = Double.NaN;
        }
        if (!Double.isFinite(number)) {
            throw failure(Problem.BAD_NUMBER, column, "must be a finite number, was " + quote(text));
        }
        return number;
    }

    DatasetException failure(Problem problem, int column, String reason) {
        return DatasetException.of(problem, file, line, column < header.size() ? header.get(column) : "", reason);
    }

    /** Text out of a file, fit for a message. */
    static String quote(String text) {
        StringBuilder shown = new StringBuilder("'");
        text.codePoints()
                .limit(SHOWN_LENGTH)
                .forEach(point -> shown.appendCodePoint(
                        Character.isISOControl(point) || point >= 0xd800 && point <= 0xdfff ? '?' : point));
        return shown.append(text.codePointCount(0, text.length()) > SHOWN_LENGTH ? "...'" : "'")
                .toString();
    }

    /** A text as a field of a list, in quotes if it needs them. */
    static String field(String text) {
        boolean isPlain = text.chars().noneMatch(c -> c == ',' || c == '"' || c == '\n' || c == '\r');
        return isPlain ? text : '"' + text.replace("\"", "\"\"") + '"';
    }

    @Override
    public void close() {
        try {
            reader.close();
        } catch (IOException e) {
            throw unreadable(file, e);
        }
    }
}
