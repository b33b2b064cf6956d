package io.fedlearn.core.update;

import io.fedlearn.core.metric.Metrics;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.task.Config;
import io.fedlearn.core.task.UpdateForm;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.ModelSpec;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.tensor.TensorSpec;
import io.fedlearn.core.tensor.TensorType;

/**
 * The border that nothing malformed passes: names, shapes, types, finiteness, example count and size of what a client sent.
 * Immutable and thread-safe.
 *
 * @param maxUpdateBytes the most bytes that all tensors of an update may have
 * @param maxExampleCount the largest example count that is believed
 */
public record UpdateCheck(long maxUpdateBytes, long maxExampleCount) {
    /** Default of {@link #maxExampleCount()}: {@value}. */
    public static final long DEFAULT_MAX_EXAMPLE_COUNT = 1L << 40;

    /**
     * The largest magnitude that a float64 value may have: {@value}. Larger ones are finite, and yet their weighted sum would not
     * be.
     */
    public static final double MAX_MAGNITUDE = 1e150;

    /** How many groups of further tensors an update may have: {@value}. */
    public static final int MAX_GROUPS = 64;

    /** The longest name of a metric, a value or a group of tensors: {@value} characters. */
    public static final int MAX_NAME_LENGTH = 256;

    /** The longest text among an update's values: {@value} characters. */
    public static final int MAX_TEXT_LENGTH = 1 << 16;

    private static final int BLOCK = 8192;

    /** Validates the limits. */
    public UpdateCheck {
        if (maxUpdateBytes < 1 || maxExampleCount < 1) {
            throw new IllegalArgumentException("maxUpdateBytes and maxExampleCount must be >= 1, were " + maxUpdateBytes
                    + " and " + maxExampleCount);
        }
    }

    /** Allows four times the bytes of a model (a float64 sum and a side tensor beside each weight) and 1 MiB. */
    public static UpdateCheck forModel(ModelSpec spec) {
        return new UpdateCheck(4 * spec.byteCount() + (1 << 20), DEFAULT_MAX_EXAMPLE_COUNT);
    }

    /**
     * Checks what holds for any answer: sizes, counts, names, and that floating-point values are finite.
     *
     * @throws InvalidUpdateException naming the tensor and the reason
     */
    public void checkSizes(ClientUpdate update) {
        if (update.byteCount() > maxUpdateBytes) {
            throw InvalidUpdateException.of(
                    "the update has " + update.byteCount() + " bytes, at most " + maxUpdateBytes + " are taken");
        }
        if (update.tensors().size() > MAX_GROUPS
                || update.metrics().names().size() > Metrics.MAX_COUNT
                || update.values().names().size() > Config.MAX_COUNT) {
            throw InvalidUpdateException.of("the update has too many tensor groups, metrics or values");
        }
        checkTexts(update);
        if (update.exampleCount() < 0 || update.exampleCount() > maxExampleCount) {
            throw InvalidUpdateException.of(
                    "the example count must be in [0, " + maxExampleCount + "], was " + update.exampleCount());
        }
        update.model().ifPresent(UpdateCheck::requireFinite);
        update.tensors().values().forEach(UpdateCheck::requireFinite);
    }

    /** What enters records and tables: names that fit there, and metrics that can be averaged. */
    private static void checkTexts(ClientUpdate update) {
        update.tensors().keySet().forEach(name -> checkName("tensor group", name));
        update.metrics().asMap().forEach((name, value) -> {
            checkName("metric", name);
            if (Math.abs(value) > MAX_MAGNITUDE) {
                throw InvalidUpdateException.of("metric '" + name + "' is beyond " + MAX_MAGNITUDE);
            }
        });
        update.values().asMap().forEach((name, value) -> {
            checkName("value", name);
            if (value instanceof String text && text.length() > MAX_TEXT_LENGTH) {
                throw InvalidUpdateException.of("value '" + name + "' must have at most " + MAX_TEXT_LENGTH
                        + " characters, had " + text.length());
            }
        });
    }

    private static void checkName(String what, String name) {
        if (name.length() > MAX_NAME_LENGTH) {
            throw InvalidUpdateException.of("the name of a " + what + " must have at most " + MAX_NAME_LENGTH
                    + " characters, had " + name.length());
        }
        if (name.chars().anyMatch(Character::isISOControl)) {
            throw InvalidUpdateException.of("the name of a " + what + " must not hold control characters");
        }
    }

    private static void requireFinite(Model model) {
        for (int i = 0; i < model.tensors().size(); i++) {
            Tensor tensor = model.tensors().get(i);
            long bad = tensor.firstNonFinite();
            if (bad >= 0) {
                throw InvalidUpdateException.ofTensor(
                        model.spec().tensors().get(i).name(),
                        "holds " + (Double.isNaN(tensor.get(bad)) ? "NaN" : "an infinite value") + " at index " + bad);
            }
            if (tensor.type() == TensorType.FLOAT64) {
                requireMagnitude(model.spec().tensors().get(i).name(), tensor);
            }
        }
    }

    private static void requireMagnitude(String name, Tensor tensor) {
        double[] block = new double[(int) Math.min(BLOCK, tensor.elementCount())];
        for (long from = 0; from < tensor.elementCount(); from += block.length) {
            int count = (int) Math.min(block.length, tensor.elementCount() - from);
            tensor.copyTo(from, block, 0, count);
            for (int i = 0; i < count; i++) {
                if (Math.abs(block[i]) > MAX_MAGNITUDE) {
                    throw InvalidUpdateException.ofTensor(
                            name, "holds a value beyond " + MAX_MAGNITUDE + " at index " + (from + i));
                }
            }
        }
    }

    /**
     * Checks that the update can enter a weighted sum of models like {@code global}: a positive example count, and the global
     * model's tensors by name, type, shape and role.
     *
     * @throws InvalidUpdateException naming the tensor and the reason
     */
    public void checkModel(ClientUpdate update, ModelSpec global) {
        if (update.exampleCount() < 1) {
            throw InvalidUpdateException.of("the example count must be >= 1, was " + update.exampleCount());
        }
        ModelSpec actual = update.model()
                .orElseThrow(() -> InvalidUpdateException.of("the update holds no model"))
                .spec();
        for (TensorSpec tensor : actual.tensors()) {
            if (global.tensor(tensor.name()).isEmpty()) {
                throw InvalidUpdateException.ofTensor(tensor.name(), "is not in the global model");
            }
        }
        for (int i = 0; i < global.size(); i++) {
            TensorSpec expected = global.tensors().get(i);
            TensorSpec tensor = actual.tensor(expected.name())
                    .orElseThrow(() -> InvalidUpdateException.ofTensor(expected.name(), "is missing"));
            if (!tensor.shape().equals(expected.shape())) {
                throw InvalidUpdateException.ofTensor(
                        tensor.name(), "must have shape " + expected.shape() + ", had " + tensor.shape());
            }
            TensorType type = update.form() == UpdateForm.WEIGHTED_SUM ? TensorType.FLOAT64 : expected.type();
            if (tensor.type() != type) {
                throw InvalidUpdateException.ofTensor(
                        tensor.name(), "must be of type " + type + ", was " + tensor.type());
            }
            if (update.form() != UpdateForm.WEIGHTED_SUM && tensor.role() != expected.role()) {
                throw InvalidUpdateException.ofTensor(
                        tensor.name(), "must have role " + expected.role() + ", had " + tensor.role());
            }
            if (actual.indexOf(expected.name()) != i) {
                throw InvalidUpdateException.ofTensor(tensor.name(), "is out of order: its place is " + i);
            }
        }
    }
}
