package io.fedlearn.testkit.transform;

import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.task.Config;
import io.fedlearn.core.task.TransformSpec;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.update.InvalidUpdateException;
import io.fedlearn.core.update.TransformContext;
import io.fedlearn.core.update.UpdateTransform;
import java.util.ArrayList;
import java.util.List;

/** Adds to every floating-point value of the update's model an offset. Immutable and thread-safe. */
public final class ShiftTransform implements UpdateTransform {
    /** The name under which a site finds it: {@value}. */
    public static final String NAME = "testkit-shift";

    /** Setting {@value}: every value is increased by it. */
    public static final String OFFSET = "offset";

    private final double offset;

    private ShiftTransform(double offset) {
        this.offset = offset;
    }

    /** A transform with this offset. */
    public static ShiftTransform of(double offset) {
        return new ShiftTransform(offset);
    }

    /** What a task says to have it applied. */
    public static TransformSpec spec(double offset) {
        return new TransformSpec(NAME, Config.empty().with(OFFSET, offset));
    }

    @Override
    public ClientUpdate apply(ClientUpdate update, TransformContext context) {
        Model model = update.model().orElseThrow(() -> InvalidUpdateException.of("the update holds no model"));
        List<Tensor> tensors = new ArrayList<>();
        for (Tensor tensor : model.tensors()) {
            tensors.add(tensor.type().isFloating() ? shift(tensor) : tensor);
        }
        return update.withModel(update.form(), Model.of(model.spec(), tensors));
    }

    private Tensor shift(Tensor tensor) {
        double[] values = tensor.toDoubleArray();
        for (int i = 0; i < values.length; i++) {
            values[i] += offset;
        }
        return Tensor.rounded(tensor.type(), tensor.shape(), values);
    }

    @Override
    public String description() {
        return NAME + "(offset=" + offset + ")";
    }

    /** Makes the transform from a task's settings. */
    public static final class Factory implements UpdateTransform.Factory {
        /** For the service loader. */
        public Factory() {}

        @Override
        public String name() {
            return NAME;
        }

        @Override
        public UpdateTransform create(Config settings) {
            return of(settings.getDouble(OFFSET)
                    .orElseThrow(() -> new IllegalArgumentException("setting 'offset' is missing")));
        }
    }
}
