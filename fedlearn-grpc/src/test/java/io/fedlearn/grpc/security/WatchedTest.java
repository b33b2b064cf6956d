package io.fedlearn.grpc.security;

import static org.assertj.core.api.Assertions.assertThat;

import io.fedlearn.grpc.TransportException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class WatchedTest {
    private static final long SECOND = Duration.ofSeconds(1).toNanos();

    @TempDir
    private Path folder;

    private final AtomicLong now = new AtomicLong(-5);
    private final AtomicInteger failures = new AtomicInteger();
    private final AtomicInteger reads = new AtomicInteger();
    private Path file = Path.of("file");

    @BeforeEach
    void nameFile() {
        file = folder.resolve("file");
    }

    @Test
    void anEditInPlaceCountsOnceItHasStoodForASecond() throws IOException {
        Watched<String> watched = watch("old");

        write("");
        assertThat(watched.get()).isEqualTo("old");
        now.addAndGet(SECOND - 1);
        assertThat(watched.get()).isEqualTo("old");
        write("new");
        now.addAndGet(1);
        assertThat(watched.get()).isEqualTo("old");
        now.addAndGet(SECOND);

        assertThat(watched.get()).isEqualTo("new");
    }

    @Test
    void whatFailedOnceIsTriedAgainThoughTheFileStaysAsItIs() throws IOException {
        Watched<String> watched = watch("old");
        write("new");
        failures.set(1);
        watched.get();
        now.addAndGet(SECOND);

        assertThat(watched.get()).isEqualTo("old");
        now.addAndGet(SECOND);
        assertThat(watched.get()).isEqualTo("new");
    }

    @Test
    void whatFailsOnAndOnIsTriedOnceASecond() throws IOException {
        Watched<String> watched = watch("old");
        write("new");
        failures.set(Integer.MAX_VALUE);
        watched.get();
        now.addAndGet(SECOND);
        reads.set(0);

        for (int i = 0; i < 10; i++) {
            assertThat(watched.get()).isEqualTo("old");
            now.addAndGet(SECOND / 5);
        }

        assertThat(reads).hasValue(2);
    }

    private Watched<String> watch(String content) throws IOException {
        write(content);
        return Watched.of(List.of(file), this::read, now::get);
    }

    private String read() {
        reads.incrementAndGet();
        if (failures.getAndUpdate(left -> Math.max(0, left - 1)) > 0) {
            throw new TransportException(TransportException.Reason.SECURITY, "the disk is away");
        }
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Writes in place; by its time the file was written just now, however slow the test is. */
    private void write(String content) throws IOException {
        Files.writeString(file, content);
        Files.setLastModifiedTime(file, FileTime.from(Instant.now().plus(Duration.ofHours(1))));
    }
}
