package io.fedlearn.models;

import io.fedlearn.core.training.Objective;

/**
 * What the last layer's values mean and cost, for one example at a time. Computed in double by {@link StrictMath}, from
 * values that are never clamped: the loss of a confident mistake grows with the logit, and its gradient does not
 * vanish.
 */
sealed interface OutputLoss {
    /**
     * The loss of one example; replaces its values by the gradient of that loss by them.
     *
     * @param values of the last layer, replaced
     * @param targets of the batch
     * @param at where the example's targets start
     */
    double lossAndDelta(float[] values, float[] targets, int at);

    /** The loss of one example; leaves the values as they are. */
    double loss(float[] values, float[] targets, int at);

    /** Writes the model's outputs for one example: probabilities, or the values themselves. */
    void outputs(float[] values, float[] target, int at);

    /** The loss that belongs to an objective. */
    static OutputLoss of(Objective objective) {
        return switch (objective) {
            case BINARY -> new BinaryCrossEntropy();
            case MULTICLASS -> new CrossEntropy();
            case REGRESSION -> new SquaredError();
        };
    }

    /** {@code log(1 + exp(-z))} for class 1 and {@code log(1 + exp(z))} for class 0, of the logit {@code z}. */
    record BinaryCrossEntropy() implements OutputLoss {
        @Override
        public double lossAndDelta(float[] values, float[] targets, int at) {
            boolean positive = isPositive(targets[at]);
            double wrong = positive ? -values[0] : values[0];
            double share = sigmoid(wrong);
            values[0] = (float) (positive ? -share : share);
            return softplus(wrong);
        }

        @Override
        public double loss(float[] values, float[] targets, int at) {
            return softplus(isPositive(targets[at]) ? -values[0] : values[0]);
        }

        @Override
        public void outputs(float[] values, float[] target, int at) {
            target[at] = (float) sigmoid(values[0]);
        }

        private static boolean isPositive(float target) {
            if (target != 0 && target != 1) {
                throw InvalidExampleException.ofTarget("0 or 1");
            }
            return target == 1;
        }

        private static double sigmoid(double value) {
            double small = StrictMath.exp(-Math.abs(value));
            return value >= 0 ? 1 / (1 + small) : small / (1 + small);
        }

        private static double softplus(double value) {
            return Math.max(value, 0) + StrictMath.log1p(StrictMath.exp(-Math.abs(value)));
        }
    }

    /** {@code log(sum of exp(z_j)) - z_t} of the logits {@code z} and the true class {@code t}. */
    record CrossEntropy() implements OutputLoss {
        @Override
        public double lossAndDelta(float[] values, float[] targets, int at) {
            int truth = classOf(targets[at], values.length);
            double largest = largest(values);
            double value = values[truth];
            double own = StrictMath.exp(value - largest);
            double others = 0;
            for (int j = 0; j < values.length; j++) {
                if (j != truth) {
                    double power = StrictMath.exp(values[j] - largest);
                    others += power;
                    values[j] = (float) power;
                }
            }
            double sum = own + others;
            for (int j = 0; j < values.length; j++) {
                values[j] = (float) (values[j] / sum);
            }
            // Not 1 less than its own share, which would lose what little the others have.
            values[truth] = (float) (-others / sum);
            return largest - value + StrictMath.log(sum);
        }

        @Override
        public double loss(float[] values, float[] targets, int at) {
            int truth = classOf(targets[at], values.length);
            double largest = largest(values);
            return largest - values[truth] + StrictMath.log(sum(values, largest));
        }

        @Override
        public void outputs(float[] values, float[] target, int at) {
            double largest = largest(values);
            double sum = sum(values, largest);
            for (int j = 0; j < values.length; j++) {
                target[at + j] = (float) (StrictMath.exp(values[j] - largest) / sum);
            }
        }

        private static int classOf(float target, int classes) {
            int index = (int) target;
            if (index != target || index < 0 || index >= classes) {
                throw InvalidExampleException.ofTarget("a whole number in [0, " + classes + ")");
            }
            return index;
        }

        private static double largest(float[] values) {
            float largest = values[0];
            for (float value : values) {
                largest = Math.max(largest, value);
            }
            return largest;
        }

        private static double sum(float[] values, double largest) {
            double sum = 0;
            for (float value : values) {
                sum += StrictMath.exp(value - largest);
            }
            return sum;
        }
    }

    /** The mean over the outputs of {@code (y - t)^2}. */
    record SquaredError() implements OutputLoss {
        @Override
        public double lossAndDelta(float[] values, float[] targets, int at) {
            double loss = loss(values, targets, at);
            for (int j = 0; j < values.length; j++) {
                values[j] = (float) (2 * ((double) values[j] - targets[at + j]) / values.length);
            }
            return loss;
        }

        @Override
        public double loss(float[] values, float[] targets, int at) {
            double sum = 0;
            for (int j = 0; j < values.length; j++) {
                if (!Float.isFinite(targets[at + j])) {
                    throw InvalidExampleException.ofTarget("finite");
                }
                double error = (double) values[j] - targets[at + j];
                sum += error * error;
            }
            return sum / values.length;
        }

        @Override
        public void outputs(float[] values, float[] target, int at) {
            System.arraycopy(values, 0, target, at, values.length);
        }
    }
}
