package io.fedlearn.core.federation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import io.fedlearn.core.client.Client;
import io.fedlearn.core.client.TaskContext;
import io.fedlearn.core.record.OutcomeRecord;
import io.fedlearn.core.strategy.Aggregate;
import io.fedlearn.core.strategy.Exchange;
import io.fedlearn.core.strategy.RoundProtocol;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.task.Config;
import io.fedlearn.core.task.Task;
import io.fedlearn.core.task.TaskKind;
import io.fedlearn.core.task.UpdateForm;
import io.fedlearn.core.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/** A round of two exchanges, the second with those that answered the first, as secure aggregation has them. */
class SeveralExchangesTest {
    private static final class Step implements Exchange {
        private final TaskKind kind;
        private final List<String> clients;
        private final List<String> answered = new ArrayList<>();

        Step(TaskKind kind, List<String> clients) {
            this.kind = kind;
            this.clients = clients;
        }

        @Override
        public TaskKind kind() {
            return kind;
        }

        @Override
        public List<String> clients() {
            return clients;
        }

        @Override
        public void instruct(String clientId, Task.Builder task) {}

        @Override
        public void check(String clientId, ClientUpdate update) {}

        @Override
        public Map<String, String> accept(List<Answer> answers) {
            answers.forEach(answer -> answered.add(answer.clientId()));
            return Map.of();
        }
    }

    private static final class TwoSteps implements RoundProtocol {
        private final Context context;
        private final List<Step> steps = new ArrayList<>();

        TwoSteps(Context context) {
            this.context = context;
        }

        @Override
        public Optional<Exchange> next() {
            if (steps.size() == 2) {
                return Optional.empty();
            }
            steps.add(
                    steps.isEmpty()
                            ? new Step(new TaskKind("keys"), context.cohort())
                            : new Step(new TaskKind("masked"), steps.get(0).answered));
            return Optional.of(steps.get(steps.size() - 1));
        }

        @Override
        public Aggregate finish() {
            List<double[]> values = context.global().tensors().stream()
                    .map(Tensor::toDoubleArray)
                    .toList();
            return Aggregate.wrap(UpdateForm.MODEL, context.global().spec(), values, 2, 2);
        }

        @Override
        public Map<String, Contribution> contributions() {
            Map<String, Contribution> contributions = new TreeMap<>();
            steps.get(1).answered.forEach(client -> contributions.put(client, new Contribution(1, 0)));
            return contributions;
        }
    }

    private static Client failingAt(String kind) {
        return new Client() {
            @Override
            public ClientUpdate fit(Task task, TaskContext context) {
                throw new IllegalStateException("is not asked");
            }

            @Override
            public ClientUpdate perform(Task task, TaskContext context) {
                if (task.kind().equals(new TaskKind(kind))) {
                    throw new IllegalStateException("no");
                }
                return ClientUpdate.ofValues(Config.empty());
            }
        };
    }

    @Test
    void recordTellsOfClientsThatDroppedOutOfAnEarlierExchange() throws Exception {
        Run run = Federation.of(Map.of("a", failingAt("keys"), "b", failingAt("none"), "c", failingAt("masked")))
                .strategy(PlainMean.strategy().toBuilder()
                        .protocol((parts, context) -> new TwoSteps(context))
                        .build())
                .initialModel(DriftClient.model(3))
                .rounds(1)
                .federatedEvaluation(false)
                .run();
        assertThat(run.records().get(0).outcomes())
                .extracting(OutcomeRecord::clientId, OutcomeRecord::outcome, OutcomeRecord::weight)
                .containsExactly(tuple("a", "failed", 0.0), tuple("b", "completed", 1.0), tuple("c", "failed", 0.0));
    }
}
