package io.fedlearn.testkit.fault;

import java.util.concurrent.CountDownLatch;

/** Waits as a client does that swallows interruptions. */
final class Deafness {
    private Deafness() {}

    static void await(CountDownLatch latch) {
        while (true) {
            try {
                latch.await();
                return;
            } catch (InterruptedException e) {
                // Deaf on purpose: this is the client that a runtime must survive.
            }
        }
    }
}
