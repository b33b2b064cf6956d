package io.fedlearn.luna16.image;

import io.fedlearn.luna16.image.VolumeException.Problem;
import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Reads one header. Confined to one thread at a time. */
final class MetaImageHeaderParser {
    private static final int DIMENSIONS = 3;
    private static final int MAX_FILES = 1 << 14;
    private static final int SHOWN_LENGTH = 60;
    private static final long MAX_WHOLE = 1L << 53;
    private static final String DATA_FILE = "ElementDataFile";
    /** One number of a C format, such as the {@code %03d} of {@code slice%03d.raw}. */
    private static final Pattern SLICE_NUMBER = Pattern.compile("%(0?)([1-9]?)[diu]");

    private final Path file;
    private final InputStream in;
    private final LinkedHashMap<String, String> fields = new LinkedHashMap<>();
    private long position;

    private MetaImageHeaderParser(Path file, InputStream in) {
        this.file = file;
        this.in = in;
    }

    static MetaImageHeader parse(Path file) {
        try {
            if (Files.isDirectory(file)) {
                throw new VolumeException(Problem.UNREADABLE, file, "is a folder, not a MetaImage header");
            }
            try (InputStream in = new BufferedInputStream(Files.newInputStream(file))) {
                return new MetaImageHeaderParser(file, in).parse();
            }
        } catch (NoSuchFileException e) {
            throw new VolumeException(Problem.UNREADABLE, file, "there is no such file", e);
        } catch (IOException e) {
            throw new VolumeException(Problem.UNREADABLE, file, "cannot be read: " + e, e);
        }
    }

    private MetaImageHeader parse() throws IOException {
        readFields();
        requireImage();
        ImageGeometry geometry = geometry();
        ElementType type = elementType();
        boolean compressed = flag("CompressedData", false);
        long compressedBytes = compressed ? whole("CompressedDataSize", 0) : 0;
        if (compressedBytes < 0) {
            throw bad("CompressedDataSize must be >= 0, was " + compressedBytes);
        }
        boolean text = !flag("BinaryData", true);
        if (text && compressed) {
            throw bad("BinaryData = False (voxels as text) contradicts CompressedData = True");
        }
        long headerSize = whole("HeaderSize", 0);
        if (headerSize < -1) {
            throw bad("HeaderSize must be >= -1, was " + headerSize);
        }
        if (headerSize == -1 && compressed) {
            throw unsupported(
                    "HeaderSize = -1 (the voxels are the end of the file) does not go with compressed voxels");
        }
        if (headerSize == -1 && text) {
            throw unsupported("HeaderSize = -1 (the voxels are the end of the file) does not go with voxels as text");
        }
        boolean bigEndian = flag("BinaryDataByteOrderMSB", flag("ElementByteOrderMSB", false));
        MetaImageHeader.VoxelPlace place = place(geometry.size());
        if (place.names().size() > 1) {
            // Written for the last file, or for all: nobody agrees. Each file is read to its end.
            compressedBytes = 0;
        }
        return new MetaImageHeader(
                file,
                fields,
                geometry,
                type,
                bigEndian ? ByteOrder.BIG_ENDIAN : ByteOrder.LITTLE_ENDIAN,
                text,
                compressed,
                compressedBytes,
                headerSize,
                place);
    }

    private void readFields() throws IOException {
        while (!fields.containsKey(DATA_FILE)) {
            String line = readLine();
            if (line == null) {
                throw bad(
                        fields.isEmpty()
                                ? "is empty, not a MetaImage header"
                                : "the line " + DATA_FILE + " is missing");
            }
            if (line.isBlank()) {
                continue;
            }
            int separator = separator(line);
            if (separator < 1) {
                throw bad("is no MetaImage header: a line must be 'key = value', was " + quote(line));
            }
            String key = line.substring(0, separator).strip();
            String value = line.substring(separator + 1).strip();
            String before = fields.putIfAbsent(key, value);
            if (before != null && !before.equals(value)) {
                throw bad(quote(key) + " has two values, " + quote(before) + " and " + quote(value));
            }
        }
    }

    private static int separator(String line) {
        int equals = line.indexOf('=');
        int colon = line.indexOf(':');
        return equals < 0 || colon >= 0 && colon < equals ? colon : equals;
    }

    private @Nullable String readLine() throws IOException {
        ByteArrayOutputStream line = new ByteArrayOutputStream();
        int b = in.read();
        if (b < 0) {
            return null;
        }
        while (b >= 0) {
            if (++position > MetaImageHeader.MAX_BYTES) {
                throw bad("is no MetaImage header: it does not end within " + MetaImageHeader.MAX_BYTES + " bytes");
            }
            if (b == '\n') {
                break;
            }
            line.write(b);
            b = in.read();
        }
        return line.toString(StandardCharsets.UTF_8);
    }

