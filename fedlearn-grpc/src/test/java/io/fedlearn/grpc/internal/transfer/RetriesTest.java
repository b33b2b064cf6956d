package io.fedlearn.grpc.internal.transfer;

import static org.assertj.core.api.Assertions.assertThat;

import io.grpc.Status;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class RetriesTest {
    private final Retries retries = new Retries();

    @ParameterizedTest
    @EnumSource(names = {"INTERNAL", "UNKNOWN", "RESOURCE_EXHAUSTED", "OUT_OF_RANGE"})
    void aServerThatFailsEachTimeIsGivenUp(Status.Code code) {
        for (int i = 1; i < Retries.MAX_FAILURES; i++) {
            assertThat(retries.mayGoBetter(code.toStatus())).isTrue();
        }

        assertThat(retries.mayGoBetter(code.toStatus())).isFalse();
    }

    @Test
    void progressMakesFailuresForgotten() {
        for (int i = 0; i < 3 * Retries.MAX_FAILURES; i++) {
            assertThat(retries.mayGoBetter(Status.INTERNAL)).isTrue();
            retries.reset();
        }
    }

    @Test
    void aBrokenWayIsTriedOnAndOn() {
        for (int i = 0; i < 3 * Retries.MAX_FAILURES; i++) {
            assertThat(retries.mayGoBetter(Status.UNAVAILABLE)).isTrue();
        }
    }
}
