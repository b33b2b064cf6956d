package io.fedlearn.privacy.accounting;

/** Nodes and weights of Gauss-Legendre quadrature on [0, 1]. Immutable. */
final class GaussLegendre {
    private final double[] nodes;
    private final double[] weights;

    /** By Newton's method on the Legendre polynomial, which from these starts finds every root. */
    GaussLegendre(int count) {
        nodes = new double[count];
        weights = new double[count];
        for (int i = 0; i < count; i++) {
            double x = Math.cos(Math.PI * (i + 0.75) / (count + 0.5));
            double derivative = 1;
            for (int step = 0; step < 8; step++) {
                double previous = 1;
                double value = x;
                for (int k = 2; k <= count; k++) {
                    double next = ((2 * k - 1) * x * value - (k - 1) * previous) / k;
                    previous = value;
                    value = next;
                }
                derivative = count * (x * value - previous) / (x * x - 1);
                x -= value / derivative;
            }
            nodes[i] = 0.5 * (1 - x);
            weights[i] = 1 / ((1 - x * x) * derivative * derivative);
        }
    }

    int count() {
        return nodes.length;
    }

    double node(int i) {
        return nodes[i];
    }

    double weight(int i) {
        return weights[i];
    }
}
