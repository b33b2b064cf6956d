package io.fedlearn.examples.conformance;

import io.fedlearn.examples.console.ProgressBar;
import io.fedlearn.examples.console.ProgressStyle;
import io.fedlearn.examples.mnist.MnistData;
import io.fedlearn.examples.report.Grid;
import java.io.PrintWriter;
import java.util.Optional;

/**
 * What experiments find around them.
 *
 * @param out where they print
 * @param progress how they show how far they are
 * @param mnist the images, where they were given
 * @param seed where all randomness starts
 * @param threads how many clients work at a time
 */
record Bench(PrintWriter out, ProgressStyle progress, Optional<MnistData> mnist, long seed, int threads) {
    /** The images of an experiment that needs them. */
    MnistData images() {
        return mnist.orElseThrow(() -> new IllegalStateException("there are no images"));
    }

    /** Begins a piece of work that takes a while. */
    ProgressBar begin(String work) {
        return ProgressBar.start(out, progress, work);
    }

    /** Prints a table of what was measured beyond the rows. */
    void print(String title, Grid grid) {
        out.println();
        out.println("  " + title);
        grid.toLines().forEach(line -> out.println("  " + line));
        out.println();
        out.flush();
    }
}