    private void requireImage() {
        String objectType = fields.getOrDefault("ObjectType", "Image");
        if (!objectType.equals("Image")) {
            throw unsupported("ObjectType must be Image, was " + quote(objectType));
        }
        long version = whole("FileFormatVersion", 0);
        if (version != 0 && version != 1) {
            throw unsupported("FileFormatVersion must be 0 or 1, was " + version);
        }
        long dimensions = whole("NDims", required("NDims"));
        if (dimensions != DIMENSIONS) {
            throw unsupported("NDims must be 3, was " + dimensions);
        }
        long channels = whole("ElementNumberOfChannels", 1);
        if (channels != 1) {
            throw unsupported("ElementNumberOfChannels must be 1, was " + channels);
        }
        String unit = fields.getOrDefault("DistanceUnits", "mm");
        if (!unit.equals("mm") && !unit.equals("?")) {
            throw unsupported("DistanceUnits must be mm, was " + quote(unit));
        }
    }

    private ImageGeometry geometry() {
        GridSize size = size();
        boolean first = whole("FileFormatVersion", 0) == 1;
        String[] originKeys = {"ElementOrigin", "ImagePosition", "Origin", "Position", "Offset"};
        String[] axesKeys = {"ElementDirection", "TransformMatrix", "Rotation", "Orientation"};
        double[] spacing = numbers(DIMENSIONS, new double[] {1, 1, 1}, "ElementSpacing", "ElementSize");
        double[] origin = numbers(DIMENSIONS, new double[DIMENSIONS], first ? originKeys : withoutFirst(originKeys));
        double[] axes = numbers(
                DIMENSIONS * DIMENSIONS,
                new double[] {1, 0, 0, 0, 1, 0, 0, 0, 1},
                first ? axesKeys : withoutFirst(axesKeys));
        if (first && fields.containsKey("ElementDirection") && !isSymmetric(axes)) {
            throw unsupported("ElementDirection must be symmetric: whether it holds the axes in rows or in columns is"
                    + " not settled, was " + quote(text("ElementDirection")));
        }
        try {
            return ImageGeometry.of(
                    size, point(spacing, 0), point(origin, 0), point(axes, 0), point(axes, 3), point(axes, 6));
        } catch (IllegalArgumentException e) {
            throw new VolumeException(Problem.BAD_HEADER, file, String.valueOf(e.getMessage()), e);
        }
    }

    private static boolean isSymmetric(double[] matrix) {
        return matrix[1] == matrix[3] && matrix[2] == matrix[6] && matrix[5] == matrix[7];
    }

    private static String[] withoutFirst(String[] keys) {
        return List.of(keys).subList(1, keys.length).toArray(new String[0]);
    }

    private GridSize size() {
        double[] counts = numbers(DIMENSIONS, new double[0], "DimSize");
        if (counts.length == 0) {
            throw bad("the line DimSize is missing");
        }
        long voxels = 1;
        for (double count : counts) {
            if (count < 1 || count > Integer.MAX_VALUE || count != Math.rint(count)) {
                throw bad("DimSize must be three whole numbers >= 1, was " + quote(text("DimSize")));
            }
            // A slice must be addressable, and all bytes of 8 per voxel must be countable.
            if (voxels > Long.MAX_VALUE / 8 / (long) count) {
                throw unsupported("DimSize " + quote(text("DimSize")) + " is more than can be counted");
            }
            voxels *= (long) count;
        }
        if ((long) counts[0] * (long) counts[1] > Volume.MAX_VOXELS) {
            throw unsupported(
                    "a slice may have at most " + Volume.MAX_VOXELS + " voxels, DimSize was " + quote(text("DimSize")));
        }
        return new GridSize((int) counts[0], (int) counts[1], (int) counts[2]);
    }

    private ElementType elementType() {
        String name = fields.get("ElementType");
        if (name == null) {
            throw bad("the line ElementType is missing");
        }
        Optional<ElementType> type = ElementType.named(name);
        return type.orElseThrow(
                () -> unsupported("ElementType must be MET_SHORT or another number, was " + quote(name)));
    }

    private MetaImageHeader.VoxelPlace place(GridSize size) throws IOException {
        String value = text(DATA_FILE);
        if (value.isEmpty()) {
            throw bad(DATA_FILE + " names no file");
        }
        if (value.equals("LOCAL") || value.equals("Local") || value.equals("local")) {
            return new MetaImageHeader.VoxelPlace(List.of(), position);
        }
        String[] words = value.split("\\s+");
        if (words[0].equals("LIST")) {
            return new MetaImageHeader.VoxelPlace(listed(words, size), 0);
        }
        if (value.contains("%")) {
            return new MetaImageHeader.VoxelPlace(numbered(words, size), 0);
        }
        return new MetaImageHeader.VoxelPlace(List.of(value), 0);
    }

