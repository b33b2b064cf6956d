package io.fedlearn.examples.luna16;

import io.fedlearn.examples.run.InputException;
import io.fedlearn.luna16.dataset.Luna16Dataset;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code fedlearn luna16-ablation}: what each part of the training recipe is worth, one changed at a time. */
@Command(
        name = "luna16-ablation",
        sortOptions = false,
        abbreviateSynopsis = true,
        description = {
            "What each part of luna16's training recipe is worth: runs luna16 again and again, with one option changed at a"
                    + " time and with several seeds, and writes a table of AUC and CPM on all candidates of the test"
                    + " scans.",
            "",
            "What comes after -- is for all runs: any option of luna16. A seed decides the first weights, the order of"
                    + " patches and which scans are tested on; all rows have the same seeds, so differences are taken"
                    + " seed by seed. Killed, the same line goes on where it was.",
            ""
        },
        footerHeading = "%nRows:%n",
        footer = {
            "  baseline           as luna16 trains without options; also scored by eight mirror images (row flips)",
            "  no-augmentation, flips-only, turns",
            "                     less variation of patches than the full one",
            "  negatives-3        three other patches to each nodule in place of one",
            "  negatives-3-prior  ... and the last bias at the prior",
            "  half-fixed         half the other patches of each scan, each pass the same, two passes a round",
            "  half-redrawn       half the other patches of each hospital, drawn anew for each pass, two passes a round",
            "  hard-negatives     from the middle on",
            "  cosine, step       learning-rate schedules; step: to a tenth after two thirds",
            "  dropout            half of the last layer's inputs",
            "  batch-norm         batch normalisation, whose statistics the server averages",
            "",
            "Files in the folder:",
            "  ablation.md        the table, after each run anew",
            "  ablation.csv       a line for each run",
            "  ROW-SEED/          each run, as luna16 leaves it",
            "",
            "Examples:",
            "  fedlearn luna16-ablation --out runs/ablation -- --scans 40 --rounds 10",
            "  fedlearn luna16-ablation --rows baseline,cosine --seeds 1,2,3 -- --background chest.mhd --scans 60",
            "  fedlearn luna16-ablation --row \"fast=--learning-rate 0.05\" --rows baseline,fast -- --data LUNA16",
            ""
        })
public final class Luna16AblationCommand implements Callable<Integer> {
    private static final String BASELINE = "baseline";

    @Spec
    private CommandSpec spec;

    @Option(names = "--out", paramLabel = "DIR", description = "The folder (default: ${DEFAULT-VALUE}).")
    private Path folder = Path.of("runs", "luna16-ablation");

    @Option(
            names = "--seeds",
            paramLabel = "S,S",
            split = ",",
            description = "The seeds of each row (default: ${DEFAULT-VALUE}).")
    private List<Long> seeds = List.of(1L, 2L, 3L);

    @Option(
            names = "--rows",
            paramLabel = "ROW,ROW",
            split = ",",
            description = "Which rows (default: all). What differs is taken from the first.")
    private List<String> wanted = List.of();

    @Option(
            names = "--row",
            paramLabel = "NAME=OPTIONS",
            description = "A row of your own: options of luna16, separated by spaces. May be given several times.")
    private List<String> own = List.of();

    @Parameters(paramLabel = "OPTION", description = "Options of luna16 for all runs, after --.")
    private List<String> common = List.of();

    Luna16AblationCommand() {}

    @Override
    public Integer call() throws Exception {
        PrintWriter out = spec.commandLine().getOut();
        for (String option : List.of("--out", "--resume", "--seed", "--cross-validate", "--compare")) {
            if (common.stream().anyMatch(each -> each.equals(option) || each.startsWith(option + "="))) {
                throw new InputException(option + " is not for all runs of an ablation");
            }
        }
        SubRuns runs = SubRuns.in(folder, common, out);
        Map<String, List<String>> rows = chosen(SubRuns.parsed(common, out), negatives(runs.data()));
        for (Map.Entry<String, List<String>> row : rows.entrySet()) {
            runs.check(name(row.getKey(), seeds.get(0)), options(row, seeds.get(0)));
        }
        AblationTable table = new AblationTable(rows, seeds);
        int count = 0;
        // Seed by seed, so that there is a whole table early.
        for (long seed : seeds) {
            for (Map.Entry<String, List<String>> row : rows.entrySet()) {
                count++;
                String name = name(row.getKey(), seed);
                out.println();
                out.println("Run " + count + " of " + rows.size() * seeds.size() + ": " + name
                        + (runs.done(name).isPresent() ? ", done before" : ""));
                table.add(row.getKey(), seed, runs.run(name, options(row, seed)));
                table.write(folder);
            }
        }
        out.println();
        table.toLines().forEach(out::println);
        out.println();
        out.println("Table: " + folder.resolve(AblationTable.MARKDOWN) + ", " + folder.resolve(AblationTable.CSV));
        out.flush();
        return 0;
    }

