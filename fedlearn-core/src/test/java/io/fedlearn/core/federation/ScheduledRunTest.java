package io.fedlearn.core.federation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.fedlearn.core.client.Client;
import io.fedlearn.core.client.TaskContext;
import io.fedlearn.core.record.RoundRecord;
import io.fedlearn.core.store.InMemoryRunStore;
import io.fedlearn.core.strategy.Strategy;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.task.Config;
import io.fedlearn.core.task.Task;
import io.fedlearn.core.training.LearningRateSchedule;
import io.fedlearn.core.training.TrainingSettings;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.junit.jupiter.api.Test;

/** What a learning-rate schedule does to a run. */
class ScheduledRunTest {
    private static final LearningRateSchedule HALVED = new LearningRateSchedule.Step(1, 0.5);

    /** Writes down by which rate it was told to train. */
    private static final class Told implements Client {
        private final Queue<Double> rates = new ConcurrentLinkedQueue<>();

        @Override
        public ClientUpdate fit(Task task, TaskContext context) {
            rates.add(TrainingSettings.of(task.config()).learningRate());
            return ClientUpdate.ofModel(DriftClient.drift(task), 1);
        }
    }

    private static Federation.Builder federation(Client client) {
        return Federation.of(Map.of("site", client))
                .strategy(PlainMean.strategy())
                .training(TrainingSettings.defaults().withLearningRate(0.4))
                .initialModel(DriftClient.model(3))
                .rounds(3);
    }

    @Test
    void clientsAreToldTheRateOfTheRoundAndTheRecordSaysIt() throws Exception {
        Told site = new Told();
        Run run = federation(site).learningRateSchedule(HALVED).run();
        assertThat(site.rates).containsExactly(0.4, 0.2, 0.1);
        assertThat(run.records())
                .extracting(RoundRecord::clientConfig)
                .extracting(told -> TrainingSettings.of(told).learningRate())
                .containsExactly(0.4, 0.2, 0.1);
        assertThat(run.header().settings().getString("learningRateSchedule")).contains("step:1:0.5");
    }

    @Test
    void runWithoutAScheduleIsRecordedAsBefore() throws Exception {
        Run run = federation(new Told()).run();
        assertThat(run.header().settings().asMap()).doesNotContainKey("learningRateSchedule");
    }

    @Test
    void whatAStrategyTellsASingleClientWins() throws Exception {
        Told site = new Told();
        Strategy strategy = PlainMean.strategy()
                .withInstructions(
                        "site at 0.7 in round 2",
                        (round, client) ->
                                round == 2 ? Config.empty().with(TrainingSettings.LEARNING_RATE, 0.7) : Config.empty());
        federation(site).strategy(strategy).learningRateSchedule(HALVED).run();
        assertThat(site.rates).containsExactly(0.4, 0.7, 0.1);
    }

    @Test
    void runThatGrowsGoesOnByTheSameSchedule() throws Exception {
        Told site = new Told();
        LearningRateSchedule cosine = LearningRateSchedule.cosine(2);
        InMemoryRunStore store = InMemoryRunStore.create();
        federation(site).learningRateSchedule(cosine).rounds(2).store(store).run();
        federation(site)
                .learningRateSchedule(cosine)
                .rounds(3)
                .store(store)
                .resume(true)
                .run();
        assertThat(List.copyOf(site.rates)).containsExactly(0.4, 0.2, 0.2);
    }

    @Test
    void runIsNotResumedByAnotherSchedule() throws Exception {
        InMemoryRunStore store = InMemoryRunStore.create();
        federation(new Told())
                .learningRateSchedule(LearningRateSchedule.cosine(3))
                .store(store)
                .run();
        assertThatExceptionOfType(ResumeRefusedException.class)
                .isThrownBy(() -> federation(new Told())
                        .learningRateSchedule(LearningRateSchedule.cosine(6))
                        .rounds(6)
                        .store(store)
                        .resume(true)
                        .run())
                .withMessageContaining("learningRateSchedule was cosine:3, is now cosine:6");
    }
}
