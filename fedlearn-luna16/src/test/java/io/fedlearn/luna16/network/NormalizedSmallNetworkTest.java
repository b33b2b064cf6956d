package io.fedlearn.luna16.network;

import io.fedlearn.core.training.LocalModel;
import io.fedlearn.luna16.patch.PatchShape;
import io.fedlearn.testkit.contract.LocalModelContract;
import java.util.List;

class NormalizedSmallNetworkTest extends LocalModelContract {
    @Override
    protected LocalModel create() {
        return LunaNet.of(new PatchShape(4, 4, 4), List.of(2, 2))
                .withNormalization(Normalization.BATCH)
                .create();
    }

    @Override
    protected boolean trainsAsItEvaluates() {
        return false;
    }

    @Override
    protected double gradientTolerance() {
        // The narrowest difference crosses kinks of rectifiers and maxima; SmoothNormalizedNetworkTest is the strict
        // one.
        return 1e-2;
    }
}
