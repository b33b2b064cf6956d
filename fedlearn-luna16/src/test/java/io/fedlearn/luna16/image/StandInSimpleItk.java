package io.fedlearn.luna16.image;

import java.io.IOException;
import java.io.OutputStream;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.stream.Stream;
import javax.tools.JavaCompiler;
import javax.tools.JavaFileObject;
import javax.tools.SimpleJavaFileObject;
import javax.tools.StandardJavaFileManager;
import javax.tools.StandardLocation;
import javax.tools.ToolProvider;
import org.jspecify.annotations.Nullable;

/**
 * A jar with classes and methods of SimpleITK's names. Its images are text files with a line each for numbers per voxel,
 * type, size, spacing, origin, direction and values; a folder's series are its files {@code ID_NUMBER.dcm}. As with JNI, a
 * voxel buffer claims to be big-endian and holds what the machine's order makes of the values; it is wiped when its image is
 * deleted.
 */
final class StandInSimpleItk {
    private static final String PACKAGE = "package org.itk.simple;\n";

    private static final String LIBRARY = """
            public final class SimpleITKJNI { static { System.loadLibrary("SimpleITKJava"); } }
            """;

    private static final String NO_LIBRARY = """
            public final class SimpleITKJNI {}
            """;

    private static final String SIMPLE_ITK = """
            public class SimpleITK {
                public static Image readImage(String file) {
                    try {
                        return Image.read(java.nio.file.Path.of(file));
                    } catch (java.io.IOException e) {
                        throw new RuntimeException("Exception thrown in SimpleITK ImageFileReader_Execute:\\n  "
                                + "sitk::ERROR: Unable to determine ImageIO reader", e);
                    }
                }
            }
            """;

    private static final String PIXEL_ID = """
            public final class PixelIDValueEnum {
                private final String name;
                PixelIDValueEnum(String name) { this.name = name; }
                public String toString() { return name; }
            }
            """;

    /** As SWIG 4 makes them: lists, whose numbers are objects. */
    private static final String VECTOR_UINT32 = """
            public class VectorUInt32 extends java.util.AbstractList<Long> {
                private final long[] numbers;
                public VectorUInt32(long[] numbers) { this.numbers = numbers; }
                public Long get(int index) { return numbers[index]; }
                public int size() { return numbers.length; }
            }
            """;

    private static final String VECTOR_DOUBLE = """
            public class VectorDouble extends java.util.AbstractList<Double> {
                private final double[] numbers;
                public VectorDouble(double[] numbers) { this.numbers = numbers; }
                public Double get(int index) { return numbers[index]; }
                public int size() { return numbers.length; }
            }
            """;

    /** As SWIG 3 makes them: no list, and plain numbers. */
    private static final String VECTOR_STRING = """
            public class VectorString {
                final java.util.List<String> strings;
                VectorString(java.util.List<String> strings) { this.strings = strings; }
                public String get(int index) { return strings.get(index); }
                public long size() { return strings.size(); }
            }
            """;

    private static final String SERIES = """
            import java.nio.file.*;
            import java.util.*;
            public class ImageSeriesReader {
                private VectorString names = new VectorString(List.of());
                private static List<String> files(String folder) {
                    try (var files = Files.list(Path.of(folder))) {
                        return files.map(Path::toString).filter(name -> name.endsWith(".dcm")).sorted().toList();
                    } catch (java.io.IOException e) {
                        throw new java.io.UncheckedIOException(e);
                    }
                }
                private static String id(String file) { return Path.of(file).getFileName().toString().split("_")[0]; }
                public static VectorString getGDCMSeriesIDs(String folder) {
                    return new VectorString(files(folder).stream().map(ImageSeriesReader::id).distinct().toList());
                }
                public static VectorString getGDCMSeriesFileNames(String folder, String id) {
                    return new VectorString(files(folder).stream().filter(file -> id(file).equals(id)).toList());
                }
                public void setFileNames(VectorString names) { this.names = names; }
                public Image execute() {
                    List<Image> slices = names.strings.stream().map(SimpleITK::readImage).toList();
                    return Image.stacked(slices);
                }
            }
            """;

