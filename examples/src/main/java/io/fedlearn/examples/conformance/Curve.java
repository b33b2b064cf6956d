package io.fedlearn.examples.conformance;

import java.util.List;
import java.util.OptionalDouble;

/** When a learning curve reaches its target, as the FedAvg paper reads it. */
final class Curve {
    private Curve() {}

    /**
     * The round in which the best value so far reaches the target, on straight lines between the points.
     *
     * @param points (round, value), by round
     */
    static OptionalDouble crossing(List<double[]> points, double target) {
        double round = 0;
        double best = 0;
        for (double[] point : points) {
            if (point[1] >= target) {
                double share = (target - best) / (point[1] - best);
                return OptionalDouble.of(round + share * (point[0] - round));
            }
            round = point[0];
            best = Math.max(best, point[1]);
        }
        return OptionalDouble.empty();
    }
}
