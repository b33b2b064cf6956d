package io.fedlearn.core.partition;

/** See {@link Partitioner#iid()}. */
record Iid() implements Partitioner {
    @Override
    public Partition partition(int[] classes, int clients, long seed) {
        Parts.requireExamples(classes.length, clients, 1, "");
        int[] order = Parts.shuffled(classes.length, Parts.random(seed));
        return Partition.of(classes.length, Parts.equal(order, clients));
    }

    @Override
    public String toString() {
        return "iid";
    }
}
