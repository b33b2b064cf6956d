package io.fedlearn.examples.credit;

import io.fedlearn.core.partition.Partition;
import io.fedlearn.core.partition.Partitioner;
import io.fedlearn.core.training.ExampleSource;
import io.fedlearn.core.training.InMemoryExamples;
import io.fedlearn.examples.postgres.Databases;
import io.fedlearn.examples.report.Grid;
import io.fedlearn.examples.run.FileDigest;
import io.fedlearn.examples.run.InputException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * What the banks have.
 *
 * @param banks in the order of their names
 * @param digest of their tables together
 */
record CreditData(List<Bank> banks, String digest) implements AutoCloseable {
    /** The banks' names, which are also names of databases. */
    static List<String> names(int count) {
        return IntStream.rangeClosed(1, count)
                .mapToObj(number -> "bank_" + number)
                .toList();
    }

    /**
     * Distributes customers over the banks' databases, in place of what is there.
     *
     * @throws InputException if that many banks cannot be given enough of them
     */
    static void load(Databases databases, InMemoryExamples customers, List<String> banks, Partitioner skew, long seed) {
        Partition parts;
        try {
            parts = skew.partition(customers.classes(), banks.size(), seed);
        } catch (IllegalArgumentException e) {
            throw new InputException(
                    "the customers cannot be distributed over " + banks.size() + " banks: " + e.getMessage(), e);
        }
        for (int i = 0; i < banks.size(); i++) {
            CreditTable.CUSTOMERS.load(databases.site(banks.get(i)), customers.subset(parts.examples(i)));
        }
    }

    /** Reads the customers of all banks. */
    static CreditData read(Databases databases, List<String> names, long seed) throws InterruptedException {
        List<Bank> banks = new ArrayList<>();
        for (String name : names) {
            banks.add(Bank.open(databases.site(name), seed));
        }
        return new CreditData(
                List.copyOf(banks),
                FileDigest.ofDigests(banks.stream()
                        .map(bank -> bank.customers().snapshotDigest())
                        .toList()));
    }

    /** The test customers of each bank. */
    Map<String, ExampleSource> tests() {
        Map<String, ExampleSource> tests = new LinkedHashMap<>();
        banks.forEach(bank -> tests.put(bank.name(), bank.test()));
        return tests;
    }

    /** How many customers each bank trains and tests with, which the coordinator learns too. */
    Grid grid() {
        Grid grid = Grid.of("bank", "customers", "training", "test", "missing values");
        for (Bank bank : banks) {
            grid = grid.with(
                    bank.name(),
                    Long.toString(bank.customers().exampleCount()),
                    Long.toString(bank.training().exampleCount()),
                    Long.toString(bank.test().exampleCount()),
                    Long.toString(bank.customers().report().missing().values().stream()
                            .mapToLong(Number::longValue)
                            .sum()));
        }
        return grid;
    }

    @Override
    public void close() {
        banks.forEach(bank -> bank.customers().close());
    }
}
