package io.fedlearn.models.table;

import java.io.IOException;
import java.io.Reader;
import java.util.List;

/**
 * Reads comma-separated values as RFC 4180 has them, with any delimiter: fields in double quotes may hold delimiters,
 * line breaks and doubled quotes. Lines end with LF, CRLF or CR. Spaces and tabs around a field, outside its quotes,
 * are not part of it. Blank lines are passed over. Confined to one thread at a time.
 */
final class CsvReader {
    /** The most characters in a field: {@value}. */
    static final int MAX_FIELD_LENGTH = 1 << 16;

    private static final int END = -1;
    private static final char BYTE_ORDER_MARK = '\ufeff';

    private final Reader reader;
    private final char delimiter;
    private final char[] buffer = new char[1 << 13];
    private final StringBuilder text = new StringBuilder();
    private int position;
    private int limit;
    private long line = 1;
    private long rowLine;
    private boolean quoted;

    CsvReader(Reader reader, char delimiter) throws IOException {
        this.reader = reader;
        this.delimiter = delimiter;
        if (peek() == BYTE_ORDER_MARK) {
            position++;
        }
    }

    /** Thrown where the text is not of this form. */
    static final class MalformedException extends Exception {
        private static final long serialVersionUID = 1L;

        private final String reason;

        MalformedException(String reason) {
            super(reason);
            this.reason = reason;
        }

        String reason() {
            return reason;
        }
    }

    /** The line, counted from 1, on which the row that was read last starts. */
    long rowLine() {
        return rowLine;
    }

    /** Passes over a line, whatever it holds. */
    void skipLine() throws IOException {
        int c = read();
        while (c != END && c != '\n') {
            c = read();
        }
    }

    /**
     * Reads the next row that is not blank.
     *
     * @param fields receives its fields; after a failure, those before the malformed one
     * @return whether there was one
     */
    boolean read(List<String> fields) throws IOException, MalformedException {
        while (peek() != END) {
            fields.clear();
            rowLine = line;
            int end = readField();
            boolean blank = end != delimiter && text.length() == 0 && !quoted;
            fields.add(text.toString());
            while (end == delimiter) {
                end = readField();
                fields.add(text.toString());
            }
            if (!blank) {
                return true;
            }
        }
        return false;
    }

    /** Reads one field into {@link #text} and gives the character that ended it. */
    private int readField() throws IOException, MalformedException {
        text.setLength(0);
        quoted = false;
        int c = read();
        while (isBlank(c)) {
            c = read();
        }
        if (c == '"') {
            quoted = true;
            return readQuoted();
        }
        while (c != END && c != '\n' && c != delimiter) {
            if (c == '"') {
                throw new MalformedException("there is a quote inside a field without quotes around it");
            }
            append(c);
            c = read();
        }
        int length = text.length();
        while (length > 0 && isBlank(text.charAt(length - 1))) {
            length--;
        }
        text.setLength(length);
        return c;
    }

    private int readQuoted() throws IOException, MalformedException {
        while (true) {
            int c = read();
            if (c == END) {
                throw new MalformedException("the quotes around a field are not closed");
            }
            if (c == '"') {
                if (peek() != '"') {
                    break;
                }
                position++;
            }
            append(c);
        }
        int c = read();
        while (isBlank(c)) {
            c = read();
        }
        if (c != END && c != '\n' && c != delimiter) {
            throw new MalformedException("there is text behind a field's closing quotes");
        }
        return c;
    }

    private void append(int c) throws MalformedException {
        if (text.length() == MAX_FIELD_LENGTH) {
            throw new MalformedException("a field has more than " + MAX_FIELD_LENGTH + " characters");
        }
        text.append((char) c);
    }

    private boolean isBlank(int c) {
        return (c == ' ' || c == '\t') && c != delimiter;
    }

    /** The next character, with any line break as LF. */
    private int read() throws IOException {
        int c = peek();
        if (c == END) {
            return END;
        }
        position++;
        if (c == '\r') {
            if (peek() == '\n') {
                position++;
            }
            c = '\n';
        }
        if (c == '\n') {
            line++;
        }
        return c;
    }

    private int peek() throws IOException {
        if (position == limit) {
            position = 0;
            limit = Math.max(0, reader.read(buffer));
            if (limit == 0) {
                return END;
            }
        }
        return buffer[position];
    }
}
