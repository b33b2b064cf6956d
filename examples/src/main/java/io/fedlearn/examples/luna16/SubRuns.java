package io.fedlearn.examples.luna16;

import io.fedlearn.examples.run.InputException;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import picocli.CommandLine;

/**
 * Runs of {@code fedlearn luna16} one after the other, with some options in common, each in a folder of its own. A run that was
 * begun is gone on with, and one that is done is not repeated. All share scans and patches. Confined to one thread at a time.
 */
final class SubRuns {
    private static final Set<String> GENERATING = Set.of("--scans", "--background");
    private static final String OPTIONS = "options.txt";

    private final Path folder;
    private final Path data;
    private final List<String> given;
    private final List<String> common;
    private final PrintWriter out;

    private SubRuns(Path folder, Path data, List<String> given, List<String> common, PrintWriter out) {
        this.folder = folder;
        this.data = data;
        this.given = List.copyOf(given);
        this.common = List.copyOf(common);
        this.out = out;
    }

    /**
     * Runs in folders within this one, which remembers the options. Scans are generated once if there are none.
     *
     * @param common options of all runs, as on a command line
     * @throws InputException if the folder has runs of other options, or one of the options cannot be used
     */
    static SubRuns in(Path folder, List<String> common, PrintWriter out) throws IOException, InterruptedException {
        Path remembered = folder.resolve(OPTIONS);
        if (Files.exists(remembered) && !Files.readString(remembered).equals(text(common))) {
            throw new InputException(folder + " holds runs with other options, which are in " + remembered
                    + ": pass these, or another folder");
        }
        List<String> complete = new ArrayList<>(common);
        Luna16Command command = parsed(with(common, List.of("--out", folder.toString())), out);
        command.check();
        Path data = command.data().orElse(folder.resolve("data"));
        if (command.data().isEmpty()) {
            remember(folder, common);
            command.generate(data);
            complete = new ArrayList<>(without(complete, Set.of(), GENERATING));
            complete.addAll(List.of("--data", data.toString()));
        }
        if (!isGiven(common, "--cache")) {
            complete.addAll(List.of("--cache", folder.resolve("patches").toString()));
        }
        return new SubRuns(folder, data, common, complete, out);
    }

    private static String text(List<String> options) {
        return String.join("\n", options) + "\n";
    }

    /** Only when something is begun, so that what is refused leaves nothing. */
    private static void remember(Path folder, List<String> options) throws IOException {
        Files.createDirectories(folder);
        ScoreFile.writeWhole(folder.resolve(OPTIONS), text(options));
    }

    private static boolean isGiven(List<String> arguments, String option) {
        return arguments.stream().anyMatch(each -> each.equals(option) || each.startsWith(option + "="));
    }

    /** These options without some of them. */
    static List<String> without(List<String> arguments, Set<String> flags, Set<String> withValue) {
        List<String> left = new ArrayList<>();
        for (int i = 0; i < arguments.size(); i++) {
            String each = arguments.get(i);
            if (flags.contains(each)) {
                continue;
            }
            if (withValue.contains(each)) {
                i++;
            } else if (withValue.stream().noneMatch(option -> each.startsWith(option + "="))) {
                left.add(each);
            }
        }
        return left;
    }

    private static List<String> with(List<String> common, List<String> more) {
        // Of an option that is given twice the last one counts, and it must be the only one.
        Set<String> names = new LinkedHashSet<>();
        for (String each : more) {
            if (each.startsWith("--")) {
                names.add(each.contains("=") ? each.substring(0, each.indexOf('=')) : each);
            }
        }
        List<String> all = new ArrayList<>(without(common, Set.of(), names));
        all.addAll(more);
        return all;
    }

    /** The command that these options give. */
    static Luna16Command parsed(List<String> arguments, PrintWriter out) {
        Luna16Command command = new Luna16Command();
        CommandLine line = new CommandLine(command).setOut(out).setErr(out).setCaseInsensitiveEnumValuesAllowed(true);
        try {
            line.parseArgs(arguments.toArray(String[]::new));
        } catch (CommandLine.ParameterException e) {
            throw new InputException(e.getMessage() + " (luna16 " + String.join(" ", arguments) + ")", e);
        }
        return command;
    }

    /** The folder of the scans. */
    Path data() {
        return data;
    }

    /** The command line of a run. */
    List<String> arguments(String name, List<String> more) {
        List<String> arguments = new ArrayList<>(with(common, more));
        arguments.addAll(List.of("--out", folder.resolve(name).toString(), "--resume"));
        return arguments;
    }

    /** Makes sure that the options of a run can be used, before others are waited for. */
    void check(String name, List<String> more) {
        parsed(arguments(name, more), out).check();
    }

    /** The figures of a run that is done. */
    Optional<ScoreFile> done(String name) {
        return ScoreFile.read(folder.resolve(name));
    }

    /**
     * Does a run, or what is left of it, and gives its figures.
     *
     * @throws InputException if it has no test scans, and so no figures
     */
    ScoreFile run(String name, List<String> more) throws Exception {
        Optional<ScoreFile> before = done(name);
        if (before.isPresent()) {
            return before.get();
        }
        remember(folder, given);
        List<String> arguments = arguments(name, more);
        out.println("fedlearn luna16 " + String.join(" ", arguments));
        out.flush();
        parsed(arguments, out).call();
        return done(name)
                .orElseThrow(() -> new InputException("run " + folder.resolve(name) + " has no scan to test on"));
    }
}
