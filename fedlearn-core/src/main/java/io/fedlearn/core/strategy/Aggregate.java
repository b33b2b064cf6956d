package io.fedlearn.core.strategy;

import io.fedlearn.core.task.UpdateForm;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.ModelSpec;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.tensor.TensorSpec;
import io.fedlearn.core.tensor.TensorType;
import io.fedlearn.core.update.InvalidUpdateException;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * What an aggregator made of a cohort's updates: one float64 value per parameter, in arrays that are the aggregator's own.
 * Aggregate transforms change them in place; a server optimizer reads them. Confined to the round loop, and valid until the
 * aggregator begins anew, which keeps a round at one float64 copy of the model.
 */
public final class Aggregate {
    private final UpdateForm form;
    private final ModelSpec spec;
    private final List<double[]> values;
    private final int updateCount;
    private final double totalWeight;
    private final Map<String, Model> tensors;
    private final Map<Integer, double[]> remainders;
    private final Divisor divisor;
    private final Map<String, Double> clientWeights;

    private Aggregate(
            UpdateForm form,
            ModelSpec spec,
            List<double[]> values,
            int updateCount,
            double totalWeight,
            Map<String, Model> tensors,
            Map<Integer, double[]> remainders,
            Divisor divisor,
            Map<String, Double> clientWeights) {
        this.form = form;
        this.spec = spec;
        this.values = List.copyOf(values);
        this.updateCount = updateCount;
        this.totalWeight = totalWeight;
        this.tensors = Collections.unmodifiableMap(new TreeMap<>(tensors));
        this.remainders = Map.copyOf(remainders);
        this.divisor = divisor;
        this.clientWeights = Collections.unmodifiableMap(new TreeMap<>(clientWeights));
    }

    /**
     * What some tensors are still to be divided by.
     *
     * @param pending their places; shared by all aggregates over the same arrays, so that none is divided twice
     */
    private record Divisor(double value, Set<Integer> pending) {
        static final Divisor NONE = new Divisor(1, Set.of());

        double of(int index) {
            return pending.contains(index) ? value : 1;
        }
    }

    /**
     * An aggregate over these arrays.
     *
     * @param form {@link UpdateForm#MODEL} or {@link UpdateForm#MODEL_DELTA}
     * @param spec of the global model
     * @param values for each tensor of the specification an array of its length, not copied
     * @param updateCount from how many clients it comes
     * @param totalWeight the sum of their weights
     */
    public static Aggregate wrap(
            UpdateForm form, ModelSpec spec, List<double[]> values, int updateCount, double totalWeight) {
        if (form == UpdateForm.WEIGHTED_SUM) {
            throw new IllegalArgumentException("form must be MODEL or MODEL_DELTA, was " + form);
        }
        if (values.size() != spec.size()) {
            throw new IllegalArgumentException("values must have " + spec.size() + " arrays, had " + values.size());
        }
        for (int i = 0; i < values.size(); i++) {
            if (values.get(i).length != spec.tensors().get(i).shape().elementCount()) {
                throw new IllegalArgumentException(
                        "the values of " + spec.tensors().get(i) + " must not be " + values.get(i).length);
            }
        }
        return new Aggregate(form, spec, values, updateCount, totalWeight, Map.of(), Map.of(), Divisor.NONE, Map.of());
    }

    /** This aggregate with one more group of combined tensors, such as the mean change of a control variate. */
    public Aggregate withTensors(String group, Model groupTensors) {
        TreeMap<String, Model> copy = new TreeMap<>(tensors);
        copy.put(group, groupTensors);
        return new Aggregate(form, spec, values, updateCount, totalWeight, copy, remainders, divisor, clientWeights);
    }

    /**
     * This aggregate with what the values of some 64-bit integer tensors leave out, since a {@code double} holds whole numbers
     * up to 2^53 only: such a value is {@code values(index)[i] + remainder[i]}.
     *
     * @param indexToRemainder for the place of a tensor an array of its length, not copied
     */
    public Aggregate withRemainders(Map<Integer, double[]> indexToRemainder) {
        indexToRemainder.forEach((index, remainder) -> {
            TensorSpec tensor = spec.tensors().get(index);
            if (tensor.type() != TensorType.INT64 && tensor.type() != TensorType.UINT64) {
                throw new IllegalArgumentException("only 64-bit integers have remainders, not " + tensor);
            }
            if (remainder.length != values.get(index).length) {
                throw new IllegalArgumentException("the remainders of " + tensor + " must not be " + remainder.length);
            }
        });
        return new Aggregate(
                form, spec, values, updateCount, totalWeight, tensors, indexToRemainder, divisor, clientWeights);
    }

