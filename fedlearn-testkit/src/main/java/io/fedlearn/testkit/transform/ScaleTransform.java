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

/** Multiplies every floating-point value of the update's model by a factor. Immutable and thread-safe. */
public final class ScaleTransform implements UpdateTransform {
    /** The name under which a site finds it: {@value}. */
    public static final String NAME = "testkit-scale";

    /** Setting {@value}: every value is multiplied by it. */
    public static final String FACTOR = "factor";

    private final double factor;

    private ScaleTransform(double factor) {
        this.factor = factor;
    }

    /** A transform with this factor. */
    public static ScaleTransform of(double factor) {
        return new ScaleTransform(factor);
    }

    /** What a task says to have it applied. */
    public static TransformSpec spec(double factor) {
        return new TransformSpec(NAME, Config.empty().with(FACTOR, factor));
    }

    @Override
    public ClientUpdate apply(ClientUpdate update, TransformContext context) {
        Model model = update.model().orElseThrow(() -> InvalidUpdateException.of("the update holds no model"));
        List<Tensor> tensors = new ArrayList<>();
        for (Tensor tensor : model.tensors()) {
            tensors.add(tensor.type().isFloating() ? scale(tensor) : tensor);
        }
        return update.withModel(update.form(), Model.of(model.spec(), tensors));
    }

    private Tensor scale(Tensor tensor) {
        double[] values = tensor.toDoubleArray();
        for (int i = 0; i < values.length; i++) {
            values[i] *= factor;
        }
        return Tensor.rounded(tensor.type(), tensor.shape(), values);
    }

    @Override
    public String description() {
        return NAME + "(factor=" + factor + ")";
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
            return of(settings.getDouble(FACTOR)
                    .orElseThrow(() -> new IllegalArgumentException("setting 'factor' is missing")));
        }
    }
}
