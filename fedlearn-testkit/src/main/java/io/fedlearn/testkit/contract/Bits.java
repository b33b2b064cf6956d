package io.fedlearn.testkit.contract;

import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.update.PartState;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Copies of values as they are now, to compare with later. A model's digest will not do: it is computed once. */
final class Bits {
    private Bits() {}

    /** An equal model that shares no memory with this one. */
    static Model copyOf(Model model) {
        List<Tensor> tensors = new ArrayList<>();
        for (Tensor tensor : model.tensors()) {
            ByteBuffer bytes = ByteBuffer.allocate(Math.toIntExact(tensor.byteCount()));
            tensor.encodeTo(0, bytes);
            tensors.add(Tensor.decode(tensor.type(), tensor.shape(), bytes.flip()));
        }
        return Model.of(model.spec(), tensors);
    }

    /** The models of these groups, copied. */
    static Map<String, Model> copyOf(Map<String, Model> groups) {
        Map<String, Model> copy = new TreeMap<>();
        groups.forEach((name, model) -> copy.put(name, copyOf(model)));
        return copy;
    }

    /** All that a state holds, copied. */
    static PartState copyOf(PartState state) {
        return new PartState(copyOf(state.tensors()), state.values());
    }

    /** All that an update holds, copied, by what it is called: updates have no equality of their own. */
    static Map<String, Object> copyOf(ClientUpdate update) {
        Map<String, Object> parts = new LinkedHashMap<>();
        parts.put("form", update.form());
        parts.put("model", update.model().map(Bits::copyOf));
        parts.put("exampleCount", update.exampleCount());
        parts.put("metrics", update.metrics());
        parts.put("tensors", copyOf(update.tensors()));
        parts.put("values", update.values());
        return parts;
    }
}