    /**
     * This aggregate where the arrays of some tensors are sums, whose values are those sums divided by {@code divisor}. They are
     * divided when they are first read, or while they are rounded into a model, which saves a pass over the sums.
     *
     * @param indices the places of these tensors
     */
    public Aggregate withDivisor(double divisor, Set<Integer> indices) {
        for (int index : indices) {
            Objects.checkIndex(index, values.size());
        }
        return new Aggregate(
                form,
                spec,
                values,
                updateCount,
                totalWeight,
                tensors,
                remainders,
                new Divisor(divisor, new TreeSet<>(indices)),
                clientWeights);
    }

    /**
     * This aggregate of a rule that gave clients other weights than it was told, such as one that chooses among them: a client
     * that is not in the map has no part in it.
     *
     * @param weightByClient for the round's record, {@code > 0}
     */
    public Aggregate withClientWeights(Map<String, Double> weightByClient) {
        return new Aggregate(
                form, spec, values, updateCount, totalWeight, tensors, remainders, divisor, weightByClient);
    }

    /** The weights that a rule gave of its own; empty if it took those it was told. */
    public Map<String, Double> clientWeights() {
        return clientWeights;
    }

    /** Whether the values are those of a model or of a model delta. */
    public UpdateForm form() {
        return form;
    }

    /** The specification of the global model. */
    public ModelSpec spec() {
        return spec;
    }

    /** The values of the tensor at this place, to be read and changed in place. */
    public double[] values(int index) {
        double[] array = values.get(index);
        if (divisor.pending().contains(index)) {
            double value = divisor.value();
            for (int i = 0; i < array.length; i++) {
                array[i] /= value;
            }
            divisor.pending().remove(index);
        }
        return array;
    }

    /** What the values of 64-bit integer tensors leave out, by the tensor's place, as {@link #withRemainders} took it. */
    public Map<Integer, double[]> remainders() {
        return remainders;
    }

    /** From how many clients it comes. */
    public int updateCount() {
        return updateCount;
    }

    /** The sum of their weights. */
    public double totalWeight() {
        return totalWeight;
    }

    /** Combined side tensors by group. */
    public Map<String, Model> tensors() {
        return tensors;
    }

    /**
     * The model that this aggregate amounts to, in the types of its specification, each value rounded once: the values
     * themselves, or {@code global} plus them. Integer tensors are rounded to the nearest whole number.
     *
     * @throws InvalidUpdateException if an integer tensor cannot hold a value
     */
    public Model toModel(Model global) {
        List<Tensor> tensors = new ArrayList<>(spec.size());
        for (int i = 0; i < spec.size(); i++) {
            tensors.add(toTensor(global, i));
        }
        return Model.of(spec, tensors);
    }

    /** As {@link #toModel}, for the tensor at this place alone. */
    public Tensor toTensor(Model global, int index) {
        TensorSpec tensor = spec.tensors().get(index);
        double[] source = values.get(index);
        double denominator = divisor.of(index);
        Tensor start = global.tensors().get(index);
        try {
            if (tensor.type() == TensorType.INT64 || tensor.type() == TensorType.UINT64) {
                return toLongs(tensor, values(index), remainders.getOrDefault(index, new double[source.length]), start);
            }
            if (form == UpdateForm.MODEL) {
                return Tensor.rounded(tensor.type(), tensor.shape(), source, denominator);
            }
            // Block by block: into the aggregate's own array would change it, into another would be a second model.
            return Tensor.computed(tensor.type(), tensor.shape(), (from, block, count) -> {
                start.copyTo(from, block, 0, count);
                int offset = (int) from;
                for (int i = 0; i < count; i++) {
                    block[i] += source[offset + i] / denominator;
                }
            });
        } catch (IllegalArgumentException e) {
            throw InvalidUpdateException.ofTensor(tensor.name(), "leaves its type's range: " + e.getMessage());
        }
    }

    private Tensor toLongs(TensorSpec tensor, double[] source, double[] remainder, Tensor start) {
        long[] integers = form == UpdateForm.MODEL_DELTA ? start.toLongArray() : new long[source.length];
        boolean unsigned = tensor.type() == TensorType.UINT64;
        for (int i = 0; i < integers.length; i++) {
            double nearest = Math.rint(source[i]);
            double rest = Math.rint(source[i] - nearest + remainder[i]);
            BigInteger base =
                    unsigned ? new BigInteger(Long.toUnsignedString(integers[i])) : BigInteger.valueOf(integers[i]);
            BigInteger sum = base.add(new BigDecimal(nearest).toBigInteger()).add(new BigDecimal(rest).toBigInteger());
            if (unsigned ? sum.signum() < 0 || sum.bitLength() > 64 : sum.bitLength() > 63) {
                throw new IllegalArgumentException(tensor.type() + " cannot hold the value at " + i);
            }
            integers[i] = sum.longValue();
        }
        return Tensor.ofIntegers(tensor.type(), tensor.shape(), integers);
    }
}
