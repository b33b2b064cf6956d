package io.fedlearn.aggregators;

import io.fedlearn.core.client.TaskContext;
import io.fedlearn.core.client.TaskDeclinedException;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.task.Task;
import io.fedlearn.core.task.UpdateForm;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.ModelSpec;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.tensor.TensorRole;
import io.fedlearn.core.tensor.TensorSpec;
import io.fedlearn.core.tensor.TensorType;
import io.fedlearn.core.update.InvalidUpdateException;
import io.fedlearn.core.update.UpdateCheck;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * One float32 number beside each trainable parameter, as it travels and as a client keeps it: tensors with the names and
 * shapes of the trainables. Local training sees them as one flat array, in the order of the trainables.
 */
final class SideTensors {
    private SideTensors() {}

    /** What side tensors of this model look like. */
    static ModelSpec specFor(ModelSpec model) {
        List<TensorSpec> specs = new ArrayList<>();
        for (TensorSpec tensor : model.tensors()) {
            if (tensor.role() == TensorRole.TRAINABLE) {
                specs.add(new TensorSpec(tensor.name(), TensorType.FLOAT32, tensor.shape(), TensorRole.TRAINABLE));
            }
        }
        return ModelSpec.of(specs);
    }

    /** These values as tensors. */
    static Model of(ModelSpec spec, float[] flat) {
        List<Tensor> tensors = new ArrayList<>(spec.size());
        int at = 0;
        for (TensorSpec tensor : spec.tensors()) {
            float[] values = new float[Math.toIntExact(tensor.shape().elementCount())];
            System.arraycopy(flat, at, values, 0, values.length);
            at += values.length;
            tensors.add(Tensor.wrap(values).reshape(tensor.shape()));
        }
        return Model.of(spec, tensors);
    }

    /**
     * The trainables of an update that a client is about to complete.
     *
     * @throws IllegalStateException if something before has made it other than the model after training
     */
    static float[] trained(ClientUpdate update) {
        if (update.form() != UpdateForm.MODEL) {
            throw new IllegalStateException("an update is completed as a MODEL, was " + update.form());
        }
        return update.model().orElseThrow().trainablesToFloatArray();
    }

    /**
     * What the client kept under this name since its last accepted round; zeros before its first.
     *
     * @throws TaskDeclinedException if it is lost or of another model: the server's sum holds what it was, so nothing else
     *     can take its place
     */
    static float[] kept(Task task, TaskContext context, String name) {
        Optional<Model> kept = context.state().load(name);
        ModelSpec spec = specFor(task.model().spec());
        if (kept.isPresent()) {
            return require(kept.get(), spec, "this site's '" + name + "'");
        }
        if (task.lastAcceptedRound().isPresent()) {
            throw new TaskDeclinedException("this site has lost its '" + name + "' of round "
                    + task.lastAcceptedRound().getAsInt());
        }
        return new float[Math.toIntExact(spec.trainableCount())];
    }

    /**
     * What the server sent in this group; zeros if nothing, as before its first step.
     *
     * @throws TaskDeclinedException if it is of another model
     */
    static float[] sent(Task task, String group) {
        ModelSpec spec = specFor(task.model().spec());
        Model sent = task.tensors().get(group);
        return sent == null
                ? new float[Math.toIntExact(spec.trainableCount())]
                : require(sent, spec, "the task's '" + group + "'");
    }

    private static float[] require(Model model, ModelSpec spec, String what) {
        if (!model.spec().equals(spec)) {
            throw new TaskDeclinedException(what + " is of another model: it has " + model.spec() + ", not " + spec);
        }
        return model.trainablesToFloatArray();
    }

    /**
     * The tensors of this group in an update, which must be those of the global model's trainables.
     *
     * @param method that needs them, for the message
     * @throws InvalidUpdateException naming group and tensor if one is missing or malformed
     */
    static Model reported(ClientUpdate update, String group, ModelSpec global, String method) {
        Model tensors = update.tensors().get(group);
        if (tensors == null) {
            throw InvalidUpdateException.of("tensor group '" + group + "' is missing, which " + method + " needs");
        }
        ModelSpec spec = specFor(global);
        try {
            UpdateCheck.forModel(spec).checkModel(ClientUpdate.ofModel(tensors, 1), spec);
        } catch (InvalidUpdateException e) {
            throw InvalidUpdateException.ofTensor(e.tensor().orElse(""), "of group '" + group + "' " + e.reason());
        }
        return tensors;
    }
}
