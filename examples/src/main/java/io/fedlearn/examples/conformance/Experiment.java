package io.fedlearn.examples.conformance;

import java.util.List;

/** One piece of the suite: what it trains, and which claims that settles. Stateless. */
interface Experiment {
    /** The name by which it is chosen on the command line. */
    String name();

    /** What it does, in a line. */
    String description();

    /** Whether it needs the images of MNIST. */
    boolean needsMnist();

    /** What it settles, in the order of its rows. */
    List<Claim> claims();

    /** Measures: one row for each of the claims, in their order. */
    List<Row> run(Bench bench) throws InterruptedException;
}
