package io.fedlearn.aggregators.personal;

import io.fedlearn.core.client.Client;
import io.fedlearn.core.task.Config;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.training.LocalCorrection;
import io.fedlearn.testkit.contract.ClientContract;

/** A client that keeps tensors keeps every rule. */
class LocalTensorsContractTest extends ClientContract {
    @Override
    protected Client create() {
        return LineModel.site(2);
    }

    @Override
    protected Model global() {
        return LineModel.start();
    }

    @Override
    protected Config config() {
        return Config.empty()
                .with(LocalCorrection.SETTING, LocalTensors.NAME)
                .with(LocalTensors.SETTING, "@layers-with-buffers");
    }
}
