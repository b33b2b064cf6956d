package io.fedlearn.aggregators.transform;

import io.fedlearn.core.update.UpdateTransform;
import io.fedlearn.testkit.contract.TransformContract;
import org.junit.jupiter.api.Nested;

/** The contract on both sides; the norm is small enough for every update to be clipped. */
class NormClippingContractTest {
    @Nested
    class AtTheClient extends TransformContract {
        @Override
        protected UpdateTransform create() {
            return new NormClipping.Factory().create(NormClipping.atClient(0.01).settings());
        }
    }

    @Nested
    class AtTheServer extends TransformContract {
        @Override
        protected UpdateTransform create() {
            return NormClipping.withClippingNorm(0.01);
        }

        @Override
        protected boolean runsAtClient() {
            return false;
        }
    }
}
