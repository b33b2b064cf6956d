package io.fedlearn.testkit.fault;

import io.fedlearn.core.client.Client;
import io.fedlearn.core.client.TaskContext;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.task.Task;
import io.fedlearn.core.task.TaskKind;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/**
 * A client that does what another client does, except where its script says how it goes wrong:
 *
 * <pre>{@code
 * Client shaky = FaultyClient.around(hospital).inRound(3, Fault.nan()).inRound(5, Fault.hang());
 * Client broken = FaultyClient.around(hospital).always(Fault.throwing("disk full"));
 * }</pre>
 *
 * <p>A fault of a round goes before one that is there always. Immutable, and as thread-safe as its client and faults are.
 */
public final class FaultyClient implements Client {
    private record Place(TaskKind kind, int round) {}

    private final Client client;
    private final Map<Place, Fault> rounds;
    private final Map<TaskKind, Fault> kinds;

    private FaultyClient(Client client, Map<Place, Fault> rounds, Map<TaskKind, Fault> kinds) {
        this.client = client;
        this.rounds = Map.copyOf(rounds);
        this.kinds = Map.copyOf(kinds);
    }

    /** A client that does what this one does, until faults are added. */
    public static FaultyClient around(Client client) {
        return new FaultyClient(client, Map.of(), Map.of());
    }

    /** This client with a fault in the training of one round. */
    public FaultyClient inRound(int round, Fault fault) {
        return inRound(round, TaskKind.FIT, fault);
    }

    /** This client with a fault in one round's tasks of one kind. */
    public FaultyClient inRound(int round, TaskKind kind, Fault fault) {
        Map<Place, Fault> copy = new HashMap<>(rounds);
        copy.put(new Place(kind, round), fault);
        return new FaultyClient(client, copy, kinds);
    }

    /** This client with a fault in the training of every round. */
    public FaultyClient always(Fault fault) {
        return always(TaskKind.FIT, fault);
    }

    /** This client with a fault in every task of one kind. */
    public FaultyClient always(TaskKind kind, Fault fault) {
        Map<TaskKind, Fault> copy = new HashMap<>(kinds);
        copy.put(kind, fault);
        return new FaultyClient(client, rounds, copy);
    }

    private Optional<Fault> fault(Task task) {
        return Optional.ofNullable(rounds.get(new Place(task.kind(), task.round())))
                .or(() -> Optional.ofNullable(kinds.get(task.kind())));
    }

    private ClientUpdate answer(Task task, TaskContext context, Fault.Honest honest) throws Exception {
        Optional<Fault> fault = fault(task);
        return fault.isPresent() ? fault.get().answer(task, context, honest) : honest.answer();
    }

    @Override
    public ClientUpdate fit(Task task, TaskContext context) throws Exception {
        return answer(task, context, () -> client.fit(task, context));
    }

    @Override
    public ClientUpdate evaluate(Task task, TaskContext context) throws Exception {
        return answer(task, context, () -> client.evaluate(task, context));
    }

    @Override
    public ClientUpdate perform(Task task, TaskContext context) throws Exception {
        return answer(task, context, () -> client.perform(task, context));
    }
}
