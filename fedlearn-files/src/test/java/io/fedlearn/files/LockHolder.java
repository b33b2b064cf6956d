package io.fedlearn.files;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;

/** Takes a lock and keeps it until it is killed. */
final class LockHolder {
    private LockHolder() {}

    public static void main(String[] arguments) throws IOException {
        TurnLock.open(Path.of(arguments[0]), Duration.ofSeconds(1)).take();
        System.out.println("locked");
        while (System.in.read() >= 0) {
            // until the end of its input
        }
    }
}
