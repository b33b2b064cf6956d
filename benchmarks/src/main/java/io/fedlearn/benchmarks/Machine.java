package io.fedlearn.benchmarks;

/** Where a figure was taken. */
final class Machine {
    private Machine() {}

    static String description() {
        return "Java " + Runtime.version() + ", " + Runtime.getRuntime().availableProcessors()
                + " processors, heap of up to " + (Runtime.getRuntime().maxMemory() >> 20) + " MiB";
    }
}
