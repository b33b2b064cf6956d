package io.fedlearn.core.federation;

import static org.assertj.core.api.Assertions.assertThat;

import io.fedlearn.core.runtime.TaskListener;
import io.fedlearn.core.strategy.ClientInfo;
import io.fedlearn.core.task.ClientOutcome;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.task.Config;
import io.fedlearn.core.task.Task;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** A runtime may hold the listener of a client that was given up for as long as that client may still answer. */
class LateAnswersTest {
    private static final Model MODEL = Model.builder()
            .trainable("weight", Tensor.copyOf(new float[] {1, 2}, 2))
            .build();

    private final SlowClient runtime = new SlowClient();

    /** Client b leaves its first task alone until the third round is under way. Like a network, it keeps no more than a name. */
    private static final class SlowClient extends ReorderingRuntime {
        private final List<TaskListener> kept = new ArrayList<>();
        private final List<Task> names = new ArrayList<>();
        private final List<Boolean> spoolsBefore = new ArrayList<>();
        private final List<Boolean> spoolsAfter = new ArrayList<>();

        SlowClient() {
            super(Map.of("a", new DriftClient(1)), 1);
        }

        @Override
        public List<ClientInfo> clients() {
            return List.of(new ClientInfo("a", Config.empty()), new ClientInfo("b", Config.empty()));
        }

        @Override
        public void submit(Task task, TaskListener listener) {
            if (task.clientId().equals("a")) {
                super.submit(task, listener);
                return;
            }
            if (task.round() == 1) {
                kept.add(listener);
                names.add(Task.builder(task.kind(), "b")
                        .runId(task.runId())
                        .round(1)
                        .build());
                spoolsBefore.add(listener.spool().isPresent());
            }
            if (task.round() == 3) {
                spoolsAfter.add(kept.get(0).spool().isPresent());
                kept.get(0).finished(names.get(0), new ClientOutcome.Completed(ClientUpdate.ofModel(MODEL, 1)));
            }
        }
    }

    private Run run() throws InterruptedException {
        return Federation.of(runtime)
                .strategy(PlainMean.strategy())
                .initialModel(MODEL)
                .rounds(3)
                .runId("slow")
                .policy(RoundPolicy.defaults().withQuorum(1).withCloseAfter(1))
                .federatedEvaluation(false)
                .run();
    }

    @Test
    void reachTheRecordOfTheRoundInWhichTheyCome() throws Exception {
        Run run = run();

        assertThat(run.records().get(1).lateUpdates()).isEmpty();
        assertThat(run.records().get(2).lateUpdates())
                .containsExactly(runtime.names.get(0).id());
    }

    @Test
    void doNotReachTheExchangeThatHasGivenThemUp() throws Exception {
        run();

        assertThat(runtime.spoolsBefore).containsExactly(true);
        assertThat(runtime.spoolsAfter).containsExactly(false);
    }
}
