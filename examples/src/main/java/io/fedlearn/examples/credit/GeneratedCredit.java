package io.fedlearn.examples.credit;

import io.fedlearn.core.random.SeededRandom;
import io.fedlearn.examples.run.InputException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;

/**
 * Invented customers in a file of the same shape as the real one. Whether somebody defaults follows a logistic model of what the file
 * says of them with noise on top, about one in five. The same seed gives the same file.
 */
final class GeneratedCredit {
    private static final int CUSTOMERS = 3_000;
    private static final int MONTHS = 6;
    private static final String HEADER = "ID,LIMIT_BAL,SEX,EDUCATION,MARRIAGE,AGE,PAY_0,PAY_2,PAY_3,PAY_4,PAY_5,PAY_6,"
            + "BILL_AMT1,BILL_AMT2,BILL_AMT3,BILL_AMT4,BILL_AMT5,BILL_AMT6,"
            + "PAY_AMT1,PAY_AMT2,PAY_AMT3,PAY_AMT4,PAY_AMT5,PAY_AMT6," + CreditTable.LABEL + "\n";

    private GeneratedCredit() {}

    /** Writes the file. */
    static void write(Path file, long seed) {
        SeededRandom random = SeededRandom.of(SeededRandom.derive(seed, "generated credit"));
        StringBuilder text = new StringBuilder(HEADER);
        for (int id = 1; id <= CUSTOMERS; id++) {
            text.append(customer(id, random)).append('\n');
        }
        try {
            Files.createDirectories(file.toAbsolutePath().getParent());
            Path aside = file.resolveSibling(file.getFileName() + ".tmp");
            Files.writeString(aside, text, StandardCharsets.US_ASCII);
            Files.move(aside, file, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            throw InputException.of("the generated customers cannot be written to " + file, e);
        }
    }

    private static String customer(int id, SeededRandom random) {
        double trouble = random.nextGaussian();
        long limit = 10_000 * Math.max(1, Math.min(80, Math.round(16 + 10 * random.nextGaussian() - 4 * trouble)));
        long age = Math.max(21, Math.min(75, Math.round(35 + 9 * random.nextGaussian())));
        List<Long> delays = new ArrayList<>();
        List<Long> bills = new ArrayList<>();
        List<Long> payments = new ArrayList<>();
        double used = Math.max(0, Math.min(1, 0.4 + 0.2 * trouble + 0.2 * random.nextGaussian()));
        for (int month = 0; month < MONTHS; month++) {
            double lateness = 1.3 * trouble + random.nextGaussian() - 1.1;
            delays.add(Math.max(-2, Math.min(8, Math.round(lateness))));
            long bill = Math.round(limit * Math.max(0, used + 0.05 * random.nextGaussian()));
            bills.add(bill);
            payments.add(Math.round(bill * Math.max(0, 0.1 - 0.03 * trouble + 0.03 * random.nextGaussian())));
        }
        double risk =
                0.9 * delays.get(0) + 0.3 * delays.get(1) + 0.2 * delays.get(2) - limit / 250_000.0 + 0.8 * used - 0.9;
        boolean defaults = random.nextDouble() < 1 / (1 + StrictMath.exp(-risk));
        List<Object> fields = new ArrayList<>();
        fields.add(id);
        fields.add(limit);
        fields.add(random.nextDouble() < 0.4 ? 1 : 2);
        fields.add(random.nextInt(4) + 1);
        fields.add(random.nextInt(3) + 1);
        fields.add(age);
        fields.addAll(delays);
        fields.addAll(bills);
        fields.addAll(payments);
        fields.add(defaults ? 1 : 0);
        return String.join(",", fields.stream().map(Object::toString).toList());
    }
}
