package io.fedlearn.luna16.image;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Stream;

/** Tells DICOM from other files; reads none of it. */
final class DicomFiles {
    private static final byte[] MARK = {'D', 'I', 'C', 'M'};
    /** How many bytes of anything come before that mark. */
    private static final int PREAMBLE = 128;
    /** How many files of a folder are looked at: a series may come with a few others. */
    private static final int LOOKED_AT = 16;

    private DicomFiles() {}

    /** Whether a file is DICOM, or a folder has such files. */
    static boolean among(Path path) throws IOException {
        if (!Files.isDirectory(path)) {
            return is(path);
        }
        try (Stream<Path> files = Files.list(path)) {
            return files.filter(Files::isRegularFile).limit(LOOKED_AT).anyMatch(file -> {
                try {
                    return is(file);
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            });
        } catch (UncheckedIOException e) {
            throw e.getCause();
        }
    }

    /** By the mark that DICOM files have, or by the name that many have. */
    private static boolean is(Path file) throws IOException {
        if (file.toString().toLowerCase(Locale.ROOT).endsWith(".dcm")) {
            return true;
        }
        byte[] first = FirstBytes.of(file, PREAMBLE + MARK.length);
        return first.length == PREAMBLE + MARK.length
                && Arrays.equals(first, PREAMBLE, first.length, MARK, 0, MARK.length);
    }
}
