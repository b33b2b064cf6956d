package io.fedlearn.examples.network;

import io.fedlearn.core.random.SeededRandom;
import io.fedlearn.examples.run.InputException;
import java.io.IOException;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.apache.commons.csv.CSVFormat;
import org.apache.commons.csv.CSVPrinter;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code fedlearn trial-data}: CSVs of banks that nobody has, to try the network on. */
@Command(
        name = "trial-data",
        sortOptions = false,
        description = {
            "Makes a CSV for each of some banks that do not exist: who of their customers took an offer.",
            "",
            "The columns are age, balance, calls, contact (mail, none or phone) and subscribed (0 or 1). Banks differ in how"
                    + " old and how rich their customers are; the rule by which these decide is the same.",
            ""
        },
        footerHeading = "%nExample:%n",
        footer = {"  fedlearn trial-data --out trial --sites 3", ""},
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            "0:Done.",
            "1:It failed; one line says why, --stacktrace shows where.",
            "2:An option, a file or a folder cannot be used as it is."
        })
public final class TrialDataCommand implements Callable<Integer> {
    private static final List<String> CONTACTS = List.of("mail", "none", "phone");
    private static final int MOST_SITES = 1000;
    private static final int MOST_ROWS = 10_000_000;

    @Spec
    private CommandSpec spec;

    @Option(names = "--out", paramLabel = "DIR", description = "Where the files go (default: ${DEFAULT-VALUE}).")
    private Path out = Path.of("trial");

    @Option(names = "--sites", paramLabel = "N", description = "How many banks (default: ${DEFAULT-VALUE}).")
    private int sites = 2;

    @Option(names = "--rows", paramLabel = "N", description = "Customers of each (default: ${DEFAULT-VALUE}).")
    private int rows = 400;

    @Option(names = "--seed", paramLabel = "S", description = "Where chance starts (default: ${DEFAULT-VALUE}).")
    private long seed;

    TrialDataCommand() {}

    @Override
    public Integer call() {
        if (sites < 1 || sites > MOST_SITES) {
            throw new InputException("--sites must be from 1 to " + MOST_SITES + ", was " + sites);
        }
        if (rows < 1 || rows > MOST_ROWS) {
            throw new InputException("--rows must be from 1 to " + MOST_ROWS + ", was " + rows);
        }
        for (int site = 1; site <= sites; site++) {
            Path file = out.resolve("bank-" + site + ".csv");
            try {
                Files.createDirectories(out);
                write(file, site);
            } catch (IOException e) {
                throw InputException.of(file + " cannot be written", e);
            }
            spec.commandLine().getOut().println(file + ": " + rows + " customers");
        }
        spec.commandLine().getOut().flush();
        return 0;
    }

    private void write(Path file, int site) throws IOException {
        SeededRandom random = SeededRandom.of(SeededRandom.derive(seed, site));
        double meanAge = 35 + 5.0 * (site % 4);
        double meanBalance = 1000 + 400.0 * (site % 3);
        CSVFormat format = CSVFormat.Builder.create()
                .setHeader("age", "balance", "calls", "contact", "subscribed")
                .setRecordSeparator('\n')
                .get();
        try (Writer writer = Files.newBufferedWriter(file, StandardCharsets.UTF_8);
                CSVPrinter csv = new CSVPrinter(writer, format)) {
            for (int row = 0; row < rows; row++) {
                long age = Math.round(Math.max(18, meanAge + 11 * random.nextGaussian()));
                double balance = meanBalance + 700 * random.nextGaussian();
                int calls = random.nextInt(8);
                int contact = random.nextInt(CONTACTS.size());
                double inclination = 0.05 * (age - 42) + balance / 900 - 1.4 + 0.9 * (contact - 1) - 0.15 * (calls - 3);
                boolean subscribed = random.nextDouble() < 1 / (1 + StrictMath.exp(-inclination));
                csv.printRecord(
                        age,
                        String.format(Locale.ROOT, "%.2f", balance),
                        calls,
                        CONTACTS.get(contact),
                        subscribed ? 1 : 0);
            }
        }
    }
}
