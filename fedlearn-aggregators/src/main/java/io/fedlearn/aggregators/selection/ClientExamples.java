package io.fedlearn.aggregators.selection;

import io.fedlearn.core.strategy.ClientInfo;
import io.fedlearn.core.strategy.ClientSelector;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.OptionalLong;

/** How many examples the clients of a round have, as far as the coordinator knows. */
final class ClientExamples {
    private final double[] counts;

    private ClientExamples(double[] counts) {
        this.counts = counts;
    }

    static ClientExamples of(ClientSelector.Context context, long most) {
        double[] counts = new double[context.clients().size()];
        double sum = 0;
        int known = 0;
        for (int i = 0; i < counts.length; i++) {
            OptionalLong count = known(context, context.clients().get(i));
            if (count.isPresent()) {
                counts[i] = Math.min(most, count.getAsLong());
                sum += counts[i];
                known++;
            }
        }
        double unknown = known == 0 ? 1 : sum / known;
        for (int i = 0; i < counts.length; i++) {
            counts[i] = counts[i] > 0 ? counts[i] : unknown;
        }
        return new ClientExamples(counts);
    }

    private static OptionalLong known(ClientSelector.Context context, ClientInfo client) {
        // A property may be of any type: whoever says nonsense counts as one who says nothing.
        if (client.properties().asMap().get(ExampleWeightedSelection.EXAMPLE_COUNT) instanceof Long count
                && count > 0) {
            return OptionalLong.of(count);
        }
        return context.participation().apply(client.id()).lastExampleCount();
    }

    /** So many clients without replacement, in proportion to their examples. */
    List<ClientInfo> sample(ClientSelector.Context context, int count) {
        record Draw(ClientInfo client, double key) {}
        List<Draw> draws = new ArrayList<>();
        for (int i = 0; i < counts.length; i++) {
            // 1 - u is in (0, 1]: the logarithm is finite.
            double key = -StrictMath.log(1 - context.random().nextDouble()) / counts[i];
            draws.add(new Draw(context.clients().get(i), key));
        }
        draws.sort(Comparator.comparingDouble(Draw::key));
        return draws.stream().limit(count).map(Draw::client).toList();
    }
}
