package io.fedlearn.examples.run;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.ClosedByInterruptException;
import org.junit.jupiter.api.Test;

final class InterruptionTest {
    @Test
    void explainsWhatBecomesOfFilesOfAnInterruptedThread() {
        try (Interruption interruption = Interruption.ofThisThread()) {
            assertThat(interruption.explains(new UncheckedIOException(new ClosedByInterruptException())))
                    .isTrue();
            assertThat(interruption.explains(new IllegalStateException(new InterruptedException())))
                    .isTrue();
            assertThat(interruption.explains(new UncheckedIOException(new IOException("disk full"))))
                    .isFalse();
        }
    }
}
