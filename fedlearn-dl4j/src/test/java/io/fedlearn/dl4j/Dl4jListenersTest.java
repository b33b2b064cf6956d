package io.fedlearn.dl4j;

import static org.assertj.core.api.Assertions.assertThat;

import io.fedlearn.core.training.InMemoryExamples;
import io.fedlearn.core.training.LocalTrainer;
import io.fedlearn.core.training.Objective;
import io.fedlearn.core.training.TrainingSettings;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.optimize.api.TrainingListener;
import org.deeplearning4j.optimize.listeners.CollectScoresIterationListener;
import org.deeplearning4j.optimize.listeners.PerformanceListener;
import org.deeplearning4j.optimize.listeners.ScoreIterationListener;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.ndarray.INDArray;

class Dl4jListenersTest {
    private static final class Recorder implements TrainingListener {
        private final List<String> events = new ArrayList<>();

        @Override
        public void iterationDone(Model model, int iteration, int epoch) {
            events.add("done " + iteration + "/" + epoch + " " + Double.isFinite(model.score()));
        }

        @Override
        public void onEpochStart(Model model) {
            events.add("start");
        }

        @Override
        public void onEpochEnd(Model model) {
            events.add("end");
        }

        @Override
        public void onForwardPass(Model model, List<INDArray> activations) {
            events.add("forward");
        }

        @Override
        public void onForwardPass(Model model, Map<String, INDArray> activations) {
            events.add("forward");
        }

        @Override
        public void onGradientCalculation(Model model) {
            events.add("gradient " + model.gradient().gradientForVariable().size());
        }

        @Override
        public void onBackwardPass(Model model) {
            events.add("backward");
        }
    }

    private static void train(Dl4jModel model) throws InterruptedException {
        InMemoryExamples examples = InMemoryExamples.wrap(Networks.FEATURES, new float[18], new float[] {0, 1, 1});
        LocalTrainer.train(
                model,
                examples,
                TrainingSettings.defaults().withLocalEpochs(2).withBatchSize(2),
                List.of(),
                1,
                new IdleContext());
    }

    @Test
    void areToldOfPassesIterationsAndEpochs() throws InterruptedException {
        for (boolean graph : new boolean[] {false, true}) {
            Recorder recorder = new Recorder();
            Dl4jModel model = (graph
                            ? Dl4jModel.builder(Networks.residual(), Networks.FEATURES, Objective.BINARY)
                            : Dl4jModel.builder(Networks.dense(), Networks.FEATURES, Objective.MULTICLASS))
                    .listeners(recorder)
                    .build();
            String gradient = graph ? "gradient 6" : "gradient 4";

            train(model);
            train(model);

            List<String> once = List.of(
                    "start",
                    "forward",
                    "backward",
                    gradient,
                    "done 0/0 true",
                    "forward",
                    "backward",
                    gradient,
                    "done 1/0 true",
                    "end",
                    "start",
                    "forward",
                    "backward",
                    gradient,
                    "done 2/1 true",
                    "forward",
                    "backward",
                    gradient,
                    "done 3/1 true",
                    "end");
            List<String> twice = new ArrayList<>(once);
            twice.addAll(once);
            assertThat(recorder.events).isEqualTo(twice);
        }
    }

    @Test
    void mayBeThoseOfDl4j() throws InterruptedException {
        CollectScoresIterationListener scores = new CollectScoresIterationListener();

        train(Dl4jModel.builder(Networks.dense(), Networks.FEATURES, Objective.MULTICLASS)
                .listeners(scores, new ScoreIterationListener(1), new PerformanceListener(1, true))
                .build());

        assertThat(scores.getScoreVsIter().getEffectiveScores()).hasSize(4);
    }
}
