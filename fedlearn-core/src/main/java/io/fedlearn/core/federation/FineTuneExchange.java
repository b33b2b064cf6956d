package io.fedlearn.core.federation;

import io.fedlearn.core.runtime.Runtime;
import io.fedlearn.core.strategy.Capability;
import io.fedlearn.core.strategy.ClientInfo;
import io.fedlearn.core.strategy.Exchange;
import io.fedlearn.core.strategy.StrategyParts;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.task.Config;
import io.fedlearn.core.task.Task;
import io.fedlearn.core.task.TaskKind;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.training.TrainingSettings;
import io.fedlearn.core.update.InvalidUpdateException;
import io.fedlearn.core.update.UpdateCheck;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;

/** Asks sites to make a model their own. What they answer is in their outcomes. */
final class FineTuneExchange implements Exchange {
    /** What clients and the way to them must be able to do. */
    static final Set<Capability> REQUIREMENTS =
            Set.of(Capability.FURTHER_TASK_KINDS, Capability.CLIENT_STATE, Capability.STABLE_IDENTITY);

    private static final UpdateCheck CHECK = new UpdateCheck(1 << 20, UpdateCheck.DEFAULT_MAX_EXAMPLE_COUNT);

    private final List<String> clients;
    private final Model model;
    private final Function<String, Config> config;

    FineTuneExchange(List<String> clients, Model model, Function<String, Config> config) {
        this.clients = clients;
        this.model = model;
        this.config = config;
    }

    /** Asks all clients that are there, with the state that they have at the end of the run. */
    static FineTuning ask(Federation federation, Runtime runtime, Run run, Model model, TrainingSettings settings)
            throws InterruptedException {
        int round = run.records().size();
        Progress progress = new Progress(Optional.empty(), 0, false);
        run.records().forEach(progress::add);
        StrategyParts parts = federation.strategy().start(federation.trainingConfig());
        FineTuneExchange exchange = new FineTuneExchange(
                runtime.clients().stream().map(ClientInfo::id).toList(),
                model,
                clientId -> parts.clientConfig(round, clientId).with(settings.toConfig()));
        Exchanger exchanger = new Exchanger(federation, runtime);
        exchanger.runId(run.header().runId());
        return new FineTuning(
                run.header().runId(),
                round,
                exchanger.ask(exchange, round, progress::participation).stream()
                        .map(FineTuning.Site::new)
                        .toList());
    }

    @Override
    public TaskKind kind() {
        return TaskKind.FINE_TUNE;
    }

    @Override
    public List<String> clients() {
        return clients;
    }

    @Override
    public void instruct(String clientId, Task.Builder task) {
        task.model(model).config(config.apply(clientId));
    }

    @Override
    public void check(String clientId, ClientUpdate update) {
        CHECK.checkSizes(update);
        if (update.model().isPresent() || !update.tensors().isEmpty()) {
            throw InvalidUpdateException.of("the answer holds tensors: what is fine-tuned stays at its site");
        }
    }

    @Override
    public Map<String, String> accept(List<Answer> answers) {
        return Map.of();
    }
}
