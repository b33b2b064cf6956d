package io.fedlearn.core.partition;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/** See {@link Partitioner#shards(int)}. */
record LabelShards(int shardsPerClient) implements Partitioner {
    LabelShards {
        if (shardsPerClient < 1) {
            throw new IllegalArgumentException("shardsPerClient must be >= 1, was " + shardsPerClient);
        }
    }

    @Override
    public Partition partition(int[] classes, int clients, long seed) {
        Parts.requireExamples(
                classes.length, clients, shardsPerClient, " in " + shardsPerClient + " shards per client");
        List<int[]> shards = Parts.equal(Parts.byClass(classes), clients * shardsPerClient);
        int[] deal = Parts.shuffled(shards.size(), Parts.random(seed));
        List<int[]> parts = new ArrayList<>();
        for (int client = 0; client < clients; client++) {
            parts.add(IntStream.range(client * shardsPerClient, (client + 1) * shardsPerClient)
                    .mapToObj(place -> shards.get(deal[place]))
                    .flatMapToInt(IntStream::of)
                    .toArray());
        }
        return Partition.of(classes.length, parts);
    }

    @Override
    public String toString() {
        return "shards:" + shardsPerClient;
    }
}
