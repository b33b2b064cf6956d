package io.fedlearn.examples.console;

import java.io.PrintWriter;
import java.util.List;

/**
 * The last lines of a terminal, which are redrawn in place while lines above them stay. Confined to one thread at a
 * time.
 */
final class LiveArea {
    private static final String ESCAPE = "\u001b[";

    private final PrintWriter out;
    private int drawn;

    LiveArea(PrintWriter out) {
        this.out = out;
    }

    /** Replaces what is drawn by these lines. */
    void draw(List<String> lines) {
        erase();
        lines.forEach(out::println);
        drawn = lines.size();
        out.flush();
    }

    /** Removes what is drawn, so that ordinary lines can follow. */
    void erase() {
        if (drawn > 0) {
            out.print(ESCAPE + drawn + "A\r" + ESCAPE + "J");
            drawn = 0;
        }
    }
}
