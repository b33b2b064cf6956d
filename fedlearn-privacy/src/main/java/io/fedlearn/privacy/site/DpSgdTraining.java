package io.fedlearn.privacy.site;

import io.fedlearn.core.client.TaskContext;
import io.fedlearn.core.client.TaskDeclinedException;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.tensor.TensorRole;
import io.fedlearn.core.tensor.TensorSpec;
import io.fedlearn.core.training.Batch;
import io.fedlearn.core.training.ExampleSource;
import io.fedlearn.core.training.LocalModel;
import io.fedlearn.core.training.PerExampleGradients;
import io.fedlearn.core.training.TrainingSettings;
import io.fedlearn.privacy.accounting.PrivacyEvent;
import io.fedlearn.privacy.internal.GridClipping;
import io.fedlearn.privacy.internal.GridSampler;
import io.fedlearn.privacy.internal.NoiseSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/** The steps of DP-SGD at one site, with the settings that the site decides. Immutable and thread-safe. */
final class DpSgdTraining {
    private static final System.Logger LOG = System.getLogger(DpSgdTraining.class.getName());

    private final double clippingNorm;
    private final double noiseMultiplier;
    private final SecretSampling sampling;
    private final long declaredPersons;
    private final Set<String> trained;
    private final GridSampler noise;

    private DpSgdTraining(
            double clippingNorm,
            double noiseMultiplier,
            SecretSampling sampling,
            long declaredPersons,
            Set<String> trained,
            GridSampler noise) {
        this.clippingNorm = clippingNorm;
        this.noiseMultiplier = noiseMultiplier;
        this.sampling = sampling;
        this.declaredPersons = declaredPersons;
        this.trained = trained;
        this.noise = noise;
    }

    static DpSgdTraining of(
            double clippingNorm,
            double noiseMultiplier,
            SecretSampling sampling,
            long declaredPersons,
            Set<String> trained) {
        // Made once to refuse what is out of range, and its bound to set the noise.
        GridClipping clipping = GridClipping.l2(clippingNorm);
        PrivacyEvent.Gaussian event = new PrivacyEvent.Gaussian(noiseMultiplier);
        if (declaredPersons < 1) {
            throw new IllegalArgumentException("declaredPersons must be >= 1, was " + declaredPersons);
        }
        return new DpSgdTraining(
                clippingNorm,
                event.noiseMultiplier(),
                sampling,
                declaredPersons,
                Set.copyOf(trained),
                SiteNoise.gaussian(noiseMultiplier, clipping.bound()));
    }

    PrivacyEvent event(long steps) {
        return event(steps, sampling, noiseMultiplier);
    }

    static PrivacyEvent event(long steps, SecretSampling sampling, double noiseMultiplier) {
        return new PrivacyEvent.Repeated(
                steps, new PrivacyEvent.PoissonSampled(sampling.rate(), new PrivacyEvent.Gaussian(noiseMultiplier)));
    }

    double noiseMultiplier() {
        return noiseMultiplier;
    }

    SecretSampling sampling() {
        return sampling;
    }

    long declaredPersons() {
        return declaredPersons;
    }

    /** Declines for what depends on model, settings and shapes alone, before anything is debited. */
    void requireTrainable(LocalModel model, Model global, PersonExamples persons, TrainingSettings settings) {
        requireSameTensors(model, global);
        ExampleSource source = persons.source();
        if (model.featureShape().elementCount() != source.featureShape().elementCount()) {
            throw new TaskDeclinedException("the model takes features of shape " + model.featureShape()
                    + ", this site's have shape " + source.featureShape());
        }
        if (!(model instanceof PerExampleGradients)) {
            for (TensorSpec tensor : global.spec().tensors()) {
                if (tensor.role() != TensorRole.TRAINABLE) {
                    throw new TaskDeclinedException("a model without per-example gradients can be trained privately"
                            + " only without buffers and counters, which would change without noise: " + tensor);
                }
            }
        }
        try {
            TrainedPart.of(global.spec(), trained);
        } catch (IllegalArgumentException e) {
            throw new TaskDeclinedException("this site trains only " + trained + ": " + e.getMessage());
        }
        if (!trained.isEmpty() && settings.weightDecay() > 0) {
            throw new TaskDeclinedException(
                    "weightDecay must be 0 where some tensors alone are trained, was " + settings.weightDecay());
        }
    }

    void requireSameTensors(LocalModel model, Model global) {
        if (!model.spec().equals(global.spec())) {
            throw new TaskDeclinedException("this site trains another model: its tensors are "
                    + model.spec().tensors() + ", the task's are "
                    + global.spec().tensors());
        }
    }

