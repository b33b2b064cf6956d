package io.fedlearn.core.training;

import io.fedlearn.core.client.TaskContext;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.task.Task;
import io.fedlearn.core.task.UpdateForm;
import io.fedlearn.core.tensor.Model;

/** Corrections of {@link MeanModel} that do not commute, found by name as a method's are. */
final class NamedCorrections {
    private NamedCorrections() {}

    /** Adds 1 to the start, to each gradient and to what is sent. */
    public static final class PlusOne implements LocalCorrection.Factory {
        /** For the service loader. */
        public PlusOne() {}

        @Override
        public String name() {
            return "plus-one";
        }

        @Override
        public boolean changesStart() {
            return true;
        }

        @Override
        public LocalCorrection create(Task task, TaskContext context) {
            return new LocalCorrection() {
                @Override
                public Model startFrom(Model global) {
                    return MeanModel.model(value(global) + 1);
                }

                @Override
                public void correct(float[] gradient, float[] trainables) {
                    gradient[0] += 1;
                }

                @Override
                public ClientUpdate complete(ClientUpdate update, LocalTrainer.Result result) {
                    return update.withModel(
                            UpdateForm.MODEL,
                            MeanModel.model(value(update.model().orElseThrow()) + 1));
                }
            };
        }
    }

    /** Doubles each of them; its start is the global model as far as fine-tuning is concerned. */
    public static final class Doubled implements LocalCorrection.Factory {
        /** For the service loader. */
        public Doubled() {}

        @Override
        public String name() {
            return "doubled";
        }

        @Override
        public LocalCorrection create(Task task, TaskContext context) {
            return new LocalCorrection() {
                @Override
                public Model startFrom(Model global) {
                    return MeanModel.model(2 * value(global));
                }

                @Override
                public void correct(float[] gradient, float[] trainables) {
                    gradient[0] *= 2;
                }

                @Override
                public ClientUpdate complete(ClientUpdate update, LocalTrainer.Result result) {
                    return update.withModel(
                            UpdateForm.MODEL,
                            MeanModel.model(2 * value(update.model().orElseThrow())));
                }
            };
        }
    }

    private static float value(Model model) {
        return model.tensors().get(0).toFloatArray()[0];
    }
}
