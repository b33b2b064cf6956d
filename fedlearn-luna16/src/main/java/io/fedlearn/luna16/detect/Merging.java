package io.fedlearn.luna16.detect;

import io.fedlearn.luna16.image.Point;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.OptionalDouble;
import java.util.function.Function;

/** Makes one detection of candidates that are near each other. */
final class Merging {
    /** Candidates at least so probable, as a share of the most probable one, say where the middle is. */
    private static final double CENTRAL_SHARE = 0.5;

    private final double radius;
    private final double leastProbability;
    private final int most;

    Merging(double radius, double leastProbability, int most) {
        this.radius = radius;
        this.leastProbability = leastProbability;
        this.most = most;
    }

    private record Scored(Point place, double probability) {}

    /**
     * The detections, by falling probability; equal ones in the order of their candidates.
     *
     * @param diameters what is seen at a place
     */
    List<Detection> of(List<Point> places, float[] probabilities, Function<Point, OptionalDouble> diameters) {
        List<Scored> left = new ArrayList<>();
        for (int i = 0; i < probabilities.length; i++) {
            if (probabilities[i] >= leastProbability) {
                left.add(new Scored(places.get(i), probabilities[i]));
            }
        }
        left.sort(Comparator.comparingDouble(Scored::probability).reversed());
        List<Detection> detections = new ArrayList<>();
        while (!left.isEmpty() && detections.size() < most) {
            Scored first = left.get(0);
            double reach = Math.max(radius, diameters.apply(first.place()).orElse(0) / 2);
            List<Scored> merged = new ArrayList<>();
            List<Scored> others = new ArrayList<>();
            for (Scored scored : left) {
                boolean isNear = scored == first || scored.place().distance(first.place()) < reach;
                (isNear ? merged : others).add(scored);
            }
            Point center = center(merged);
            detections.add(new Detection(center, first.probability(), diameters.apply(center), merged.size()));
            left = others;
        }
        return detections;
    }

    private static Point center(List<Scored> merged) {
        double least = CENTRAL_SHARE * merged.get(0).probability();
        double sum = 0;
        double x = 0;
        double y = 0;
        double z = 0;
        for (Scored scored : merged) {
            if (scored.probability() >= least) {
                double weight = scored.probability();
                sum += weight;
                x += weight * scored.place().x();
                y += weight * scored.place().y();
                z += weight * scored.place().z();
            }
        }
        // All of probability 0, or one alone: a mean would change its bits.
        return sum == 0 || merged.size() == 1 ? merged.get(0).place() : new Point(x / sum, y / sum, z / sum);
    }
}
