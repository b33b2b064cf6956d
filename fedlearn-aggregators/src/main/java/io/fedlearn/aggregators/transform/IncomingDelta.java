package io.fedlearn.aggregators.transform;

import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.task.UpdateForm;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.ModelSpec;
import io.fedlearn.core.tensor.Shape;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.tensor.TensorRole;
import io.fedlearn.core.tensor.TensorSpec;
import io.fedlearn.core.tensor.TensorType;
import io.fedlearn.core.update.InvalidUpdateException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * An update that is to be decoded. It came from a peer: nothing in it is believed, and nothing is allocated by its numbers beyond
 * the global model's own size. Confined to one thread.
 */
final class IncomingDelta {
    private final ClientUpdate update;
    private final Model model;
    private final ModelSpec global;
    private final List<Tensor> decoded = new ArrayList<>();
    private final List<TensorSpec> specs = new ArrayList<>();

    private IncomingDelta(ClientUpdate update, Model model, ModelSpec global) {
        this.update = update;
        this.model = model;
        this.global = global;
    }

    /**
     * The encoded delta in this update.
     *
     * @throws InvalidUpdateException if there is none, or a tensor has a name that is not in the global model, or more elements
     */
    static IncomingDelta of(ClientUpdate update, Model global) {
        Model model =
                update.model().orElseThrow(() -> InvalidUpdateException.of("the update holds no model to decode"));
        if (update.form() != UpdateForm.MODEL_DELTA) {
            throw InvalidUpdateException.of("an encoded update must be a MODEL_DELTA, was a " + update.form());
        }
        for (TensorSpec tensor : model.spec().tensors()) {
            TensorSpec expected = global.spec()
                    .tensor(tensor.name())
                    .orElseThrow(() -> InvalidUpdateException.ofTensor(tensor.name(), "is not in the global model"));
            if (tensor.shape().elementCount() > expected.shape().elementCount()) {
                throw InvalidUpdateException.ofTensor(
                        tensor.name(),
                        "must have at most " + expected.shape().elementCount() + " elements, had "
                                + tensor.shape().elementCount());
            }
        }
        return new IncomingDelta(update, model, global.spec());
    }

    int size() {
        return model.spec().size();
    }

    TensorSpec spec(int t) {
        return model.spec().tensors().get(t);
    }

    String name(int t) {
        return spec(t).name();
    }

    Tensor tensor(int t) {
        return model.tensors().get(t);
    }

    /** What the tensor must become in the end. */
    TensorSpec globalSpec(int t) {
        return global.tensor(name(t)).orElseThrow();
    }

    boolean isTrainable(int t) {
        return globalSpec(t).role() == TensorRole.TRAINABLE;
    }

    /** Whole numbers are no values that a codec may have sent here. */
    void requireFloating(int t) {
        if (!spec(t).type().isFloating()) {
            throw InvalidUpdateException.ofTensor(name(t), "must be of a floating-point type, was " + spec(t).type());
        }
    }

    /** A group of tensors beside the model. */
    Model group(String name) {
        return Optional.ofNullable(update.tensors().get(name))
                .orElseThrow(() -> InvalidUpdateException.of("the update holds no tensors '" + name + "'"));
    }

    /** A tensor of a group, of one dimension and one of these types. */
    static Tensor side(Model group, String groupName, String tensorName, TensorType... types) {
        Tensor tensor = group.find(tensorName)
                .orElseThrow(() -> InvalidUpdateException.ofTensor(
                        tensorName, "is missing among the tensors '" + groupName + "'"));
        if (!List.of(types).contains(tensor.type())) {
            throw InvalidUpdateException.ofTensor(
                    tensorName, "of '" + groupName + "' must be of type " + List.of(types) + ", was " + tensor.type());
        }
        if (tensor.shape().rank() != 1) {
            throw InvalidUpdateException.ofTensor(
                    tensorName, "of '" + groupName + "' must have one dimension, had shape " + tensor.shape());
        }
        return tensor;
    }

    /** Takes over the next tensor as it came. */
    void keep(int t) {
        put(t, tensor(t), spec(t).role());
    }

    /** Takes over the next tensor as it was decoded. */
    void put(int t, Tensor tensor, TensorRole role) {
        specs.add(new TensorSpec(name(t), tensor.type(), tensor.shape(), role));
        decoded.add(tensor);
    }

    /** The shape of so many elements: the global model's if it has as many. */
    Shape shapeOf(int t, long elements) {
        Shape shape = globalSpec(t).shape();
        return shape.elementCount() == elements ? shape : Shape.of(elements);
    }

    /** The update with the tensors taken over and without the group of this name. */
    ClientUpdate finish(String group) {
        Model result = Model.of(ModelSpec.of(specs), decoded);
        ClientUpdate decodedUpdate = update.withModel(UpdateForm.MODEL_DELTA, result);
        return update.tensors().containsKey(group) ? decodedUpdate.withoutTensors(group) : decodedUpdate;
    }
}
