package io.fedlearn.aggregators.personal;

import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.update.TransformContext;
import io.fedlearn.core.update.UpdateTransform;
import io.fedlearn.testkit.contract.TransformContract;
import java.util.Optional;
import org.junit.jupiter.api.Nested;

/** The contract on both sides. */
class PartialTransferContractTest {
    private static final PartialTransfer WITHOUT_HEAD = PartialTransfer.without(TensorSelection.matching("head*"));

    private static UpdateTransform encoder() {
        return new PartialTransfer.Factory().create(WITHOUT_HEAD.atClient().settings());
    }

    @Nested
    class AtTheClient extends TransformContract {
        @Override
        protected UpdateTransform create() {
            return encoder();
        }

        @Override
        protected Model global() {
            return LineModel.start();
        }
    }

    @Nested
    class AtTheServer extends TransformContract {
        @Override
        protected UpdateTransform create() {
            return WITHOUT_HEAD.atServer();
        }

        @Override
        protected Model global() {
            return LineModel.start();
        }

        @Override
        protected ClientUpdate update(long seed) {
            return encoder().apply(super.update(seed), new TransformContext("a", 1, seed, global(), Optional.empty()));
        }

        @Override
        protected boolean runsAtClient() {
            return false;
        }
    }
}
