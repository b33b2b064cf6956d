package io.fedlearn.testkit.contract;

import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.update.PartState;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
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

    /** In what two copies differ, a line for each part or tensor; of a tensor the first value is told. */
    static List<String> differences(Object actual, Object expected) {
        List<String> differences = new ArrayList<>();
        compare("", actual, expected, differences);
        return differences;
    }

    private static void compare(String name, Object actual, Object expected, List<String> differences) {
        if (actual instanceof Map<?, ?> is && expected instanceof Map<?, ?> was) {
            Set<Object> keys = new LinkedHashSet<>(was.keySet());
            keys.addAll(is.keySet());
            for (Object key : keys) {
                compare(name.isEmpty() ? key.toString() : name + "." + key, part(is, key), part(was, key), differences);
            }
        } else if (actual instanceof Optional<?> is
                && expected instanceof Optional<?> was
                && is.isPresent()
                && was.isPresent()) {
            compare(name, is.get(), was.get(), differences);
        } else if (actual instanceof Model is
                && expected instanceof Model was
                && is.spec().equals(was.spec())) {
            for (int i = 0; i < is.spec().size(); i++) {
                compare(
                        (name + " tensor '" + is.spec().tensors().get(i).name() + "'").strip(),
                        is.tensors().get(i),
                        was.tensors().get(i),
                        differences);
            }
        } else if (actual instanceof Tensor is && expected instanceof Tensor was && !is.equals(was)) {
            differences.add(name + ": " + firstDifference(is, was));
        } else if (!actual.equals(expected)) {
            differences.add(name + " is " + actual + ", must be " + expected);
        }
    }

    private static Object part(Map<?, ?> parts, Object key) {
        Object part = parts.get(key);
        return part == null ? "missing" : part;
    }

    private static String firstDifference(Tensor actual, Tensor expected) {
        double[] is = actual.toDoubleArray();
        double[] was = expected.toDoubleArray();
        for (int i = 0; i < Math.min(is.length, was.length); i++) {
            if (Double.doubleToRawLongBits(is[i]) != Double.doubleToRawLongBits(was[i])) {
                return "value " + i + " of " + is.length + " is " + is[i] + ", must be " + was[i];
            }
        }
        return "is " + actual + ", must be " + expected;
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
