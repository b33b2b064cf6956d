package io.fedlearn.core.task;

import io.fedlearn.core.metric.Metrics;
import io.fedlearn.core.tensor.Model;
import java.util.Collections;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * A client's answer to a task: a model or model delta where the task asks for one, on how many examples it rests, what was
 * measured, and whatever further tensors and values the method needs. Immutable.
 *
 * <p>Only what is here leaves the site. No part may hold examples or labels.
 */
public final class ClientUpdate {
    private final UpdateForm form;
    private final Optional<Model> model;
    private final long exampleCount;
    private final Metrics metrics;
    private final Map<String, Model> tensors;
    private final Config values;

    private ClientUpdate(
            UpdateForm form,
            Optional<Model> model,
            long exampleCount,
            Metrics metrics,
            Map<String, Model> tensors,
            Config values) {
        this.form = form;
        this.model = model;
        this.exampleCount = exampleCount;
        this.metrics = metrics;
        this.tensors = tensors;
        this.values = values;
    }

    /**
     * The model after local training.
     *
     * @param exampleCount how many examples it was trained on; the coordinator rejects counts below 1
     */
    public static ClientUpdate ofModel(Model model, long exampleCount) {
        return of(UpdateForm.MODEL, model, exampleCount);
    }

    /** The model after local training minus the global model. */
    public static ClientUpdate ofModelDelta(Model modelDelta, long exampleCount) {
        return of(UpdateForm.MODEL_DELTA, modelDelta, exampleCount);
    }

    /** A model in this form. */
    public static ClientUpdate of(UpdateForm form, Model model, long exampleCount) {
        return new ClientUpdate(
                form, Optional.of(model), exampleCount, Metrics.none(), Collections.emptyMap(), Config.empty());
    }

    /** An answer without a model, such as that of an evaluation. */
    public static ClientUpdate ofMetrics(Metrics metrics, long exampleCount) {
        return new ClientUpdate(
                UpdateForm.MODEL, Optional.empty(), exampleCount, metrics, Collections.emptyMap(), Config.empty());
    }

    /** An answer that holds values alone, such as a site's properties. */
    public static ClientUpdate ofValues(Config values) {
        return new ClientUpdate(UpdateForm.MODEL, Optional.empty(), 0, Metrics.none(), Collections.emptyMap(), values);
    }

    /** What the model is, if there is one. */
    public UpdateForm form() {
        return form;
    }

    /** The model, its delta or a sum, as {@link #form()} says. */
    public Optional<Model> model() {
        return model;
    }

    /** On how many examples the answer rests. */
    public long exampleCount() {
        return exampleCount;
    }

    /** What was measured. */
    public Metrics metrics() {
        return metrics;
    }

    /** Further tensors by group, such as the change of a control variate or a score histogram. */
    public Map<String, Model> tensors() {
        return tensors;
    }

    /** Further values. */
    public Config values() {
        return values;
    }

    /** This update with another model in another form. */
    public ClientUpdate withModel(UpdateForm otherForm, Model other) {
        return new ClientUpdate(otherForm, Optional.of(other), exampleCount, metrics, tensors, values);
    }

    /** This update with another example count. */
    public ClientUpdate withExampleCount(long count) {
        return new ClientUpdate(form, model, count, metrics, tensors, values);
    }

    /** This update with one more metric, or one replaced. */
    public ClientUpdate withMetric(String name, double value) {
        return withMetrics(metrics.with(name, value));
    }

    /** This update with these metrics in place of its own. */
    public ClientUpdate withMetrics(Metrics others) {
        return new ClientUpdate(form, model, exampleCount, others, tensors, values);
    }

    /** This update with one more group of tensors, or one replaced. */
    public ClientUpdate withTensors(String group, Model groupTensors) {
        TreeMap<String, Model> copy = new TreeMap<>(tensors);
        copy.put(group, groupTensors);
        return new ClientUpdate(form, model, exampleCount, metrics, Collections.unmodifiableMap(copy), values);
    }

    /** This update without the group of tensors of this name. */
    public ClientUpdate withoutTensors(String group) {
        TreeMap<String, Model> copy = new TreeMap<>(tensors);
        copy.remove(group);
        return new ClientUpdate(form, model, exampleCount, metrics, Collections.unmodifiableMap(copy), values);
    }

    /** This update with one more value, or one replaced. */
    public ClientUpdate withValue(String name, Object value) {
        return new ClientUpdate(form, model, exampleCount, metrics, tensors, values.with(name, value));
    }

    /** The bytes of all tensors together; {@link Long#MAX_VALUE} if they are more than a {@code long} counts. */
    public long byteCount() {
        long bytes = model.map(Model::byteCount).orElse(0L);
        for (Model group : tensors.values()) {
            bytes = group.byteCount() > Long.MAX_VALUE - bytes ? Long.MAX_VALUE : bytes + group.byteCount();
        }
        return bytes;
    }

    /** The bytes of Java heap that the tensors keep alive. */
    public long heapBytes() {
        return model.map(Model::heapBytes).orElse(0L)
                + tensors.values().stream().mapToLong(Model::heapBytes).sum();
    }

    /** The form and sizes; never values. */
    @Override
    public String toString() {
        return "client update (" + form + ", " + exampleCount + " examples, " + byteCount() + " bytes)";
    }
}
