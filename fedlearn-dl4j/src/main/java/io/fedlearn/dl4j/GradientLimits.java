package io.fedlearn.dl4j;

import io.fedlearn.dl4j.Parameters.Parameter;
import java.util.ArrayList;
import java.util.List;
import org.deeplearning4j.nn.conf.GradientNormalization;

/**
 * DL4J's normalisation and clipping of gradients, on the flat array of the trainables: the same arithmetic, with norms summed
 * in double. Batch-norm's statistics, which DL4J lets count towards a layer's norm, do not. Immutable.
 */
final class GradientLimits {
    /** A piece of the flat array that is limited by itself. */
    private record Part(int from, int to, GradientNormalization kind, float threshold) {}

    private static final double SMALLEST_NORM = 1e-5;

    private final List<Part> parts;

    private GradientLimits(List<Part> parts) {
        this.parts = List.copyOf(parts);
    }

    /** What the configuration of the layers asks for. */
    static GradientLimits of(Parameters parameters) {
        List<Part> parts = new ArrayList<>();
        int at = 0;
        String layer = "";
        for (Parameter parameter : parameters.list()) {
            if (!parameter.isTrainable()) {
                continue;
            }
            int end = at + parameter.length();
            GradientNormalization kind = parameter.config().getGradientNormalization();
            if (kind != null && kind != GradientNormalization.None) {
                boolean whole = kind == GradientNormalization.RenormalizeL2PerLayer
                        || kind == GradientNormalization.ClipL2PerLayer;
                if (whole && parameter.layer().equals(layer)) {
                    Part last = parts.remove(parts.size() - 1);
                    parts.add(new Part(last.from(), end, kind, last.threshold()));
                } else {
                    float threshold = (float) parameter.config().getGradientNormalizationThreshold();
                    parts.add(new Part(at, end, kind, threshold));
                }
            }
            layer = parameter.layer();
            at = end;
        }
        return new GradientLimits(parts);
    }

    /** Limits a gradient in place. */
    void apply(float[] gradient) {
        for (Part part : parts) {
            switch (part.kind()) {
                case RenormalizeL2PerLayer, RenormalizeL2PerParamType -> {
                    double norm = norm(gradient, part);
                    divide(gradient, part, norm == 0 ? SMALLEST_NORM : norm);
                }
                case ClipL2PerLayer, ClipL2PerParamType -> {
                    double norm = norm(gradient, part);
                    if (norm > part.threshold()) {
                        divide(gradient, part, norm / part.threshold());
                    }
                }
                case ClipElementWiseAbsoluteValue -> {
                    for (int i = part.from(); i < part.to(); i++) {
                        gradient[i] = Math.max(-part.threshold(), Math.min(part.threshold(), gradient[i]));
                    }
                }
                default -> throw new IllegalStateException("unknown gradient normalisation " + part.kind());
            }
        }
    }

    private static double norm(float[] gradient, Part part) {
        double sum = 0;
        for (int i = part.from(); i < part.to(); i++) {
            sum += (double) gradient[i] * gradient[i];
        }
        return Math.sqrt(sum);
    }

    private static void divide(float[] gradient, Part part, double divisor) {
        for (int i = part.from(); i < part.to(); i++) {
            gradient[i] = (float) (gradient[i] / divisor);
        }
    }
}