    /** The names on the lines after {@code ElementDataFile = LIST}. */
    private List<String> listed(String[] words, GridSize size) throws IOException {
        long dimensions = words.length > 1 ? parseWhole(DATA_FILE, words[1]) : DIMENSIONS - 1;
        if (words.length > 2 || dimensions < 1 || dimensions > DIMENSIONS) {
            throw bad(
                    DATA_FILE + " must be LIST and a number of dimensions from 1 to 3, was " + quote(text(DATA_FILE)));
        }
        long count = dimensions == 3 ? 1 : dimensions == 2 ? size.z() : (long) size.z() * size.y();
        List<String> names = new ArrayList<>();
        while (names.size() < count) {
            String line = readLine();
            if (line == null) {
                throw bad("the list of files must name " + count + ", names " + names.size());
            }
            if (!line.isBlank()) {
                names.add(line.strip());
            }
        }
        return names;
    }

    /** The names that {@code name%03d.raw first last step} stands for, one a slice. */
    private List<String> numbered(String[] words, GridSize size) {
        Matcher number = SLICE_NUMBER.matcher(words[0]);
        String shown = quote(text(DATA_FILE));
        if (words.length > 4
                || !number.find()
                || words[0].indexOf('%', number.end()) >= 0
                || words[0].indexOf('%') != number.start()) {
            throw bad(DATA_FILE + " must have one number such as %03d, and then first, last and step, was " + shown);
        }
        long count = size.z();
        if (count > MAX_FILES) {
            throw unsupported("at most " + MAX_FILES + " files of a slice each are read, DimSize asks for " + count);
        }
        long first = words.length > 1 ? parseWhole(DATA_FILE, words[1]) : 1;
        long step = 1;
        if (words.length == 4) {
            step = parseWhole(DATA_FILE, words[3]);
        } else if (words.length == 3 && count > 1) {
            step = (parseWhole(DATA_FILE, words[2]) - first) / (count - 1);
        }
        long last = words.length > 2 ? parseWhole(DATA_FILE, words[2]) : first + (count - 1) * step;
        // The last number need not be hit: 1 to 10 by 3 ends at 10, 1 to 11 by 3 as well.
        if (first < 0 || last < first || step < 1 || (last - first) / step + 1 != count) {
            throw bad(DATA_FILE + " must give " + count + " files, one for each slice, was " + shown);
        }
        String width = number.group(2).isEmpty() ? "" : number.group(1) + number.group(2);
        String format = "%" + width + "d";
        List<String> names = new ArrayList<>();
        for (long i = 0; i < count; i++) {
            names.add(words[0].substring(0, number.start())
                    + String.format(Locale.ROOT, format, first + i * step)
                    + words[0].substring(number.end()));
        }
        return names;
    }

    private static Point point(double[] numbers, int from) {
        return new Point(numbers[from], numbers[from + 1], numbers[from + 2]);
    }

    private String text(String key) {
        return fields.getOrDefault(key, "");
    }

    private long required(String key) {
        if (!fields.containsKey(key)) {
            throw bad("the line " + key + " is missing");
        }
        return 0;
    }

    /** The numbers of the first key that is there. */
    private double[] numbers(int count, double[] otherwise, String... keys) {
        for (String key : keys) {
            String value = fields.get(key);
            if (value != null) {
                String[] words = value.split("\\s+");
                if (words.length != count) {
                    throw bad(key + " must be " + count + " numbers, was " + quote(value));
                }
                double[] numbers = new double[count];
                for (int i = 0; i < count; i++) {
                    numbers[i] = parseNumber(key, words[i]);
                }
                return numbers;
            }
        }
        return otherwise;
    }

    private long whole(String key, long otherwise) {
        String value = fields.get(key);
        return value == null ? otherwise : parseWhole(key, value);
    }

    /** True where the value begins with T, t or 1, as ITK decides it. */
    private boolean flag(String key, boolean otherwise) {
        String value = fields.get(key);
        return value == null ? otherwise : value.startsWith("T") || value.startsWith("t") || value.startsWith("1");
    }

    private long parseWhole(String key, String word) {
        double number = parseNumber(key, word);
        if (number != Math.rint(number) || Math.abs(number) > MAX_WHOLE) {
            throw bad(key + " must be a whole number, was " + quote(word));
        }
        return (long) number;
    }

    private double parseNumber(String key, String word) {
        double number = Double.NaN;
        // Java's own idea of a number is wider: hexadecimal, NaN, a trailing f.
        if (word.chars().allMatch(c -> c >= '0' && c <= '9' || "+-.eE".indexOf(c) >= 0)) {
            try {
                number = Double.parseDouble(word);
            } catch (NumberFormatException e) {
                number = Double.NaN;
            }
        }
        if (!Double.isFinite(number)) {
            throw bad(key + " must be a finite number, was " + quote(word));
        }
        return number;
    }

    private VolumeException bad(String reason) {
        return new VolumeException(Problem.BAD_HEADER, file, reason);
    }

    private VolumeException unsupported(String reason) {
        return new VolumeException(Problem.UNSUPPORTED, file, reason);
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
}
