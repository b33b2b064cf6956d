package io.fedlearn.core.partition;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

class PartitionTest {
    @Test
    void sortsTheExamplesOfAClientAndCopiesThem() {
        int[] given = {3, 0};
        Partition partition = Partition.of(4, List.of(given, new int[] {1, 2}));

        given[0] = 1;
        partition.examples(0)[0] = 9;

        assertThat(partition.examples(0)).containsExactly(0, 3);
        assertThat(partition.sizes()).containsExactly(2, 2);
        assertThat(partition.size(1)).isEqualTo(2);
        assertThat(partition.clientCount()).isEqualTo(2);
        assertThat(partition.exampleCount()).isEqualTo(4);
        assertThat(partition).hasToString("4 examples with 2 clients");
    }

    @Test
    void namesClientsSoThatTheySortInOrder() {
        Partition partition = Partition.of(0, Collections.nCopies(10, new int[0]));

        assertThat(partition.names())
                .isSorted()
                .startsWith("client-01", "client-02")
                .endsWith("client-10");
    }

    @Test
    void refusesPartsThatAreNotAPartition() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Partition.of(0, List.of()))
                .withMessage("a partition must have at least one client");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Partition.of(3, List.of(new int[] {0, 1}, new int[] {1, 2})))
                .withMessage("example 1 is in the parts twice");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Partition.of(3, List.of(new int[] {0, 0, 1, 2})))
                .withMessage("example 0 is in the parts twice");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Partition.of(3, List.of(new int[] {0}, new int[] {2})))
                .withMessage("example 1 of 3 is in no part");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Partition.of(3, List.of(new int[] {0, 1, 3})))
                .withMessage("examples must be in [0, 3), one of a part was 3");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Partition.of(3, List.of(new int[] {0, 1, -1})))
                .withMessage("examples must be in [0, 3), one of a part was -1");
    }

    @Test
    void makesEachNaturalKeyAClientInTheOrderOfKeys() {
        Partition partition = Partition.byKey(List.of("ward-b", "ward-a", "Ward-c", "ward-b"));

        assertThat(partition.names()).containsExactly("Ward-c", "ward-a", "ward-b");
        assertThat(partition.examples(0)).containsExactly(2);
        assertThat(partition.examples(1)).containsExactly(1);
        assertThat(partition.examples(2)).containsExactly(0, 3);
    }

    @Test
    void refusesNaturalKeysThatAreMissing() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Partition.byKey(List.of("a", "")))
                .withMessage("keys must not be empty");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Partition.byKey(List.of()))
                .withMessage("a partition must have at least one client");
    }

    @Test
    void countsEveryClassOfEveryClient() {
        int[] classes = {2, 0, 2, 5, 2};
        Partition partition = Partition.of(5, List.of(new int[] {0, 2, 3}, new int[] {1, 4}, new int[0]));

        assertThat(partition.classCounts(classes))
                .containsExactly(
                        new TreeMap<>(Map.of(0, 0, 2, 2, 5, 1)),
                        new TreeMap<>(Map.of(0, 1, 2, 1, 5, 0)),
                        new TreeMap<>(Map.of(0, 0, 2, 0, 5, 0)));
    }

    @Test
    void refusesToCountTheClassesOfAnotherDataSet() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Partition.of(1, List.of(new int[] {0})).classCounts(new int[2]))
                .withMessage("classes must be of 1 examples, were of 2");
    }

    @Test
    void equalsByNamesAndParts() {
        Partition partition = Partition.of(2, List.of(new int[] {0}, new int[] {1}));

        assertThat(partition)
                .isEqualTo(Partition.of(2, List.of(new int[] {0}, new int[] {1})))
                .hasSameHashCodeAs(Partition.of(2, List.of(new int[] {0}, new int[] {1})))
                .isNotEqualTo(Partition.of(2, List.of(new int[] {1}, new int[] {0})))
                .isNotEqualTo(Partition.byKey(List.of("a", "b")));
    }
}
