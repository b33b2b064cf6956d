package io.fedlearn.core.training;

import io.fedlearn.core.FedLearnException;

/** Thrown when local training left the range of numbers; a smaller learning rate is the usual remedy. */
public final class TrainingDivergedException extends FedLearnException {
    private static final long serialVersionUID = 1L;

    private final double loss;

    TrainingDivergedException(double loss) {
        super("local training diverged: the training loss is " + loss + " (a smaller learning rate may help)");
        this.loss = loss;
    }

    /** The mean training loss: NaN or infinite. */
    public double loss() {
        return loss;
    }
}
