package io.fedlearn.privacy.site;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fedlearn.core.tensor.Shape;
import io.fedlearn.core.training.InMemoryExamples;
import io.fedlearn.privacy.internal.NoiseSource;
import io.fedlearn.testkit.statistics.StatisticalAssertions;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.TreeSet;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class PersonReaderTest {
    /** Record {@code i} has features {@code i, -i} and target {@code 2i}. */
    private static InMemoryExamples source(int count) {
        float[] features = new float[2 * count];
        float[] targets = new float[count];
        for (int i = 0; i < count; i++) {
            features[2 * i] = i;
            features[2 * i + 1] = -i;
            targets[i] = 2 * i;
        }
        return InMemoryExamples.wrap(Shape.of(2), features, targets);
    }

    private static List<TreeSet<Integer>> read(PersonReader reader, int... chosen) {
        List<TreeSet<Integer>> visits = new ArrayList<>();
        reader.forEach(chosen, chosen.length, batch -> {
            TreeSet<Integer> records = new TreeSet<>();
            for (int i = 0; i < batch.size(); i++) {
                int record = (int) batch.features()[2 * i];
                assertThat(batch.features()[2 * i + 1]).isEqualTo(-(float) record);
                assertThat(batch.targets()[i]).isEqualTo(2 * record);
                records.add(record);
            }
            assertThat(records).hasSize(batch.size());
            visits.add(records);
        });
        return visits;
    }

    @Test
    void givesEachChosenPersonsRecordsOverManyChunks() {
        int count = 5000;
        List<Integer> personOf = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            // Scattered, of 1 to 3 records in each 600.
            personOf.add(i * 7919 % 1700);
        }
        PersonExamples persons = PersonExamples.of(source(count), personOf);
        assertThat(persons.personCount()).isEqualTo(1700);
        int[] chosen = IntStream.range(0, 1700).filter(p -> p % 3 != 1).toArray();

        List<TreeSet<Integer>> visits;
        try (PersonReader reader = new PersonReader(persons, NoiseSource.secure())) {
            assertThat(read(reader)).isEmpty();
            visits = read(reader, chosen);
            assertThat(read(reader, chosen)).isEqualTo(visits);
        }

        assertThat(visits).hasSize(chosen.length);
        for (TreeSet<Integer> records : visits) {
            Integer person = personOf.get(records.first());
            TreeSet<Integer> expected = new TreeSet<>();
            for (int i = 0; i < count; i++) {
                if (personOf.get(i).equals(person)) {
                    expected.add(i);
                }
            }
            assertThat(records).isEqualTo(expected);
        }
    }

    @Test
    void drawsEachRecordOfAPersonAlikeWhereThereAreTooMany() {
        PersonExamples persons = PersonExamples.of(
                        source(10), List.of("a", "a", "a", "a", "a", "a", "a", "a", "b", "a"))
                .withMostRecords(3);
        int trials = 20_000;
        int[] counts = new int[10];
        try (PersonReader reader = new PersonReader(persons, NoiseSource.secure())) {
            for (int t = 0; t < trials; t++) {
                List<TreeSet<Integer>> visits = read(reader, 0, 1);
                assertThat(visits.get(0)).hasSize(3);
                assertThat(visits.get(1)).containsExactly(8);
                visits.get(0).forEach(record -> counts[record]++);
            }
        }
        for (int record = 0; record < 10; record++) {
            if (record != 8) {
                StatisticalAssertions.assertProbability(counts[record], trials, 1.0 / 3, 1e-8);
            }
        }
    }

    @Test
    void readsSingleRecords() {
        try (PersonReader reader = new PersonReader(PersonExamples.ofRecords(source(700)), NoiseSource.secure())) {
            List<TreeSet<Integer>> visits = read(reader, IntStream.range(0, 700).toArray());
            assertThat(visits).hasSize(700);
            for (int i = 0; i < 700; i++) {
                assertThat(visits.get(i)).containsExactly(i);
            }
        }
    }

    @Test
    void refusesRecordsOfNobody() {
        assertThatThrownBy(() -> PersonExamples.of(source(3), List.of("a", "", "b")))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("personOfRecord must name a person for every record, did not for record 1");
        assertThatThrownBy(() -> PersonExamples.of(source(2), Arrays.asList("a", null)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("did not for record 1");
    }

    @Test
    void refusesPersonsThatAreNotAsManyAsRecords() {
        assertThatThrownBy(() -> PersonExamples.of(source(3), List.of(1, 2)))
                .hasMessage("personOfRecord must have one entry for each of the 3 records, had 2");
        assertThatThrownBy(() -> PersonExamples.ofRecords(source(3)).withMostRecords(0))
                .hasMessage("mostRecords must be >= 1, was 0");
    }

    @Test
    void samplesPersonsWithExactlyTheRateItSays() {
        SecretSampling sampling = SecretSampling.of(0.1);
        assertThat(sampling.rate()).isLessThanOrEqualTo(0.1).isGreaterThan(0.1 - 0x1p-52);
        assertThat(sampling.rate() * 0x1p53).isEqualTo(Math.rint(sampling.rate() * 0x1p53));
        int[] sample = new int[1000];
        long total = 0;
        NoiseSource secret = NoiseSource.secure();
        for (int t = 0; t < 2000; t++) {
            int count = sampling.draw(1000, secret, sample);
            total += count;
            for (int i = 1; i < count; i++) {
                assertThat(sample[i]).isGreaterThan(sample[i - 1]);
            }
        }
        StatisticalAssertions.assertProbability(total, 2_000_000, 0.1, 1e-8);
        assertThat(SecretSampling.of(1).draw(1000, secret, sample)).isEqualTo(1000);
    }
}
