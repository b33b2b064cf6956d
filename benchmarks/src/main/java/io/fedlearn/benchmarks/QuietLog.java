package io.fedlearn.benchmarks;

import java.util.logging.Level;
import java.util.logging.LogManager;

/** Keeps lines about single tasks out of the way of what is measured, and of tables. */
final class QuietLog {
    private QuietLog() {}

    /** From now on only errors are written: that a server on loopback has no TLS is known here. */
    static void install() {
        LogManager.getLogManager().getLogger("").setLevel(Level.SEVERE);
    }
}
