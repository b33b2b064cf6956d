package io.fedlearn.luna16.dataset;

import io.fedlearn.luna16.dataset.DatasetException.Problem;
import java.io.IOException;
import java.nio.file.FileSystemLoopException;
import java.nio.file.FileVisitOption;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What lies where in a folder that people unpacked the challenge's archives into.
 *
 * @param headers scans in subsets, in the order of their paths
 * @param stray {@code .mhd} files elsewhere
 * @param lists files whose names end in {@code .csv}, those nearer to the folder first
 */
record DatasetFolder(List<Header> headers, List<Path> stray, List<Path> lists) {
    /** Archives unpacked each into a folder of its own, in a folder: {@code data/subset0/subset0}. */
    private static final int MAX_DEPTH = 4;

    private static final String HEADER = ".mhd";
    private static final Pattern SUBSET = Pattern.compile("subset[ _-]?(\\d{1,4})", Pattern.CASE_INSENSITIVE);
    private static final Comparator<Path> SHALLOW_FIRST =
            Comparator.comparingInt(Path::getNameCount).thenComparing(Path::toString);

    /** A scan that lies in a subset. */
    record Header(String seriesUid, int subset, Path file) {}

    static DatasetFolder scan(Path folder) {
        if (!Files.isDirectory(folder)) {
            throw DatasetException.of(
                    Problem.UNREADABLE, folder, Files.exists(folder) ? "is not a folder" : "there is no such folder");
        }
        List<Header> headers = new ArrayList<>();
        List<Path> stray = new ArrayList<>();
        List<Path> lists = new ArrayList<>();
        SimpleFileVisitor<Path> visitor = new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult preVisitDirectory(Path directory, BasicFileAttributes attributes) {
                String name = name(directory);
                // Lung masks are MetaImages of the same names; macOS leaves copies of all names in a folder of its own.
                boolean other = name.startsWith(".") || name.startsWith("seg-lungs") || name.equals("__macosx");
                return other && !directory.equals(folder) ? FileVisitResult.SKIP_SUBTREE : FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
                String name = name(file);
                if (name.startsWith(".")) {
                    return FileVisitResult.CONTINUE;
                }
                if (name.endsWith(".csv")) {
                    lists.add(file);
                } else if (name.endsWith(HEADER) && name.length() > HEADER.length()) {
                    OptionalInt subset = subset(folder, file);
                    if (subset.isPresent()) {
                        String own = file.getFileName().toString();
                        headers.add(
                                new Header(own.substring(0, own.length() - HEADER.length()), subset.getAsInt(), file));
                    } else {
                        stray.add(file);
                    }
                }
                return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult visitFileFailed(Path file, IOException e) throws IOException {
                if (e instanceof FileSystemLoopException) {
                    return FileVisitResult.CONTINUE;
                }
                throw e;
            }
        };
        try {
            Files.walkFileTree(folder, EnumSet.of(FileVisitOption.FOLLOW_LINKS), MAX_DEPTH, visitor);
        } catch (IOException e) {
            throw DatasetException.unreadable(folder, "cannot be read: " + e, e);
        }
        headers.sort(Comparator.comparing(Header::file, SHALLOW_FIRST));
        stray.sort(SHALLOW_FIRST);
        lists.sort(SHALLOW_FIRST);
        return new DatasetFolder(headers, stray, lists);
    }

    private static String name(Path path) {
        return String.valueOf(path.getFileName()).toLowerCase(Locale.ROOT);
    }

    /** The number in the innermost of the folders called subset. */
    private static OptionalInt subset(Path folder, Path file) {
        Path inner = folder.relativize(file).getParent();
        while (inner != null) {
            Matcher matcher = SUBSET.matcher(name(inner));
            if (matcher.matches()) {
                return OptionalInt.of(Integer.parseInt(matcher.group(1)));
            }
            inner = inner.getParent();
        }
        Matcher matcher = SUBSET.matcher(name(folder.toAbsolutePath().normalize()));
        return matcher.matches() ? OptionalInt.of(Integer.parseInt(matcher.group(1))) : OptionalInt.empty();
    }

    /** The list of that name that lies nearest to the folder. */
    Optional<Path> list(String name) {
        return lists.stream()
                .filter(list -> name(list).equals(name.toLowerCase(Locale.ROOT)))
                .findFirst();
    }
}