    private static final String IMAGE = """
            import java.nio.*;
            import java.nio.file.*;
            import java.util.*;
            public class Image {
                private final long components;
                private final String type;
                private final long[] size;
                private final double[] spacing, origin, direction, values;
                private final ByteBuffer memory;
                Image(long components, String type, long[] size, double[] spacing, double[] origin, double[] direction,
                        double[] values) {
                    this.components = components;
                    this.type = type;
                    this.size = size;
                    this.spacing = spacing;
                    this.origin = origin;
                    this.direction = direction;
                    this.values = values;
                    this.memory = ByteBuffer.allocateDirect(values.length * bytes());
                    ByteBuffer own = memory.duplicate().order(ByteOrder.nativeOrder());
                    for (double value : values) {
                        switch (type) {
                            case "sitkUInt8", "sitkInt8" -> own.put((byte) (long) value);
                            case "sitkUInt16", "sitkInt16" -> own.putShort((short) (long) value);
                            case "sitkUInt32", "sitkInt32" -> own.putInt((int) (long) value);
                            case "sitkUInt64", "sitkInt64" -> own.putLong((long) value);
                            case "sitkFloat32" -> own.putFloat((float) value);
                            default -> own.putDouble(value);
                        }
                    }
                }
                private int bytes() {
                    String bits = type.replaceAll("\\\\D", "");
                    return bits.isEmpty() ? 8 : Integer.parseInt(bits) / 8;
                }
                static Image read(Path file) throws java.io.IOException {
                    List<String> lines = Files.readAllLines(file);
                    return new Image(Long.parseLong(lines.get(0)), lines.get(1),
                            Arrays.stream(lines.get(2).split(" ")).mapToLong(Long::parseLong).toArray(),
                            numbers(lines.get(3)), numbers(lines.get(4)), numbers(lines.get(5)), numbers(lines.get(6)));
                }
                private static double[] numbers(String line) {
                    return Arrays.stream(line.split(" ")).mapToDouble(Double::parseDouble).toArray();
                }
                static Image stacked(List<Image> slices) {
                    Image first = slices.get(0);
                    double[] values = slices.stream().flatMapToDouble(slice -> Arrays.stream(slice.values)).toArray();
                    long[] size = {first.size[0], first.size[1], slices.size()};
                    return new Image(1, first.type, size, first.spacing, first.origin, first.direction, values);
                }
                public long getDimension() { return size.length; }
                public long getNumberOfComponentsPerPixel() { return components; }
                public PixelIDValueEnum getPixelID() { return new PixelIDValueEnum(type); }
                public VectorUInt32 getSize() { return new VectorUInt32(size); }
                public VectorDouble getSpacing() { return new VectorDouble(spacing); }
                public VectorDouble getOrigin() { return new VectorDouble(origin); }
                public VectorDouble getDirection() { return new VectorDouble(direction); }
                public ByteBuffer getBufferAsByteBuffer() { return memory; }
                public synchronized void delete() {
                    for (int i = 0; i < memory.capacity(); i++) {
                        memory.put(i, (byte) 0x55);
                    }
                }
            }
            """;

    /** Compiled once: a compiler takes its time. */
    private static final class Compiled {
        static final Map<String, byte[]> CLASSES = compile(
                Map.of(), NO_LIBRARY, SIMPLE_ITK, PIXEL_ID, VECTOR_UINT32, VECTOR_DOUBLE, VECTOR_STRING, SERIES, IMAGE);
    }

    private StandInSimpleItk() {}

    /** A jar that can be used as it is. */
    static Path jar(Path folder) throws IOException {
        return jar(folder, Map.of());
    }

    /** A jar that asks for its native library. */
    static Path jarWithNativeLibrary(Path folder) throws IOException {
        return jar(folder, compile(Map.of(), LIBRARY));
    }

    /** A jar of a version that had other methods. */
    static Path jarOfOldVersion(Path folder) throws IOException {
        return jar(folder, compile(Compiled.CLASSES, IMAGE.replace("getBufferAsByteBuffer", "getBufferAsVoid")));
    }

    private static Path jar(Path folder, Map<String, byte[]> others) throws IOException {
        Map<String, byte[]> classes = new TreeMap<>(Compiled.CLASSES);
        classes.putAll(others);
        Path jar = folder.resolve("simpleitk-stand-in.jar");
        try (OutputStream file = Files.newOutputStream(jar);
                JarOutputStream out = new JarOutputStream(file)) {
            for (Map.Entry<String, byte[]> entry : classes.entrySet()) {
                out.putNextEntry(new JarEntry(entry.getKey()));
                out.write(entry.getValue());
            }
        }
        return jar;
    }

    /** Classes by their names in a jar, compiled beside others. */
    private static Map<String, byte[]> compile(Map<String, byte[]> beside, String... bodies) {
        JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
        List<JavaFileObject> sources = new ArrayList<>();
        for (String body : bodies) {
            sources.add(source(body));
        }
        StringWriter problems = new StringWriter();
        Path folder = null;
        try (StandardJavaFileManager files = compiler.getStandardFileManager(null, null, null)) {
            folder = Files.createTempDirectory("simpleitk-");
            Path present = folder.resolve("present");
            for (Map.Entry<String, byte[]> entry : beside.entrySet()) {
                Path file = present.resolve(entry.getKey());
                Files.createDirectories(file.getParent());
                Files.write(file, entry.getValue());
            }
            Path made = Files.createDirectory(folder.resolve("made"));
            files.setLocationFromPaths(StandardLocation.CLASS_PATH, List.of(Files.createDirectories(present)));
            files.setLocationFromPaths(StandardLocation.CLASS_OUTPUT, List.of(made));
            if (!compiler.getTask(problems, files, null, List.of("-proc:none"), null, sources)
                    .call()) {
                throw new IllegalStateException(problems.toString());
            }
            Map<String, byte[]> classes = new TreeMap<>();
            for (Path file : files(made)) {
                classes.put(made.relativize(file).toString().replace('\\', '/'), Files.readAllBytes(file));
            }
            return classes;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } finally {
            delete(folder);
        }
    }

    private static List<Path> files(Path folder) throws IOException {
        try (Stream<Path> all = Files.walk(folder)) {
            return all.filter(Files::isRegularFile).toList();
        }
    }

    private static void delete(@Nullable Path folder) {
        if (folder == null) {
            return;
        }
        try (Stream<Path> all = Files.walk(folder)) {
            for (Path path : all.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(path);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static JavaFileObject source(String body) {
        String name = body.replaceAll("(?s).*?(?:class) (\\w+).*", "$1");
        return new SimpleJavaFileObject(URI.create("string:///" + name + ".java"), JavaFileObject.Kind.SOURCE) {
            @Override
            public CharSequence getCharContent(boolean ignoreEncodingErrors) {
                return PACKAGE + body;
            }
        };
    }
}
