package io.fedlearn.privacy.central;

/** What becomes of a model's buffers in central private training. */
public enum Buffers {
    /** A model that has any is refused; the default, since each of the others is wrong for some model. */
    REFUSED,
    /**
     * They stay those of the global model, and nothing is released of them: right for what never changes, such as the scale by
     * which inputs are standardised. Batch-norm statistics would keep their first values.
     */
    KEPT,
    /**
     * They are averaged as trainables are: they count towards the clipping norm, and noise is added to them. A variance may
     * become negative by that.
     */
    COUNTED
}
