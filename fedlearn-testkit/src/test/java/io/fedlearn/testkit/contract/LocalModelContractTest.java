package io.fedlearn.testkit.contract;

import static org.assertj.core.api.Assertions.assertThat;

import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.training.Batch;
import io.fedlearn.core.training.LocalModel;
import io.fedlearn.core.training.TrainingSettings;
import java.util.List;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

class LocalModelContractTest {
    @Nested
    class OnLinearRegression extends LocalModelContract {
        @Override
        protected LocalModel create() {
            return new LinearModel();
        }
    }

    @FailsOnPurpose
    static class WrongGradient extends LocalModelContract {
        @Override
        protected LocalModel create() {
            return new LinearModel() {
                @Override
                public double lossAndGradient(Batch batch, float[] gradient) {
                    double loss = super.lossAndGradient(batch, gradient);
                    gradient[1] *= 1.05f;
                    return loss;
                }
            };
        }
    }

    @FailsOnPurpose
    static class SumInsteadOfMean extends LocalModelContract {
        @Override
        protected LocalModel create() {
            return new LinearModel() {
                @Override
                public double lossAndGradient(Batch batch, float[] gradient) {
                    double loss = super.lossAndGradient(batch, gradient);
                    for (int j = 0; j < gradient.length; j++) {
                        gradient[j] *= batch.size();
                    }
                    return loss * batch.size();
                }
            };
        }
    }

    @FailsOnPurpose
    static class AddsToTheGradient extends LocalModelContract {
        @Override
        protected LocalModel create() {
            return new LinearModel() {
                @Override
                public double lossAndGradient(Batch batch, float[] gradient) {
                    float before = gradient[0];
                    double loss = super.lossAndGradient(batch, gradient);
                    gradient[0] += before;
                    return loss;
                }
            };
        }
    }

    @FailsOnPurpose
    static class KeepsItsMomentum extends LocalModelContract {
        @Override
        protected LocalModel create() {
            return new LinearModel() {
                private boolean started;

                @Override
                public void startTraining(TrainingSettings settings, long seed) {
                    if (!started) {
                        super.startTraining(settings, seed);
                    }
                    started = true;
                }
            };
        }
    }

    @FailsOnPurpose
    static class LendsItsParameters extends LocalModelContract {
        @Override
        protected LocalModel create() {
            return new LinearModel() {
                private final float[] lent = new float[FEATURES];

                @Override
                public Model snapshot() {
                    System.arraycopy(parameters, 0, lent, 0, FEATURES);
                    return Model.of(spec(), List.of(Tensor.wrap(lent), Tensor.scalar(parameters[FEATURES])));
                }
            };
        }
    }

    @FailsOnPurpose
    static class LosesTheBias extends LocalModelContract {
        @Override
        protected LocalModel create() {
            return new LinearModel() {
                @Override
                public void load(Model model) {
                    super.load(model);
                    parameters[FEATURES] = 0;
                }
            };
        }
    }

    @FailsOnPurpose
    static class Climbs extends LocalModelContract {
        @Override
        protected LocalModel create() {
            return new LinearModel() {
                @Override
                public void applyGradient(float[] gradient) {
                    for (int j = 0; j < gradient.length; j++) {
                        gradient[j] = -gradient[j];
                    }
                    super.applyGradient(gradient);
                }
            };
        }
    }

    @FailsOnPurpose
    static class SkipsAnExample extends LocalModelContract {
        @Override
        protected LocalModel create() {
            return new LinearModel() {
                @Override
                public void forEachGradient(Batch batch, Receiver receiver) {
                    super.forEachGradient(batch, (example, loss, gradient) -> {
                        gradient[0] *= example == 3 ? 0 : 1;
                        receiver.accept(example, loss, gradient);
                    });
                }
            };
        }
    }

    @FailsOnPurpose
    static class MeanInEvaluation extends LocalModelContract {
        @Override
        protected LocalModel create() {
            return new LinearModel() {
                @Override
                public double evaluate(Batch batch, float[] outputs) {
                    return super.evaluate(batch, outputs) / batch.size();
                }
            };
        }
    }

    @Test
    void findsAWrongGradient() {
        assertThat(SuiteRun.failures(WrongGradient.class)).contains("gradientAgreesWithDifferences");
    }

    @Test
    void findsSumsForMeans() {
        assertThat(SuiteRun.failures(SumInsteadOfMean.class)).contains("lossAndGradientAreMeans");
    }

    @Test
    void findsGradientsThatAreAddedUp() {
        assertThat(SuiteRun.failures(AddsToTheGradient.class)).contains("ignoresWhatWasThereBefore");
    }

    @Test
    void findsMomentumThatIsKept() {
        assertThat(SuiteRun.failures(KeepsItsMomentum.class)).contains("startTrainingForgets");
    }

    @Test
    void findsSnapshotsThatChange() {
        assertThat(SuiteRun.failures(LendsItsParameters.class)).contains("snapshotsStay");
    }

    @Test
    void findsParametersThatAreLost() {
        assertThat(SuiteRun.failures(LosesTheBias.class))
                .contains("snapshotGivesWhatWasLoaded", "trainablesAreTheTensorsInOrder");
    }

    @Test
    void findsStepsInTheWrongDirection() {
        assertThat(SuiteRun.failures(Climbs.class)).containsExactly("stepsDescend");
    }

    @Test
    void findsPerExampleGradientsThatDoNotAddUp() {
        assertThat(SuiteRun.failures(SkipsAnExample.class)).containsExactly("perExampleGradientsAverageToTheBatchs");
    }

    @Test
    void findsEvaluationsOfTheMean() {
        assertThat(SuiteRun.failures(MeanInEvaluation.class)).containsExactly("evaluationAgreesWithTraining");
    }
}
