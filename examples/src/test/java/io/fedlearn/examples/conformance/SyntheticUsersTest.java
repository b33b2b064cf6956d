package io.fedlearn.examples.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.fedlearn.core.training.Batch;
import io.fedlearn.core.training.BatchReader;
import io.fedlearn.core.training.ExampleOrder;
import io.fedlearn.core.training.ExampleSource;
import io.fedlearn.core.training.InMemoryExamples;
import java.util.Arrays;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

final class SyntheticUsersTest {
    private static float[] features(ExampleSource source) {
        Batch batch = Batch.of(Math.toIntExact(source.exampleCount()), source);
        try (BatchReader reader = source.open(ExampleOrder.sequential())) {
            assertThat(reader.read(batch)).isTrue();
        }
        return batch.features();
    }

    /** The variance of one feature over the examples of a user. */
    private static double variance(float[] features, int feature) {
        double[] column = IntStream.range(0, features.length / SyntheticUsers.FEATURES)
                .mapToDouble(i -> features[i * SyntheticUsers.FEATURES + feature])
                .toArray();
        double mean = Arrays.stream(column).average().orElseThrow();
        return Arrays.stream(column)
                        .map(value -> (value - mean) * (value - mean))
                        .sum()
                / column.length;
    }

    private static double mean(float[] features) {
        return IntStream.range(0, features.length)
                .mapToDouble(i -> features[i])
                .average()
                .orElseThrow();
    }

    @Test
    void thirtyUsersKeepATenthOfTheirExamplesForTests() {
        SyntheticUsers users = SyntheticUsers.heterogeneous(1, 1, 7);
        assertThat(users.training())
                .hasSize(30)
                .allSatisfy(user -> assertThat(user.exampleCount()).isGreaterThanOrEqualTo(45));
        double testShare = (double) users.test().exampleCount()
                / (users.exampleCount() + users.test().exampleCount());
        // Rounded up for each of the users.
        assertThat(testShare).isBetween(0.1, 0.11);
    }

    @Test
    void featuresSpreadLessTheFurtherBackTheyStand() {
        InMemoryExamples largest = SyntheticUsers.heterogeneous(1, 1, 7).training().stream()
                .max((a, b) -> Long.compare(a.exampleCount(), b.exampleCount()))
                .orElseThrow();
        float[] features = features(largest);
        // Over a thousand draws, whose variance is within seven standard errors, 7 sqrt(2 / n), of the true one.
        double tolerance = 7 * Math.sqrt(2.0 / largest.exampleCount());
        for (int j : new int[] {0, 1, 9, 59}) {
            double expected = Math.pow(j + 1, -1.2);
            assertThat(variance(features, j)).isCloseTo(expected, within(tolerance * expected));
        }
    }

    @Test
    void usersDifferUnlessTheyAreIid() {
        double[] centres = SyntheticUsers.heterogeneous(1, 1, 7).training().stream()
                .mapToDouble(user -> mean(features(user)))
                .toArray();
        double[] alike = SyntheticUsers.iid(7).training().stream()
                .mapToDouble(user -> mean(features(user)))
                .toArray();
        assertThat(Arrays.stream(centres).map(Math::abs).max().orElseThrow()).isGreaterThan(1);
        assertThat(Arrays.stream(alike).map(Math::abs).max().orElseThrow()).isLessThan(0.1);
    }

    @Test
    void sameSeedSameUsers() {
        SyntheticUsers users = SyntheticUsers.heterogeneous(1, 1, 7);
        SyntheticUsers again = SyntheticUsers.heterogeneous(1, 1, 7);
        SyntheticUsers others = SyntheticUsers.heterogeneous(1, 1, 8);
        assertThat(features(again.test())).isEqualTo(features(users.test()));
        assertThat(again.test().classes()).isEqualTo(users.test().classes());
        assertThat(features(others.test())).isNotEqualTo(features(users.test()));
    }
}
