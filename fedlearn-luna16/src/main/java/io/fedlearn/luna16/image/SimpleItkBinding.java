package io.fedlearn.luna16.image;

import java.io.UncheckedIOException;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.net.MalformedURLException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** The few methods of SimpleITK that reading needs, called through handles. Immutable. */
final class SimpleItkBinding {
    private static final String PACKAGE = "org.itk.simple.";
    private static final String LIBRARY = "SimpleITKJava";

    private final MethodHandle readImage;
    private final MethodHandle newSeriesReader;
    private final MethodHandle seriesIds;
    private final MethodHandle seriesFileNames;
    private final MethodHandle setFileNames;
    private final MethodHandle executeSeries;
    private final MethodHandle dimension;
    private final MethodHandle components;
    private final MethodHandle pixelId;
    private final MethodHandle size;
    private final MethodHandle spacing;
    private final MethodHandle origin;
    private final MethodHandle direction;
    private final MethodHandle buffer;
    private final MethodHandle delete;
    private final MethodHandle count;
    private final MethodHandle number;
    private final MethodHandle stringCount;
    private final MethodHandle string;

    /** Says what of SimpleITK is missing and how to add it. */
    static final class MissingException extends Exception {
        private static final long serialVersionUID = 1L;

        MissingException(String message, @Nullable Throwable cause) {
            super(message, cause);
        }
    }

    /** Says what SimpleITK, called, refused. */
    static final class CallException extends Exception {
        private static final long serialVersionUID = 1L;

        CallException(Throwable cause) {
            super(cause.getMessage(), cause);
        }
    }

    private SimpleItkBinding(Classes classes) throws ReflectiveOperationException {
        Class<?> image = classes.named("Image");
        Class<?> series = classes.named("ImageSeriesReader");
        Class<?> strings = classes.named("VectorString");
        readImage = method(classes.named("SimpleITK"), "readImage", String.class);
        newSeriesReader = MethodHandles.publicLookup().unreflectConstructor(series.getConstructor());
        seriesIds = method(series, "getGDCMSeriesIDs", String.class);
        seriesFileNames = method(series, "getGDCMSeriesFileNames", String.class, String.class);
        setFileNames = method(series, "setFileNames", strings);
        executeSeries = method(series, "execute");
        dimension = method(image, "getDimension");
        components = method(image, "getNumberOfComponentsPerPixel");
        pixelId = method(image, "getPixelID");
        size = method(image, "getSize");
        spacing = method(image, "getSpacing");
        origin = method(image, "getOrigin");
        direction = method(image, "getDirection");
        buffer = method(image, "getBufferAsByteBuffer");
        delete = method(image, "delete");
        count = method(classes.named("VectorUInt32"), "get", int.class);
        number = method(classes.named("VectorDouble"), "get", int.class);
        stringCount = method(strings, "size");
        string = method(strings, "get", int.class);
    }

    private static MethodHandle method(Class<?> type, String name, Class<?>... parameters)
            throws ReflectiveOperationException {
        return MethodHandles.publicLookup().unreflect(type.getMethod(name, parameters));
    }

    private record Classes(ClassLoader loader) {
        Class<?> named(String name) throws ClassNotFoundException {
            return Class.forName(PACKAGE + name, false, loader);
        }
    }

    /** Finds the native library beside the jar, where SimpleITK's archives have it. */
    private static final class JarLoader extends URLClassLoader {
        private final Path folder;

        JarLoader(URL jar, Path folder) {
            super("simpleitk", new URL[] {jar}, SimpleItkBinding.class.getClassLoader());
            this.folder = folder;
        }

        @Override
        protected @Nullable String findLibrary(String name) {
            for (String file : List.of(System.mapLibraryName(name), "lib" + name + ".jnilib")) {
                if (Files.isRegularFile(folder.resolve(file))) {
                    return folder.resolve(file).toString();
                }
            }
            return null;
        }
    }

