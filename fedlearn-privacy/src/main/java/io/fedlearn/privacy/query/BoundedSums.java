package io.fedlearn.privacy.query;

/**
 * The whole numbers that a source adds up: for each group, those of each measure, one after the other. Not private: they are for
 * the engine that asked and for nobody else. Confined to one thread at a time.
 */
public final class BoundedSums {
    private final int groups;
    private final int size;
    private final long[] sums;

    private BoundedSums(int groups, int size) {
        this.groups = groups;
        this.size = size;
        this.sums = new long[Math.multiplyExact(groups, size)];
    }

    /** Zeros for this query. */
    public static BoundedSums zeros(BoundedQuery query) {
        return new BoundedSums(query.groups(), query.size());
    }

    /** How many groups there are. */
    public int groups() {
        return groups;
    }

    /** How many whole numbers there are for each group. */
    public int size() {
        return size;
    }

    /** Adds to one of a group's numbers. */
    public void add(int group, int index, long value) {
        sums[place(group, index)] += value;
    }

    /** One of a group's numbers. */
    public long get(int group, int index) {
        return sums[place(group, index)];
    }

    private int place(int group, int index) {
        if (group < 0 || group >= groups || index < 0 || index >= size) {
            throw new IndexOutOfBoundsException(
                    "group " + group + " of " + groups + ", number " + index + " of " + size);
        }
        return group * size + index;
    }

    /** The form alone: the numbers are nobody's to read. */
    @Override
    public String toString() {
        return "BoundedSums[groups=" + groups + ", size=" + size + "]";
    }
}
