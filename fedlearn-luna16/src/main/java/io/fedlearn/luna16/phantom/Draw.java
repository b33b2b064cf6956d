package io.fedlearn.luna16.phantom;

import io.fedlearn.core.random.SeededRandom;
import io.fedlearn.luna16.image.Point;

/** Random numbers of the kinds that a chest is made of. Confined to one thread at a time. */
final class Draw {
    private final SeededRandom random;

    private Draw(SeededRandom random) {
        this.random = random;
    }

    /** Draws that belong to this purpose of this seed, whatever else is drawn elsewhere. */
    static Draw of(long seed, String purpose) {
        return new Draw(SeededRandom.of(SeededRandom.derive(seed, purpose)));
    }

    double between(double least, double most) {
        return least + (most - least) * random.nextDouble();
    }

    /** A whole number from {@code least} to {@code most}, each as likely. */
    int count(int least, int most) {
        return least + random.nextInt(most - least + 1);
    }

    double gaussian() {
        return random.nextGaussian();
    }

    boolean chance(double probability) {
        return random.nextDouble() < probability;
    }

    int below(int bound) {
        return random.nextInt(bound);
    }

    double sign() {
        return random.nextDouble() < 0.5 ? -1 : 1;
    }

    /** The index of one of the weights, each as likely as its share. */
    int pick(double... weights) {
        double sum = 0;
        for (double weight : weights) {
            sum += weight;
        }
        double left = random.nextDouble() * sum;
        for (int i = 0; i < weights.length - 1; i++) {
            left -= weights[i];
            if (left < 0) {
                return i;
            }
        }
        return weights.length - 1;
    }

    /** A direction, each as likely. */
    Point direction() {
        while (true) {
            Point point = new Point(between(-1, 1), between(-1, 1), between(-1, 1));
            double length = Vectors.length(point);
            if (length > 0.1 && length <= 1) {
                return Vectors.times(point, 1 / length);
            }
        }
    }

    /** A place in a ball around the origin, each as likely. */
    Point inBall(double radius) {
        return Vectors.times(direction(), radius * StrictMath.cbrt(random.nextDouble()));
    }
}
