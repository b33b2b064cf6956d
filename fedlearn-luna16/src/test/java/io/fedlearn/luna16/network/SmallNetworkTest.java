package io.fedlearn.luna16.network;

import io.fedlearn.core.training.Batch;
import io.fedlearn.core.training.LocalModel;
import io.fedlearn.luna16.patch.PatchShape;
import io.fedlearn.testkit.contract.LocalModelContract;
import java.util.List;

class SmallNetworkTest extends LocalModelContract {
    @Override
    protected LocalModel create() {
        return LunaNet.of(new PatchShape(4, 4, 4), List.of(2, 2)).create();
    }

    /** Features small enough for scores not to be almost 0 or 1: there DL4J's loss, in single precision, goes in steps. */
    @Override
    protected Batch batch(int examples, long seed) {
        Batch batch = super.batch(examples, seed);
        for (int i = 0; i < batch.features().length; i++) {
            batch.features()[i] *= 0.2f;
        }
        return batch;
    }

    @Override
    protected double gradientTolerance() {
        // Rectifiers and maxima have kinks so near to each other that the narrowest difference crosses some.
        return 5e-3;
    }
}
