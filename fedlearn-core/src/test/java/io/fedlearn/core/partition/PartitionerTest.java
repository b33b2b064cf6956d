package io.fedlearn.core.partition;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SortedMap;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class PartitionerTest {
    /** Twelve examples of the classes 0, 1, 2, 0, 1, 2 and so on. */
    private static final int[] TWELVE = classes(12, 3);

    private static int[] classes(int examples, int classes) {
        return IntStream.range(0, examples).map(example -> example % classes).toArray();
    }

    private static List<List<Integer>> parts(Partition partition) {
        return IntStream.range(0, partition.clientCount())
                .mapToObj(client ->
                        Arrays.stream(partition.examples(client)).boxed().toList())
                .toList();
    }

    // The golden values come from a Python program that repeats generator and rules from their definitions.

    @Test
    void iidGivesItsGoldenParts() {
        Partition partition = Partitioner.iid().partition(new int[10], 3, 2024);

        assertThat(parts(partition)).containsExactly(List.of(1, 4, 6), List.of(2, 5, 9), List.of(0, 3, 7, 8));
    }

    @Test
    void shardsGiveTheirGoldenParts() {
        Partition partition = Partitioner.shards(2).partition(TWELVE, 3, 2024);

        assertThat(parts(partition)).containsExactly(List.of(1, 4, 6, 9), List.of(0, 3, 8, 11), List.of(2, 5, 7, 10));
    }

    @Test
    void dirichletGivesItsGoldenPartsAfterThreeDrawsWithoutTheMinimum() {
        Partition partition = Partitioner.dirichlet(0.5, 2).partition(TWELVE, 3, 2024);

        assertThat(parts(partition)).containsExactly(List.of(3, 5, 8), List.of(0, 1, 2, 4, 6, 10, 11), List.of(7, 9));
    }

    @Test
    void quantitySkewGivesItsGoldenPartsAfterTwoDrawsWithoutTheMinimum() {
        Partition partition = Partitioner.quantity(0.5).partition(TWELVE, 3, 2024);

        assertThat(parts(partition)).containsExactly(List.of(0, 1, 3, 4, 8, 9, 11), List.of(2, 10), List.of(5, 6, 7));
    }

    @ParameterizedTest
    @ValueSource(strings = {"iid", "shards:3", "dirichlet:0.3", "dirichlet:50:20", "quantity:0.7", "quantity:0.7:5"})
    void givesEveryExampleToOneClientAndRepeatsForASeed(String text) {
        Partitioner partitioner = Partitioner.parse(text);
        int[] classes = classes(1000, 7);

        Partition partition = partitioner.partition(classes, 9, 1);

        assertThat(parts(partition).stream().flatMap(List::stream).sorted().toList())
                .isEqualTo(IntStream.range(0, 1000).boxed().toList());
        assertThat(partitioner.partition(classes, 9, 1)).isEqualTo(partition);
        assertThat(partitioner.partition(classes, 9, 2)).isNotEqualTo(partition);
        assertThat(classes).isEqualTo(classes(1000, 7));
    }

    @ParameterizedTest
    @ValueSource(strings = {"iid", "shards:1", "dirichlet:0.3", "quantity:0.7"})
    void givesTheOneClientEverything(String text) {
        Partition partition = Partitioner.parse(text).partition(TWELVE, 1, 5);

        assertThat(partition.sizes()).containsExactly(12);
    }

    @ParameterizedTest
    @ValueSource(strings = {"iid", "shards:1", "dirichlet:1e4", "quantity:1e4"})
    void servesAsManyClientsAsThereAreExamples(String text) {
        Partition partition = Partitioner.parse(text).partition(new int[4], 4, 5);

        assertThat(partition.sizes()).containsExactly(1, 1, 1, 1);
    }

    @Test
    void iidSizesDifferByAtMostOne() {
        assertThat(Partitioner.iid().partition(new int[103], 10, 3).sizes()).containsOnly(10, 11);
    }

    @Test
    void shardsGiveAClientAsManyClassesAsShardsWhenClassesFillThem() {
        // 10 classes of 20 examples in 20 shards of 10: each shard holds one class.
        int[] classes = classes(200, 10);

        Partition partition = Partitioner.shards(2).partition(classes, 10, 8);

        assertThat(partition.sizes()).containsOnly(20);
        for (SortedMap<Integer, Integer> counts : partition.classCounts(classes)) {
            assertThat(counts.values().stream().filter(count -> count > 0).toList())
                    .isSubsetOf(10, 20)
                    .hasSizeBetween(1, 2);
        }
    }

    @Test
    void shardSizesDifferByAtMostOneWhenTheyDoNotDivideTheExamples() {
        // 23 examples in 6 shards of 3 or 4.
        assertThat(Partitioner.shards(2).partition(classes(23, 4), 3, 1).sizes())
                .allSatisfy(size -> assertThat(size).isBetween(6, 8));
    }

    @Test
    void largeAlphaGivesEachClientEachClassInNearlyEqualShares() {
        int[] classes = classes(10_000, 5);

        Partition partition = Partitioner.dirichlet(1e6).partition(classes, 4, 1);

        // A share's standard deviation is sqrt(0.25 * 0.75 / 4e6) = 2.2e-4, 0.43 of 2000 examples: 10 are over 20 of
        // them.
        for (SortedMap<Integer, Integer> counts : partition.classCounts(classes)) {
            assertThat(counts.values())
                    .hasSize(5)
                    .allSatisfy(count -> assertThat(count).isBetween(490, 510));
        }
    }

    @Test
    void smallAlphaGivesEachClassToFewClients() {
        int[] classes = classes(1000, 10);

        Partition partition = Partitioner.dirichlet(1e-5, 0).partition(classes, 10, 1);

        // The largest of ten shares is below 0.99 with probability 9 * 1e-5 * ln(100) = 4e-4, so three such classes
        // have one of 1e-8.
        long concentrated = IntStream.range(0, 10)
                .filter(wanted -> partition.classCounts(classes).stream()
                        .anyMatch(counts -> counts.getOrDefault(wanted, 0) >= 99))
                .count();
        assertThat(concentrated).isGreaterThanOrEqualTo(8);
    }

    @Test
    void givesNothingToALastClientWithoutAShareThoughTheSharesSumToLessThanOne() {
        double[] shares = new double[11];
        Arrays.fill(shares, 0, 10, 0.1);
        assertThat(Arrays.stream(shares).reduce(0, Double::sum)).isLessThan(1);

        assertThat(Parts.ends(shares, 10)).containsExactly(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 10);
    }

    @ParameterizedTest
    @ValueSource(strings = {"dirichlet:0.4:25", "quantity:0.8:25"})
    void redrawsUntilEveryClientHasTheMinimum(String text) {
        assertThat(Partitioner.parse(text).partition(classes(1000, 10), 10, 3).sizes())
                .allSatisfy(size -> assertThat(size).isGreaterThanOrEqualTo(25));
    }

    @Test
    void refusesAMinimumThatNoDrawReaches() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Partitioner.dirichlet(0.001, 10).partition(classes(1000, 2), 20, 3))
                .withMessage(
                        "no client with fewer than 10 examples was not reached in 1000 draws with alpha 0.001 and 20"
                                + " clients: use a larger alpha, fewer clients or a smaller minimum");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "iid            | 13 | clients must be <= 12 for 12 examples, was 13",
                "shards:3       |  5 | clients must be <= 4 for 12 examples in 3 shards per client, was 5",
                "dirichlet:1:3  |  5 | clients must be <= 4 for 12 examples and a minimum of 3, was 5",
                "dirichlet:1:0  | 13 | clients must be <= 12 for 12 examples and a minimum of 0, was 13",
                "quantity:1     | 13 | clients must be <= 12 for 12 examples and a minimum of 1, was 13",
                "quantity:1     |  0 | clients must be >= 1, was 0",
                "iid            | -1 | clients must be >= 1, was -1"
            })
    void refusesANumberOfClientsThatTheExamplesDoNotServe(String text, int clients, String message) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Partitioner.parse(text).partition(TWELVE, clients, 1))
                .withMessage(message);
    }

    @ParameterizedTest
    @CsvSource({
        "iid, iid",
        "' IID ', iid",
        "shards, shards:2",
        "shards:5, shards:5",
        "dirichlet:0.5, dirichlet:0.5",
        "Dirichlet:1e-2, dirichlet:0.01",
        "dirichlet:0.5:10, dirichlet:0.5:10",
        "dirichlet:0.5:0, dirichlet:0.5:0",
        "quantity:2, quantity:2.0",
        "quantity:2:7, quantity:2.0:7"
    })
    void readsTextsAndTurnsIntoThem(String text, String canonical) {
        Partitioner partitioner = Partitioner.parse(text);

        assertThat(partitioner).hasToString(canonical).isEqualTo(Partitioner.parse(canonical));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "''              | there is no partition of that name",
                "random          | there is no partition of that name",
                "iid:2           | 'iid' takes at most 0 settings",
                "shards:0        | '0' must be >= 1",
                "shards:two      | 'two' is not a whole number",
                "shards:         | '' is not a whole number",
                "shards:2:3      | 'shards' takes at most 1 settings",
                "dirichlet       | 'dirichlet' needs its concentration, such as dirichlet:0.5 (the smaller, the more"
                        + " uneven)",
                "dirichlet:half  | 'half' is not a number",
                "dirichlet:0     | the concentration must be > 0 and finite, was 0.0",
                "dirichlet:nan   | 'nan' is not a number",
                "dirichlet:1e999 | the concentration must be > 0 and finite, was Infinity",
                "dirichlet:1:-1  | '-1' must be >= 0",
                "quantity        | 'quantity' needs its concentration, such as quantity:0.5 (the smaller, the more"
                        + " uneven)",
                "quantity:-1     | the concentration must be > 0 and finite, was -1.0",
                "quantity:1:2:3  | 'quantity' takes at most 2 settings"
            })
    void refusesATextWithWhatWouldBeRight(String text, String why) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Partitioner.parse(text))
                .withMessage("partition must be one of iid, shards[:PER_CLIENT], dirichlet:ALPHA[:MINIMUM],"
                        + " quantity:BETA[:MINIMUM], was '" + text + "': " + why);
    }

    @Test
    void refusesSettingsOutOfRange() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Partitioner.shards(0))
                .withMessage("shardsPerClient must be >= 1, was 0");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Partitioner.dirichlet(Double.NaN))
                .withMessage("alpha must be >= 1.0E-300 and finite, was NaN");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Partitioner.quantity(0))
                .withMessage("beta must be >= 1.0E-300 and finite, was 0.0");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Partitioner.quantity(1, -1))
                .withMessage("minimumExamples must be >= 0, was -1");
    }

    @Test
    void partitionsByAnyIntegersAsClasses() {
        int[] classes = {Integer.MIN_VALUE, 7, Integer.MAX_VALUE, 7, -1, Integer.MIN_VALUE};
        List<Integer> sizes = new ArrayList<>();

        for (String text : List.of("shards:1", "dirichlet:100:1")) {
            sizes.addAll(Partitioner.parse(text).partition(classes, 2, 1).sizes());
        }

        assertThat(sizes.stream().mapToInt(Integer::intValue).sum()).isEqualTo(12);
    }
}