    private static String name(String row, long seed) {
        return row + "-" + seed;
    }

    private static List<String> options(Map.Entry<String, List<String>> row, long seed) {
        List<String> options = new ArrayList<>(row.getValue());
        options.addAll(List.of("--seed", Long.toString(seed)));
        return options;
    }

    private Map<String, List<String>> chosen(Luna16Command given, double negatives) {
        Map<String, List<String>> all = known(given, negatives);
        for (String text : own) {
            int at = text.indexOf('=');
            String name = at < 0 ? "" : text.substring(0, at);
            if (!name.matches("[a-z0-9][a-z0-9-]*")) {
                throw new InputException("--row must be NAME=OPTIONS, with a name of small letters, digits and hyphens,"
                        + " was '" + text + "'");
            }
            List<String> options = Arrays.stream(text.substring(at + 1).split(" "))
                    .filter(option -> !option.isEmpty())
                    .toList();
            all.put(name, options);
        }
        if (seeds.isEmpty() || seeds.stream().distinct().count() < seeds.size()) {
            throw new InputException("--seeds must be one or more different numbers, were " + seeds);
        }
        if (wanted.isEmpty()) {
            return all;
        }
        Map<String, List<String>> some = new LinkedHashMap<>();
        for (String name : wanted) {
            some.put(
                    name,
                    Optional.ofNullable(all.get(name))
                            .orElseThrow(() -> new InputException("--rows knows no row '" + name + "', only "
                                    + all.keySet().stream().collect(Collectors.joining(", ")))));
        }
        return some;
    }

    /** How many candidates of a scan are no nodules, on average. */
    private static double negatives(Path data) {
        return Luna16Dataset.open(data).scans().stream()
                .mapToLong(scan -> scan.candidates().stream()
                        .filter(candidate -> !candidate.isNodule())
                        .count())
                .average()
                .orElse(0);
    }

    /** One factor at a time. */
    private static Map<String, List<String>> known(Luna16Command given, double negatives) {
        int rounds = given.rounds();
        double used = Math.min(given.negativesPerScan(), negatives);
        String half = Integer.toString((int) Math.max(1, Math.round(used / 2)));
        String twice = Integer.toString(2 * given.localEpochs());
        Map<String, List<String>> rows = new LinkedHashMap<>();
        rows.put(BASELINE, List.of("--flips"));
        rows.put("no-augmentation", List.of("--augmentation", "none"));
        rows.put("flips-only", List.of("--augmentation", "flips"));
        rows.put("turns", List.of("--augmentation", "turns"));
        rows.put("negatives-3", List.of("--negatives-per-positive", "3"));
        rows.put("negatives-3-prior", List.of("--negatives-per-positive", "3", "--prior", "auto"));
        rows.put("half-fixed", List.of("--negatives-per-scan", half, "--local-epochs", twice));
        rows.put("half-redrawn", List.of("--negative-share", "0.5", "--local-epochs", twice));
        rows.put("hard-negatives", List.of("--hard-negatives", Integer.toString(rounds / 2 + 1)));
        rows.put("cosine", List.of("--learning-rate-schedule", "cosine"));
        rows.put("step", List.of("--learning-rate-schedule", "step:" + Math.max(1, rounds * 2 / 3)));
        rows.put("dropout", List.of("--dropout", "0.5"));
        rows.put("batch-norm", List.of("--normalization", "batch"));
        return rows;
    }
}