    /**
     * Loads classes and native library.
     *
     * @param jar where they are; without one they are on the class path
     */
    static SimpleItkBinding load(Optional<Path> jar) throws MissingException {
        ClassLoader loader = jar.isPresent() ? loaderOf(jar.get()) : SimpleItkBinding.class.getClassLoader();
        Classes classes = new Classes(loader);
        String place = jar.map(Path::toString).orElse("class path");
        SimpleItkBinding binding;
        try {
            classes.named("SimpleITK");
        } catch (ClassNotFoundException | LinkageError e) {
            throw new MissingException(
                    jar.isPresent()
                            ? "SimpleITK's Java binding is not in " + place + ", which " + SimpleItk.JAR_PROPERTY
                                    + " names"
                            : "SimpleITK's Java binding is not here: name its jar by -D" + SimpleItk.JAR_PROPERTY
                                    + "=FILE, the native library " + System.mapLibraryName(LIBRARY) + " beside it",
                    e);
        }
        try {
            binding = new SimpleItkBinding(classes);
        } catch (ReflectiveOperationException | LinkageError e) {
            throw new MissingException(
                    "SimpleITK's Java binding in " + place + " is of another version than 2.1 and later: " + e, e);
        }
        try {
            // Its static initialiser loads the native library.
            Class.forName(PACKAGE + "SimpleITKJNI", true, loader);
        } catch (ClassNotFoundException | LinkageError e) {
            throw new MissingException(
                    "SimpleITK's jar is there (" + place + "), its native library is not or cannot be loaded: put "
                            + System.mapLibraryName(LIBRARY) + " of the same version "
                            + (jar.isPresent()
                                    ? "beside the jar"
                                    : "into a folder and name that by -Djava.library.path=FOLDER")
                            + " (" + e.getMessage() + ")",
                    e);
        }
        return binding;
    }

    private static ClassLoader loaderOf(Path jar) throws MissingException {
        if (!Files.isRegularFile(jar)) {
            throw new MissingException(
                    "SimpleITK's Java binding is not here: " + SimpleItk.JAR_PROPERTY + " names " + jar
                            + ", which is no file",
                    null);
        }
        try {
            Path file = jar.toAbsolutePath();
            Path folder = file.getParent();
            return new JarLoader(file.toUri().toURL(), folder == null ? file : folder);
        } catch (MalformedURLException e) {
            throw new UncheckedIOException(e);
        }
    }

    Object readImage(String file) throws CallException {
        return call(readImage, file);
    }

    List<String> seriesIds(String folder) throws CallException {
        Object ids = call(seriesIds, folder);
        int length = ((Number) call(stringCount, ids)).intValue();
        List<String> list = new ArrayList<>();
        for (int i = 0; i < length; i++) {
            list.add(call(string, ids, i).toString());
        }
        return list;
    }

    Object readSeries(String folder, String id) throws CallException {
        Object reader = call(newSeriesReader);
        invoke(setFileNames, reader, call(seriesFileNames, folder, id));
        return call(executeSeries, reader);
    }

    int dimensions(Object image) throws CallException {
        return ((Number) call(dimension, image)).intValue();
    }

    int components(Object image) throws CallException {
        return ((Number) call(components, image)).intValue();
    }

    /** Such as {@code sitkInt16}. */
    String pixelType(Object image) throws CallException {
        return call(pixelId, image).toString();
    }

    double[] size(Object image) throws CallException {
        return numbers(count, call(size, image), 3);
    }

    double[] spacing(Object image) throws CallException {
        return numbers(number, call(spacing, image), 3);
    }

    double[] origin(Object image) throws CallException {
        return numbers(number, call(origin, image), 3);
    }

    double[] direction(Object image) throws CallException {
        return numbers(number, call(direction, image), 9);
    }

    /** The image's own memory: of no use once the image is gone. */
    ByteBuffer buffer(Object image) throws CallException {
        return (ByteBuffer) call(buffer, image);
    }

    void delete(Object image) throws CallException {
        invoke(delete, image);
    }

    private static double[] numbers(MethodHandle get, Object vector, int count) throws CallException {
        double[] numbers = new double[count];
        for (int i = 0; i < count; i++) {
            numbers[i] = ((Number) call(get, vector, i)).doubleValue();
        }
        return numbers;
    }

    private static Object call(MethodHandle handle, Object... arguments) throws CallException {
        Object answer = invoke(handle, arguments);
        if (answer == null) {
            throw new CallException(new NullPointerException("SimpleITK answered nothing"));
        }
        return answer;
    }

    private static @Nullable Object invoke(MethodHandle handle, Object... arguments) throws CallException {
        try {
            return handle.invokeWithArguments(arguments);
        } catch (VirtualMachineError e) {
            throw e;
        } catch (Throwable e) {
            throw new CallException(e);
        }
    }
}