    void train(LocalModel model, PersonExamples persons, TrainingSettings settings, long steps, TaskContext context)
            throws InterruptedException {
        NoiseSource secret = NoiseSource.secure();
        // Secret, too: what is random in the model must not follow from who else was sampled.
        model.startTraining(settings, secret.nextLong());
        float[] start = model.trainables().clone();
        PersonGradient person = new PersonGradient(model);
        PrivateGradient gradient = new PrivateGradient(
                TrainedPart.of(model.spec(), trained),
                GridClipping.l2(clippingNorm),
                noise,
                sampling.rate() * declaredPersons);
        float[] step = new float[start.length];
        int[] sample = new int[persons.personCount()];
        long stepsPerEpoch = sampling.stepsPerEpoch();
        try (PersonReader reader = new PersonReader(persons, secret)) {
            for (long done = 0; done < steps; done++) {
                if (context.isCancelled() || Thread.interrupted()) {
                    throw new InterruptedException("local training was cancelled");
                }
                if (done % stepsPerEpoch == 0) {
                    model.beginEpoch((int) (done / stepsPerEpoch));
                }
                int count = sampling.draw(sample.length, secret, sample);
                reader.forEach(sample, count, records -> person.addTo(gradient, records));
                gradient.finish(secret, step);
                pull(step, model.trainables(), start, (float) settings.mu());
                model.applyGradient(step);
                if ((done + 1) % stepsPerEpoch == 0 || done + 1 == steps) {
                    model.endEpoch((int) (done / stepsPerEpoch));
                }
                context.progress(done + 1, steps);
            }
        }
        if (person.leftOut() > 0) {
            LOG.log(
                    System.Logger.Level.WARNING,
                    () -> "gradients could not be computed, or were not finite, " + person.leftOut()
                            + " times, and were left out");
        }
    }

    /** FedProx's proximal term; of tensors that are not trained both sides are equal. */
    private static void pull(float[] gradient, float[] trainables, float[] start, float mu) {
        if (mu > 0) {
            for (int i = 0; i < gradient.length; i++) {
                gradient[i] += mu * (trainables[i] - start[i]);
            }
        }
    }

    /**
     * The task's model with the trained tensors in place of its own.
     *
     * @throws TaskDeclinedException if training has changed a buffer or counter: gradients then depended on several persons
     */
    Model released(LocalModel model, Model global) {
        Model now = model.snapshot();
        List<Tensor> tensors = new ArrayList<>(global.spec().size());
        for (int i = 0; i < global.spec().size(); i++) {
            TensorSpec tensor = global.spec().tensors().get(i);
            boolean released = TrainedPart.isTrained(tensor, trained);
            tensors.add((released ? now : global).tensors().get(i));
            if (tensor.role() != TensorRole.TRAINABLE
                    && !now.tensors().get(i).equals(global.tensors().get(i))) {
                throw new TaskDeclinedException("training changes " + tensor
                        + " without noise, so that this model cannot" + " be trained privately");
            }
        }
        return Model.of(global.spec(), tensors);
    }

    @Override
    public String toString() {
        return "clippingNorm=" + clippingNorm + ", noiseMultiplier=" + noiseMultiplier + ", samplingRate="
                + sampling.rate() + ", declaredPersons=" + declaredPersons
                + (trained.isEmpty() ? "" : ", trainOnly=" + trained);
    }

    /** The gradient of one person's records. */
    private static final class PersonGradient {
        private final LocalModel model;
        private final float[] mean;
        private long leftOut;

        PersonGradient(LocalModel model) {
            this.model = model;
            this.mean = new float[model.trainables().length];
        }

        long leftOut() {
            return leftOut;
        }

        /** Depends on this person's records and the parameters alone, since the model is given nothing else. */
        void addTo(PrivateGradient sum, Batch records) {
            try {
                compute(records);
            } catch (RuntimeException e) {
                // Not passed on: that there is a record which the model cannot take would be released without noise.
                leftOut++;
                return;
            }
            if (!sum.add(mean)) {
                leftOut++;
            }
        }

        private void compute(Batch records) {
            if (!(model instanceof PerExampleGradients perExample)) {
                model.lossAndGradient(records, mean);
                return;
            }
            float share = 1f / records.size();
            perExample.forEachGradient(records, (example, loss, gradient) -> {
                if (records.size() == 1) {
                    System.arraycopy(gradient, 0, mean, 0, mean.length);
                    return;
                }
                for (int i = 0; i < mean.length; i++) {
                    mean[i] = (example == 0 ? 0 : mean[i]) + share * gradient[i];
                }
            });
        }
    }
}
