package io.fedlearn.luna16.image;

import io.fedlearn.luna16.image.VolumeException.Problem;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.ServiceConfigurationError;
import java.util.ServiceLoader;
import java.util.stream.Collectors;

/**
 * The readers of scans that are at hand, and the way to read a scan whatever its format:
 * {@code VolumeReaders.installed().read(path)}. Immutable and thread-safe.
 *
 * <p>The first reader that accepts a file reads it. Plug-ins come first, in the order of the class path, and may so take over
 * a format; then MetaImage and NIfTI-1; last, for what is left, SimpleITK, if its Java binding is there.
 */
public final class VolumeReaders {
    private final List<VolumeReader> readers;
    private final List<String> failures;

    private VolumeReaders(List<VolumeReader> readers, List<String> failures) {
        this.readers = List.copyOf(readers);
        this.failures = List.copyOf(failures);
    }

    /** The plug-ins that the thread's context class loader finds, and the readers of this module. */
    public static VolumeReaders installed() {
        List<VolumeReader> readers = new ArrayList<>();
        List<String> failures = new ArrayList<>();
        Iterator<VolumeReader> plugIns = ServiceLoader.load(VolumeReader.class).iterator();
        while (true) {
            // One plug-in that cannot be loaded must not take the others along.
            try {
                if (!plugIns.hasNext()) {
                    break;
                }
                readers.add(plugIns.next());
            } catch (ServiceConfigurationError | LinkageError e) {
                failures.add("a plug-in cannot be loaded: " + e.getMessage());
            }
        }
        readers.addAll(builtIn().readers);
        return new VolumeReaders(readers, failures);
    }

    /** The readers of this module alone. */
    public static VolumeReaders builtIn() {
        return of(List.of(new MetaImageVolumes(), new NiftiVolumes(), SimpleItk.installed()));
    }

    /** Some readers, asked in this order. */
    public static VolumeReaders of(List<VolumeReader> readers) {
        return new VolumeReaders(readers, List.of());
    }

    /** These readers and, ahead of them, another. */
    public VolumeReaders with(VolumeReader first) {
        List<VolumeReader> all = new ArrayList<>();
        all.add(first);
        all.addAll(readers);
        return new VolumeReaders(all, failures);
    }

    /** The readers, in the order in which they are asked. */
    public List<VolumeReader> readers() {
        return readers;
    }

    /** What kept plug-ins from being loaded, a sentence each. */
    public List<String> failures() {
        return failures;
    }

    /**
     * The reader of a name, whatever the case of its letters.
     *
     * @throws IllegalArgumentException if there is none
     */
    public VolumeReader named(String name) {
        return readers.stream()
                .filter(reader -> reader.name().equalsIgnoreCase(name))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("reader must be one of "
                        + readers.stream().map(VolumeReader::name).collect(Collectors.joining(", ")) + ", was '" + name
                        + "'"));
    }

    /**
     * The reader of a scan.
     *
     * @param path of a file or a folder
     * @throws VolumeException if there is nothing, or nothing that a reader takes; the message says what to add
     */
    public VolumeReader readerOf(Path path) {
        if (!Files.exists(path)) {
            throw new VolumeException(Problem.UNREADABLE, path, "there is no such file");
        }
        List<VolumeReader> lacking = new ArrayList<>();
        for (VolumeReader reader : readers) {
            if (takes(reader, path)) {
                if (reader.missing().isEmpty()) {
                    return reader;
                }
                lacking.add(reader);
            }
        }
        throw new VolumeException(Problem.NO_READER, path, lack(path, lacking));
    }

    /**
     * Reads a scan whole.
     *
     * @param path of a file or a folder
     * @throws VolumeException if no reader takes it, or the one that does cannot read it
     */
    public Volume read(Path path) {
        VolumeReader reader = readerOf(path);
        try {
            return reader.read(path);
        } catch (IOException e) {
            throw unreadable(path, e);
        }
    }

    private static boolean takes(VolumeReader reader, Path path) {
        try {
            return reader.accepts(path);
        } catch (IOException e) {
            throw unreadable(path, e);
        }
    }

    private static VolumeException unreadable(Path path, IOException e) {
        return new VolumeException(Problem.UNREADABLE, path, "cannot be read: " + e, e);
    }

    private String lack(Path path, List<VolumeReader> lacking) {
        if (!lacking.isEmpty()) {
            return lacking.stream()
                            .map(reader -> reader.name() + " would read it, but "
                                    + reader.missing().orElse(""))
                            .collect(Collectors.joining("; "))
                    + "; docs/luna16-readers.md has more";
        }
        String known = readers.stream()
                .map(reader -> reader.name() + " (" + reader.formats() + ")")
                .collect(Collectors.joining(", "));
        return (isDicom(path) ? "is DICOM, for which no reader is installed" : "no reader takes it") + "; there are "
                + known + "; docs/luna16-readers.md says how to add one";
    }

    private static boolean isDicom(Path path) {
        try {
            return DicomFiles.among(path);
        } catch (IOException e) {
            return false;
        }
    }
}
