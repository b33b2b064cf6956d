package io.fedlearn.privacy.accounting;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

final class TreeTest {
    /** The largest sum over all patterns of participation, by trying them. */
    private static long exact(int steps, int maxParticipations, int minSeparation) {
        long most = 0;
        for (int pattern = 1; pattern < 1 << steps; pattern++) {
            if (Integer.bitCount(pattern) > maxParticipations) {
                continue;
            }
            boolean isAllowed = true;
            for (int apart = 1; apart < minSeparation; apart++) {
                isAllowed &= (pattern & pattern >> apart) == 0;
            }
            if (!isAllowed) {
                continue;
            }
            long sum = 0;
            for (int size = 1; size <= steps; size *= 2) {
                for (int from = 0; from + size <= steps; from += size) {
                    long count = Integer.bitCount(pattern >> from & (1 << size) - 1);
                    sum += count * count;
                }
            }
            most = Math.max(most, sum);
        }
        return most;
    }

    @Test
    void boundCoversEveryPatternAndIsMetForOneParticipation() {
        int equal = 0;
        int cases = 0;
        for (int steps = 1; steps <= 14; steps++) {
            for (int participations = 1; participations <= 4; participations++) {
                for (int separation = 1; separation <= 6; separation++) {
                    double bound = Tree.squaredSensitivity(
                            new PrivacyEvent.TreeAggregation(1, steps, participations, separation));
                    long exact = exact(steps, participations, separation);
                    assertThat(bound)
                            .as("%s steps, %s participations, %s apart", steps, participations, separation)
                            .isBetween((double) exact, exact * 1.25 + 1e-9);
                    cases++;
                    equal += bound < exact + 0.5 ? 1 : 0;
                    if (participations == 1) {
                        assertThat(bound).isBetween((double) exact, exact + 1e-9);
                    }
                }
            }
        }
        assertThat(equal).isGreaterThan(cases * 3 / 4);
    }

    @Test
    void longTreesWithManyParticipationsAreQuick() {
        assertThat(Tree.squaredSensitivity(new PrivacyEvent.TreeAggregation(1, Long.MAX_VALUE, Integer.MAX_VALUE, 1)))
                .isFinite();
    }
}
