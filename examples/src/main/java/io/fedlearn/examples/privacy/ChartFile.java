package io.fedlearn.examples.privacy;

import io.fedlearn.examples.report.LineChart;
import io.fedlearn.examples.run.InputException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Locale;

/** A chart as a file, SVG or PNG by the name's end. */
final class ChartFile {
    private ChartFile() {}

    /** Finds out whether the files can be written, before anything is computed. */
    static void check(List<Path> files) {
        for (Path file : files) {
            String name = file.toString().toLowerCase(Locale.ROOT);
            if (!name.endsWith(".svg") && !name.endsWith(".png")) {
                throw new InputException("--out must end in .svg or .png, was " + file);
            }
            if (Files.isDirectory(file)) {
                throw new InputException("--out " + file + " is a folder");
            }
            if (!Files.isDirectory(folder(file)) || !Files.isWritable(folder(file))) {
                throw new InputException("--out " + file + " cannot be written: " + folder(file)
                        + " is no folder that can be" + " written");
            }
        }
    }

    private static Path folder(Path file) {
        Path absolute = file.toAbsolutePath();
        Path parent = absolute.getParent();
        return parent == null ? absolute : parent;
    }

    /** Replaces each file as a whole. */
    static void write(List<Path> files, LineChart chart) {
        for (Path file : files) {
            boolean isPng = file.toString().toLowerCase(Locale.ROOT).endsWith(".png");
            byte[] bytes = isPng ? chart.toPng() : chart.toSvgFile().getBytes(StandardCharsets.UTF_8);
            try {
                Path started = Files.createTempFile(folder(file), ".chart", ".tmp");
                try {
                    Files.write(started, bytes);
                    Files.move(started, file, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
                } finally {
                    Files.deleteIfExists(started);
                }
            } catch (IOException e) {
                throw InputException.of("--out " + file + " cannot be written", e);
            }
        }
    }
}
