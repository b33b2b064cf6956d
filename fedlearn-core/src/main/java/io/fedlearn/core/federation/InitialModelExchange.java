package io.fedlearn.core.federation;

import io.fedlearn.core.strategy.Exchange;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.task.Task;
import io.fedlearn.core.task.TaskKind;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.update.InvalidUpdateException;
import io.fedlearn.core.update.UpdateCheck;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Asks one site for the model to start from. */
final class InitialModelExchange implements Exchange {
    private final String client;
    private Optional<Model> model = Optional.empty();

    InitialModelExchange(String client) {
        this.client = client;
    }

    @Override
    public TaskKind kind() {
        return TaskKind.INITIAL_MODEL;
    }

    @Override
    public List<String> clients() {
        return List.of(client);
    }

    @Override
    public void instruct(String clientId, Task.Builder task) {}

    @Override
    public void check(String clientId, ClientUpdate update) {
        new UpdateCheck(Long.MAX_VALUE, UpdateCheck.DEFAULT_MAX_EXAMPLE_COUNT).checkSizes(update);
        if (update.model().isEmpty() || update.model().get().spec().trainableCount() == 0) {
            throw InvalidUpdateException.of("the answer holds no model with a trainable parameter");
        }
    }

    @Override
    public Map<String, String> accept(List<Answer> answers) {
        for (Answer answer : answers) {
            model = answer.update().model();
        }
        return Map.of();
    }

    Optional<Model> model() {
        return model;
    }
}
