package io.fedlearn.testkit.fuzz;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;

class DecoderFuzzTest {
    private static final byte[] INPUT = {1, 2, 3, 4, 5, 6, 7, 8};
    private static final List<Class<? extends Exception>> REFUSALS = List.of(IllegalArgumentException.class);

    @Test
    void acceptsResultsAndTypedRefusals() {
        assertThat(DecoderFuzz.of(input -> {}, REFUSALS, 1 << 16, 1).check(INPUT))
                .isTrue();
        assertThat(DecoderFuzz.of(
                                input -> {
                                    throw new NumberFormatException();
                                },
                                REFUSALS,
                                1 << 16,
                                1)
                        .check(INPUT))
                .isFalse();
    }

    @Test
    void findsOtherThrowablesAndShowsTheInput() {
        DecoderFuzz fuzz = DecoderFuzz.of(
                input -> {
                    throw new StackOverflowError();
                },
                REFUSALS,
                1 << 16,
                1);
        assertThatThrownBy(() -> fuzz.check(INPUT))
                .isInstanceOf(AssertionError.class)
                .hasMessageContaining("StackOverflowError")
                .hasMessageContaining("0102030405060708");
    }

    @Test
    void findsAllocationsThatTheInputDoesNotPayFor() {
        AtomicReference<byte[]> kept = new AtomicReference<>(INPUT);
        DecoderFuzz fuzz = DecoderFuzz.of(input -> kept.set(new byte[1 << 20]), REFUSALS, 1 << 16, 1);
        assertThatThrownBy(() -> fuzz.check(INPUT))
                .isInstanceOf(AssertionError.class)
                .hasMessageContaining("allocated");
        assertThat(kept.get()).hasSize(1 << 20);
    }

    @Test
    void damagesSeedsInTheSameWaysForTheSameSeed() {
        List<Integer> first = new ArrayList<>();
        List<Integer> second = new ArrayList<>();
        for (List<Integer> hashes : List.of(first, second)) {
            DecoderFuzz.of(input -> hashes.add(Arrays.hashCode(input)), REFUSALS, 1 << 20, 1)
                    .checkMutations(List.of(INPUT, new byte[0]), 7, 500, 32);
        }
        assertThat(first).isEqualTo(second);
        Set<Integer> distinct = new HashSet<>(first);
        assertThat(distinct).hasSizeGreaterThan(100);
    }

    @Test
    void keepsInputsWithinTheirLength() {
        DecoderFuzz.of(
                        input -> {
                            if (input.length > 32) {
                                throw new IllegalStateException();
                            }
                        },
                        REFUSALS,
                        1 << 20,
                        1)
                .checkMutations(List.of(INPUT), 7, 500, 32);
    }
}
