package io.fedlearn.dl4j;

import io.fedlearn.core.training.LocalModel;
import io.fedlearn.core.training.Objective;
import io.fedlearn.testkit.contract.LocalModelContract;

class DropoutNetworkTest extends LocalModelContract {
    @Override
    protected LocalModel create() {
        return Dl4jModel.of(Networks.withDropout(), Networks.FEATURES, Objective.REGRESSION);
    }

    @Override
    protected boolean trainsAsItEvaluates() {
        return false;
    }
}
