package io.fedlearn.privacy.site;

import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.task.UpdateForm;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.ModelSpec;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.tensor.TensorRole;
import io.fedlearn.core.tensor.TensorSpec;
import io.fedlearn.core.tensor.TensorType;
import io.fedlearn.core.update.InvalidUpdateException;
import io.fedlearn.core.update.TransformContext;
import io.fedlearn.core.update.UpdateTransform;
import java.util.ArrayList;
import java.util.List;

/**
 * Makes whole numbers a model delta again, of one client or of a sum over many: it is linear. Nothing of an update is believed.
 * Stateless.
 */
final class ShareDecoder implements UpdateTransform {
    private final ShareSettings settings;

    ShareDecoder(ShareSettings settings) {
        this.settings = settings;
    }

    @Override
    public ClientUpdate apply(ClientUpdate update, TransformContext context) {
        Model encoded = update.model().orElseThrow(() -> InvalidUpdateException.of("the update holds no model"));
        if (update.form() != UpdateForm.MODEL_DELTA) {
            throw InvalidUpdateException.of("a share must be a MODEL_DELTA, was a " + update.form());
        }
        if (!update.metrics().asMap().isEmpty() || !update.tensors().isEmpty()) {
            throw InvalidUpdateException.of("a share must hold nothing beside its whole numbers");
        }
        ModelSpec spec = context.globalModel().spec();
        List<Tensor> tensors = new ArrayList<>(spec.size());
        int used = 0;
        for (TensorSpec tensor : spec.tensors()) {
            if (tensor.role() != TensorRole.TRAINABLE) {
                tensors.add(Tensor.zeros(tensor.type(), tensor.shape()));
                continue;
            }
            tensors.add(decoded(encoded, tensor));
            used++;
        }
        if (used != encoded.spec().size()) {
            throw InvalidUpdateException.of("a share must have " + used + " tensors, had "
                    + encoded.spec().size());
        }
        return update.withModel(UpdateForm.MODEL_DELTA, Model.of(spec, tensors));
    }

    private Tensor decoded(Model encoded, TensorSpec expected) {
        Tensor whole = encoded.find(expected.name())
                .orElseThrow(() -> InvalidUpdateException.ofTensor(expected.name(), "is missing"));
        if (whole.type() != TensorType.INT64 || !whole.shape().equals(expected.shape())) {
            throw InvalidUpdateException.ofTensor(
                    expected.name(),
                    "must be " + TensorType.INT64 + " " + expected.shape() + ", was " + whole.type() + " "
                            + whole.shape());
        }
        double step = settings.step();
        return Tensor.computed(expected.type(), expected.shape(), (from, block, count) -> {
            whole.copyTo(from, block, 0, count);
            for (int i = 0; i < count; i++) {
                block[i] *= step;
            }
        });
    }

    @Override
    public String description() {
        return NoiseShares.NAME + settings.toConfig();
    }
}
