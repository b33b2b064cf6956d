package io.fedlearn.examples.console;

import java.util.Locale;

/** How progress is shown. */
public enum ProgressStyle {
    /** As bars where output is a terminal, as plain lines elsewhere. */
    AUTO,
    /** As bars that are redrawn in place. */
    BARS,
    /** As lines, one a round. */
    PLAIN;

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }

    boolean isLive() {
        return this == BARS || this == AUTO && Terminal.isInteractive();
    }
}
