package io.fedlearn.core.federation;

import io.fedlearn.core.random.SeededRandom;
import io.fedlearn.core.record.OutcomeRecord;
import io.fedlearn.core.runtime.Runtime;
import io.fedlearn.core.strategy.Exchange;
import io.fedlearn.core.strategy.Participation;
import io.fedlearn.core.task.Task;
import io.fedlearn.core.update.UpdateSpool;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.Function;

/** Puts exchanges to the clients of a runtime, as a federation's policy says. Confined to one thread at a time. */
final class Exchanger {
    private final Federation federation;
    private final Runtime runtime;
    private final Listeners listeners;
    // Hear of single clients, which is more than some strategies disclose.
    private final Listeners clientListeners;
    private final Queue<String> lateUpdates = new ConcurrentLinkedQueue<>();
    private String runId;

    Exchanger(Federation federation, Runtime runtime) {
        this.federation = federation;
        this.runtime = runtime;
        this.listeners = new Listeners(federation.listeners);
        this.clientListeners = federation.isWithheld() ? new Listeners(List.of()) : listeners;
        this.runId = federation.runId;
    }

    Listeners listeners() {
        return listeners;
    }

    String runId() {
        return runId;
    }

    /** Takes the name of a run that is resumed or replayed. */
    void runId(String id) {
        runId = id;
    }

    /** An exchange of a round's training: it closes when the policy says that it has enough. */
    List<OutcomeRecord> train(
            Exchange exchange, int round, int number, Function<String, Participation> participation, UpdateSpool spool)
            throws InterruptedException {
        return run(exchange, round, number, participation, federation.policy.closeAfter(), spool);
    }

    /** An exchange outside training, with clients that have no past: all answers are waited for. */
    List<OutcomeRecord> ask(Exchange exchange, int round) throws InterruptedException {
        return ask(exchange, round, clientId -> Participation.none());
    }

    /** An exchange outside training: all answers are waited for. */
    List<OutcomeRecord> ask(Exchange exchange, int round, Function<String, Participation> participation)
            throws InterruptedException {
        try (UpdateSpool spool = federation.newSpool()) {
            return run(exchange, round, 0, participation, OptionalInt.empty(), spool);
        }
    }

    private List<OutcomeRecord> run(
            Exchange exchange,
            int round,
            int number,
            Function<String, Participation> participation,
            OptionalInt closeAfter,
            UpdateSpool spool)
            throws InterruptedException {
        ExchangeRun.Limits limits = new ExchangeRun.Limits(
                closeAfter, federation.policy.clientDeadline(), federation.policy.roundDeadline());
        return new ExchangeRun(
                        exchange,
                        round,
                        clientId -> newTask(exchange, round, number, clientId, participation.apply(clientId)),
                        runtime,
                        limits,
                        federation.inFlightBytes,
                        spool,
                        clientListeners,
                        lateUpdates::add)
                .run();
    }

    private Task.Builder newTask(
            Exchange exchange, int round, int number, String clientId, Participation participation) {
        Task.Builder task = Task.builder(exchange.kind(), clientId)
                .runId(runId)
                .round(round)
                .exchange(number)
                .seed(SeededRandom.derive(SeededRandom.derive(federation.seed, round), clientId));
        participation.lastAcceptedRound().ifPresent(task::lastAcceptedRound);
        participation.previousAcceptedRound().ifPresent(task::keepStateSince);
        return task;
    }

    /** The ids of the tasks that were answered late since the last call. */
    List<String> takeLateUpdates() {
        List<String> late = new ArrayList<>();
        for (Optional<String> id = Optional.ofNullable(lateUpdates.poll());
                id.isPresent();
                id = Optional.ofNullable(lateUpdates.poll())) {
            late.add(id.get());
        }
        Collections.sort(late);
        return late;
    }
}
