package io.fedlearn.testkit.contract;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.fedlearn.core.client.Client;
import io.fedlearn.core.client.PersonalModel;
import io.fedlearn.core.client.TaskDeclinedException;
import io.fedlearn.core.random.SeededRandom;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.task.Config;
import io.fedlearn.core.task.Task;
import io.fedlearn.core.task.TaskKind;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.update.UpdateCheck;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/**
 * Tests the rules of {@link Client}; a subclass supplies the client and the model it trains. Numbers in the names of the tests
 * are those of the rules.
 */
public abstract class ClientContract {
    private static final String CLIENT = "client";

    /** For subclasses. */
    protected ClientContract() {}

    /** A new client on the same data each time. It must not decline to train: it would have nothing to be tested by. */
    protected abstract Client create() throws Exception;

    /** A model that the client can train. */
    protected abstract Model global();

    /** What the client is told. By default nothing. */
    protected Config config() {
        return Config.empty();
    }

    private Task task(TaskKind kind, int round) {
        return Task.builder(kind, CLIENT)
                .round(round)
                .seed(SeededRandom.derive(3, round))
                .model(global())
                .config(config())
                .build();
    }

    private Map<String, Object> fit(Client client, int round, Contexts.Memory state) throws Exception {
        return Bits.copyOf(client.fit(task(TaskKind.FIT, round), Contexts.of(state)));
    }

    /** Compares all that there is, and names what differs: parts, tensors, and the first value. */
    private static void assertSame(String what, Object actual, Object expected) {
        if (!actual.equals(expected)) {
            throw new AssertionError(what + " differs from what it must be:\n  "
                    + String.join("\n  ", Bits.differences(actual, expected)));
        }
    }

    @Test
    @DisplayName("rule 1: the same task gives the same answer, from the same client and from another on the same data")
    void sameTaskGivesSameAnswer() throws Exception {
        Client client = create();
        Map<String, Object> first = fit(client, 1, new Contexts.Memory());

        assertSame("the same client's second answer", fit(client, 1, new Contexts.Memory()), first);
        assertSame("another client's answer", fit(create(), 1, new Contexts.Memory()), first);
    }

    @Test
    @DisplayName("rule 1: the same evaluation gives the same answer, unless the client declines")
    void sameEvaluationGivesSameAnswer() throws Exception {
        Client client = create();
        Task task = task(TaskKind.EVALUATE, 1);
        ClientUpdate first;
        try {
            first = client.evaluate(task, Contexts.idle());
        } catch (TaskDeclinedException e) {
            assertThat(e.getMessage()).isNotBlank();
            return;
        }

        assertThat(first.exampleCount()).isPositive();
        assertSame("the second evaluation", Bits.copyOf(client.evaluate(task, Contexts.idle())), Bits.copyOf(first));
        UpdateCheck.forModel(global().spec()).checkSizes(first);
    }

    @Test
    @DisplayName("rule 2: the task's model is not changed")
    void leavesTheTaskAsItIs() throws Exception {
        Task task = task(TaskKind.FIT, 1);
        Model before = Bits.copyOf(task.model());
        Client client = create();

        client.fit(task, Contexts.idle());
        assertSame("the task's model after training", Bits.copyOf(task.model()), before);

        try {
            client.evaluate(
                    task(TaskKind.EVALUATE, 1).toBuilder().model(task.model()).build(), Contexts.idle());
        } catch (TaskDeclinedException e) {
            assertThat(e.getMessage()).isNotBlank();
        }
        assertSame("the task's model after the evaluation", Bits.copyOf(task.model()), before);
    }

    @Test
    @DisplayName("rule 2: an answer does not change while the client works on later tasks")
    void answersDoNotChangeLater() throws Exception {
        Client client = create();
        ClientUpdate update = client.fit(task(TaskKind.FIT, 1), Contexts.idle());
        Map<String, Object> before = Bits.copyOf(update);

        fit(client, 2, new Contexts.Memory());
        fit(client, 3, new Contexts.Memory());

        assertSame("the first answer, two tasks later", Bits.copyOf(update), before);
    }

    @Test
    @DisplayName("rule 3: the answer has the names, types and shapes of the task's model, and passes the border")
    void answersWithTheModelsOwnTensors() throws Exception {
        ClientUpdate update = create().fit(task(TaskKind.FIT, 1), Contexts.idle());
        UpdateCheck check = UpdateCheck.forModel(global().spec());

        check.checkSizes(update);
        check.checkModel(update, global().spec());
    }

    @Test
    @DisplayName("rule 4: a client that is made anew for every round gives the same answers")
    void keepsStateInTheContextAlone() throws Exception {
        Client lasting = create();
        Contexts.Memory lastingState = new Contexts.Memory();
        Contexts.Memory state = new Contexts.Memory();
        List<Map<String, Object>> expected = new ArrayList<>();
        List<Map<String, Object>> actual = new ArrayList<>();

        for (int round = 1; round <= 3; round++) {
            expected.add(fit(lasting, round, lastingState));
            lastingState.accept();
            actual.add(fit(create(), round, state));
            state = state.accept().copy();
        }

        for (int round = 1; round <= 3; round++) {
            assertSame(
                    "round " + round + ", of a client that was made for it",
                    actual.get(round - 1),
                    expected.get(round - 1));
        }
    }

    @Test
    @DisplayName("rule 4: a round whose answer did not count is done again with the same answer")
    void aRepeatedRoundGivesSameAnswer() throws Exception {
        Client client = create();
        Contexts.Memory state = new Contexts.Memory();
        fit(client, 1, state);
        state.accept();
        Map<String, Object> second = fit(client, 2, state);

        state.reject();

        assertSame("round 2, done again", fit(client, 2, state), second);
    }

    @Test
    @DisplayName(
            "rule 6: a model that is fine-tuned stays at the site, the same for the same task, unless the client declines")
    void keepsAPersonalModelToItself() throws Exception {
        Task task = task(TaskKind.FINE_TUNE, 3);
        Contexts.Memory state = new Contexts.Memory();
        Contexts.Memory other = new Contexts.Memory();
        ClientUpdate first;
        try {
            first = create().perform(task, Contexts.of(state));
        } catch (TaskDeclinedException e) {
            assertThat(e.getMessage()).isNotBlank();
            return;
        }
        ClientUpdate second = create().perform(task, Contexts.of(other));

        assertThat(first.model()).as("the model in the answer").isEmpty();
        assertThat(first.tensors()).as("the tensors in the answer").isEmpty();
        UpdateCheck.forModel(global().spec()).checkSizes(first);
        assertSame("the second answer", Bits.copyOf(second), Bits.copyOf(first));
        Map<String, Model> kept = state.accept().values();
        assertThat(Optional.ofNullable(kept.get(PersonalModel.NAME)).map(Model::spec))
                .as("the personal model's tensors")
                .contains(global().spec());
        assertSame("the second personal model", other.accept().values(), kept);
    }

    @Test
    @DisplayName("rule 5: a kind of task that the client does not know is declined with a reason")
    void declinesUnknownKinds() throws Exception {
        Client client = create();

        assertThatExceptionOfType(TaskDeclinedException.class)
                .isThrownBy(() -> client.perform(task(new TaskKind("never-heard-of"), 1), Contexts.idle()))
                .withMessageMatching("(?s).*\\S.*");
    }
}
