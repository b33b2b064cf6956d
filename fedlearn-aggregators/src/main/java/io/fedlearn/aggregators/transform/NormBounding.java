package io.fedlearn.aggregators.transform;

import io.fedlearn.aggregators.internal.Ranges;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.update.InvalidUpdateException;
import io.fedlearn.core.update.ModelDelta;
import io.fedlearn.core.update.TransformContext;
import io.fedlearn.core.update.UpdateTransform;

/**
 * Rejects an update that would move the global model too far: the L2 norm of its model delta is longer than a bound.
 *
 * <p>With global model {@code w}, bound {@code B} and an update's model {@code w_k}, over all trainables together, the
 * update is taken as it came if
 * <pre>
 *   ||w_k - w|| &lt;= B
 * </pre>
 * and rejected otherwise, with norm and bound in the reason; the round goes on with the others. {@link NormClipping}
 * shortens such an update instead. Clipping keeps an honest site that trains far in the round and lets a hostile one in
 * with a shorter step; bounding lets neither in, and the record says which client it was. The norm is computed in
 * {@code double}. Buffers and counters are not looked at.
 *
 * <p>At the server alone: {@code strategy.toBuilder().serverTransform(() -> NormBounding.withMaxNorm(10))}. It goes with
 * any rule, so that none of its updates is beyond the bound.
 *
 * <p><b>Bears</b> what a bound can: each bad client of {@code n} moves a mean by at most its share of {@code B}, in every
 * round. It does not tell good from bad within the bound.
 *
 * <p><b>Reference.</b> Sun et al., "Can You Really Backdoor Federated Learning?", 2019, arXiv:1911.07963, on bounded norms
 * as a defence; Lycklama et al., "RoFL: Robustness of Secure Federated Learning", IEEE S&amp;P 2023, arXiv:2107.03311,
 * where updates beyond the bound are refused.
 *
 * <p><b>Settings</b> (symbol, default, range): maxNorm ({@code B}, none, (0, inf)), in units of a weight. Norms grow with
 * the number of parameters, local steps and the learning rate: take it from rounds without an attack, some times the
 * largest seen.
 *
 * <p><b>Shapes.</b> The update has the global model's tensors. Time O(p) for {@code p} parameters, a block in memory.
 * <b>Threads.</b> Confined to one thread at a time.
 */
public final class NormBounding implements UpdateTransform {
    /** Name in descriptions: {@value}. */
    public static final String NAME = "norm-bounding";

    /** Setting {@value}: the largest norm that is taken. */
    public static final String MAX_NORM = "maxNorm";

    private final double maxNorm;

    private NormBounding(double maxNorm) {
        Ranges.requirePositive(MAX_NORM, maxNorm);
        this.maxNorm = maxNorm;
    }

    /**
     * A transform that rejects longer model deltas than this.
     *
     * @param maxNorm {@code > 0} and finite
     */
    public static NormBounding withMaxNorm(double maxNorm) {
        return new NormBounding(maxNorm);
    }

    /**
     * {@inheritDoc}
     *
     * @throws InvalidUpdateException if the norm is beyond the bound, or the update has no model, is a sum over several
     *     clients, or lacks a tensor or has one of another shape
     */
    @Override
    public ClientUpdate apply(ClientUpdate update, TransformContext context) {
        double norm = Math.sqrt(ModelDelta.of(update, context.globalModel()).squaredNorm());
        // Written so that a NaN, too, is beyond it.
        if (!(norm <= maxNorm)) {
            throw InvalidUpdateException.of(
                    "the norm of the model delta must be at most " + maxNorm + " (" + MAX_NORM + "), was " + norm);
        }
        return update;
    }

    @Override
    public boolean keepsSpecification() {
        return true;
    }

    @Override
    public String description() {
        return NAME + "(" + MAX_NORM + "=" + maxNorm + ")";
    }
}
