package io.fedlearn.luna16.network;

import io.fedlearn.core.training.LocalModel;
import io.fedlearn.luna16.patch.PatchShape;
import io.fedlearn.testkit.contract.LocalModelContract;
import java.util.List;

class NormalizedSmallNetworkTest extends LocalModelContract {
    @Override
    protected LocalModel create() {
        return LunaNet.of(new PatchShape(4, 4, 4), List.of(2))
                .withNormalization(Normalization.BATCH)
                .create();
    }

    @Override
    protected boolean trainsAsItEvaluates() {
        return false;
    }

    @Override
    protected double gradientTolerance() {
        // Rectifiers and maxima have kinks so near to each other that the narrowest difference crosses some.
        return 1e-2;
    }
}
