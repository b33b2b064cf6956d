package io.fedlearn.privacy.accounting;

/** So many releases of one privacy loss. */
record LossTerm(PrivacyLoss loss, long count) {
    /** Whether this loss differs in that direction: a symmetric one is the same both ways, and never mirrored. */
    boolean isReversed(boolean direction) {
        return direction && !loss.symmetric();
    }

    /** A sketch of the loss in that direction. */
    LossSketch sketch(boolean direction, double tail) {
        LossSketch sketch = loss.sketch(tail);
        return isReversed(direction) ? sketch.reversed() : sketch;
    }
}
