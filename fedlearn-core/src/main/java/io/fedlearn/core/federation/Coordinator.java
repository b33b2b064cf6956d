package io.fedlearn.core.federation;

import io.fedlearn.core.LibraryVersion;
import io.fedlearn.core.budget.PrivacyBudgetExceededException;
import io.fedlearn.core.budget.PrivacyCharge;
import io.fedlearn.core.budget.PrivacySpent;
import io.fedlearn.core.metric.Metrics;
import io.fedlearn.core.random.SeededRandom;
import io.fedlearn.core.record.AuditHead;
import io.fedlearn.core.record.EvaluationRecord;
import io.fedlearn.core.record.OutcomeRecord;
import io.fedlearn.core.record.RoundRecord;
import io.fedlearn.core.record.RunHeader;
import io.fedlearn.core.runtime.Refusal;
import io.fedlearn.core.runtime.Runtime;
import io.fedlearn.core.store.AuditEvent;
import io.fedlearn.core.store.Checkpoint;
import io.fedlearn.core.store.SavedRun;
import io.fedlearn.core.strategy.ClientInfo;
import io.fedlearn.core.strategy.ClientSelector;
import io.fedlearn.core.strategy.Disclosure;
import io.fedlearn.core.strategy.Exchange;
import io.fedlearn.core.strategy.Participation;
import io.fedlearn.core.strategy.RoundProtocol;
import io.fedlearn.core.strategy.Strategy;
import io.fedlearn.core.strategy.StrategyParts;
import io.fedlearn.core.task.Config;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.update.InvalidUpdateException;
import io.fedlearn.core.update.PartState;
import io.fedlearn.core.update.UpdateSpool;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;

/** The one round loop. Confined to the thread that runs it. */
final class Coordinator {
    private static final System.Logger LOG = System.getLogger(Coordinator.class.getName());

    private static final int REASONS_TOLD = 3;

    private final Federation federation;
    private final Strategy strategy;
    private final Runtime runtime;
    private final Exchanger exchanger;
    private final Listeners listeners;
    private final StrategyParts parts;
    private final Progress progress;
    private final Attendance attendance = new Attendance();
    private Map<String, PartState> states = Map.of();
    private Model global = Model.empty();
    private Optional<PrivacySpent> privacySpent = Optional.empty();

    Coordinator(Federation federation, Runtime runtime) {
        this.federation = federation;
        this.strategy = federation.strategy();
        this.runtime = runtime;
        this.exchanger = new Exchanger(federation, runtime);
        this.listeners = exchanger.listeners();
        this.parts = strategy.start(federation.trainingConfig(), federation.schedule);
        this.progress = new Progress(
                federation.goal,
                federation.earlyStopping.map(EarlyStopping::minimumGain).orElse(0.0),
                federation.isWithheld());
    }

    Run run() throws InterruptedException {
        federation.requireCapabilities(runtime);
        return loop(begin());
    }

    /** Takes up the saved run, or starts one. A method of its own, so that no variable keeps its model alive in later rounds. */
    private RunHeader begin() throws InterruptedException {
        Optional<SavedRun> saved = federation.store.load();
        RunHeader header;
        List<String> notices = List.of();
        if (saved.isPresent()) {
            header = saved.get().header();
            if (!federation.resume) {
                throw new IllegalStateException("the store holds run " + header.runId() + " with "
                        + saved.get().records().size() + " rounds already: resume it, or choose another place");
            }
            exchanger.runId(header.runId());
            String initialDigest = federation.initialModel.map(Model::digest).orElse(header.initialDigest());
            List<String> differences = header.differences(newHeader(initialDigest));
            if (!differences.isEmpty()) {
                throw new ResumeRefusedException(
                        "run " + header.runId() + " cannot be resumed with other settings than it had", differences);
            }
            requireSameAudit(saved.get());
            global = saved.get().latest().model();
            states = saved.get().latest().states();
            parts.restore(states);
            progress.replay(saved.get());
            privacySpent = saved.get().latest().record().flatMap(RoundRecord::privacySpent);
            notices = new ArrayList<>(saved.get().notices());
            if (!header.libraryVersion().equals(LibraryVersion.current())) {
                notices.add("the run was started by version " + header.libraryVersion() + " and goes on with "
                        + LibraryVersion.current());
            }
            strategy.requireModel(global.spec());
            notices.forEach(notice -> LOG.log(System.Logger.Level.WARNING, notice));
        } else {
            global = federation.initialModel.isPresent() ? federation.initialModel.get() : askInitialModel();
            requireTrainable(global);
            strategy.requireModel(global.spec());
            header = newHeader(global.digest());
            states = parts.snapshot();
            federation.store.create(header, new Checkpoint(0, global, states, Optional.empty()));
        }
        RunHeader started = header;
        List<String> told = notices;
        listeners.tell(
                listener -> listener.runStarted(started, progress.records().size(), federation.rounds, told));
        audit(
                saved.isPresent() ? "run-resumed" : "run-started",
                Config.empty()
                        .with("run", exchanger.runId())
                        .with("round", (long) progress.records().size())
                        .with("strategy", header.strategy())
                        .with("model", global.digest()));
        return header;
    }

    private RunHeader newHeader(String initialDigest) {
        return new RunHeader(
                exchanger.runId(),
                federation.seed,
                strategy.name(),
                federation.settings(),
                initialDigest,
                LibraryVersion.current(),
                federation.clock.instant());
    }

    private static void requireTrainable(Model model) {
        for (int i = 0; i < model.tensors().size(); i++) {
            if (model.tensors().get(i).firstNonFinite() >= 0) {
                throw new IllegalArgumentException("the initial model's tensor '"
                        + model.spec().tensors().get(i).name() + "' holds NaN or an infinite value");
            }
        }
        if (model.spec().trainableCount() == 0) {
            throw new IllegalArgumentException("the initial model has no trainable parameter");
        }
    }

    private Run loop(RunHeader header) throws InterruptedException {
        StopReason stopReason = StopReason.ROUNDS_DONE;
        while (progress.records().size() < federation.rounds) {
            if (hasRunOutOfPatience()) {
                stopReason = StopReason.EARLY_STOPPED;
                break;
            }
            int round = progress.records().size() + 1;
            Optional<Checkpoint> next = round(round);
            if (next.isEmpty()) {
                stopReason = StopReason.PRIVACY_BUDGET_SPENT;
                break;
            }
            global = next.get().model();
            finish(next.get());
        }
        if (!progress.records().isEmpty()) {
            // A run that ended so, and is resumed with no round left, ends so again.
            requireNotAborted(progress.records().get(progress.records().size() - 1));
        }
        if (stopReason == StopReason.ROUNDS_DONE && hasRunOutOfPatience()) {
            stopReason = StopReason.EARLY_STOPPED;
        }
        auditRefusals(progress.records().size());
        audit(
                "run-finished",
                Config.empty()
                        .with("run", header.runId())
                        .with("rounds", (long) progress.records().size())
                        .with("reason", stopReason.name())
                        .with("model", global.digest()));
        Run run = new Run(header, progress.records(), global, progress.best(), bestModel(global), stopReason);
        listeners.tell(listener -> listener.runFinished(run));
        return run;
    }

    private boolean hasRunOutOfPatience() {
        return federation.earlyStopping.isPresent()
                && progress.roundsWithoutGain()
                        >= federation.earlyStopping.get().patience();
    }

    private Model bestModel(Model latest) {
        if (progress.best().isEmpty() || progress.best().get().modelDigest().equals(latest.digest())) {
            return latest;
        }
        int round = progress.best().get().round();
        return federation
                .store
                .model(round)
                .orElseThrow(() ->
                        new IllegalStateException("the run store did not keep the model of the best round, " + round));
    }

    /** Records hold the audit log's end as it was: a log that was cut or replaced since is not gone on with. */
    private void requireSameAudit(SavedRun saved) {
        Optional<RoundRecord> newest = saved.records().stream()
                .filter(record -> record.auditHead().isPresent())
                .reduce((earlier, later) -> later);
        Optional<AuditHead> recorded = newest.flatMap(RoundRecord::auditHead);
        if (recorded.isPresent()
                && federation.audit.isPresent()
                && !federation.audit.get().contains(recorded.get())) {
            throw new ResumeRefusedException(
                    "run " + saved.header().runId() + " cannot be resumed on this audit log",
                    List.of("it does not hold record " + recorded.get().sequence() + ", which round "
                            + newest.orElseThrow().round()
                            + " names: it was cut off or replaced, and must be put back"));
        }
    }

    /** Saves a round, and ends the run if it was aborted once too often. */
    private void finish(Checkpoint checkpoint) {
        RoundRecord record = checkpoint.record().orElseThrow();
        federation.store.commit(checkpoint, progress.isBest(record));
        progress.add(record);
        LOG.log(
                System.Logger.Level.DEBUG,
                () -> "round " + record.round() + ": "
                        + record.abortReason()
                                .map(reason -> "aborted, " + reason)
                                .orElse(record.metrics().toString()));
        listeners.tell(listener -> listener.roundFinished(record));
        requireNotAborted(record);
    }

    /** Ends the run if this, its last round, was aborted, and that was once too often. */
    private void requireNotAborted(RoundRecord record) {
        if (record.isAborted() && progress.aborted() > federation.policy.toleratedAborts()) {
            auditRefusals(record.round());
            throw new QuorumNotReachedException(
                    record.round(),
                    federation.quorum(),
                    (int) record.outcomes().stream()
                            .filter(OutcomeRecord::isCompleted)
                            .count(),
                    record.abortReason().orElseThrow());
        }
    }

    /** What one round came to, or nothing if the privacy budget forbids it. */
    private Optional<Checkpoint> round(int round) throws InterruptedException {
        Instant startedAt = federation.clock.instant();
        long startedNanos = System.nanoTime();
        RoundDraft draft = new RoundDraft(round, global, startedAt, startedNanos);
        boolean areThere = runtime.awaitClients(federation.minClients(), federation.clientWait);
        List<ClientInfo> clients = runtime.clients();
        auditAttendance(round, clients);
        draft.cohort = selectCohort(round, clients);
        // To give a round up because few were chosen, or answered, would tell who was.
        int quorum = federation.isWithheld() ? 0 : federation.quorum();
        boolean isEnough = areThere && draft.cohort.size() >= quorum;
        // A round that cannot take place releases nothing, hence costs nothing.
        if (isEnough && !debit(round)) {
            return Optional.empty();
        }
        List<String> disclosedCohort = draft.disclosedCohort();
        listeners.tell(listener -> listener.roundStarted(round, disclosedCohort));
        audit(
                "round-started",
                Config.empty()
                        .with("run", exchanger.runId())
                        .with("round", round)
                        .with("cohort", AuditedIds.list(disclosedCohort))
                        .with("model", global.digest()));
        if (!isEnough) {
            int count = areThere ? draft.cohort.size() : clients.size();
            return Optional.of(draft.abort("clients that could be asked: " + count + ", needed: "
                    + (areThere ? federation.needed() : federation.neededBeforehand())));
        }
        try (UpdateSpool spool = federation.newSpool()) {
            RoundProtocol protocol =
                    parts.protocol().start(parts, new RoundProtocol.Context(round, global, draft.cohort, spool));
            // A client that is not asked again, because it failed, keeps its outcome.
            Map<String, OutcomeRecord> outcomes = new TreeMap<>();
            Optional<Exchange> exchange = protocol.next();
            for (int number = 0; exchange.isPresent(); number++) {
                List<OutcomeRecord> answered =
                        exchanger.train(exchange.get(), round, number, progress::participation, spool);
                answered.forEach(outcome -> outcomes.put(outcome.clientId(), outcome));
                draft.outcomes = List.copyOf(outcomes.values());
                long completed =
                        answered.stream().filter(OutcomeRecord::isCompleted).count();
                if (completed < quorum) {
                    return Optional.of(draft.abort("clients that completed: " + completed + " of " + answered.size()
                            + ", needed: " + federation.needed() + reasons(answered)));
                }
                exchange = protocol.next();
            }
            Model next = parts.step(global, protocol.finish());
            requireFinite(next);
            draft.outcomes = credit(draft.outcomes, protocol.contributions());
            return Optional.of(draft.complete(next, evaluate(round, next, draft.outcomes)));
        } catch (InvalidUpdateException e) {
            return Optional.of(draft.abort(e.getMessage()));
        }
    }

    /** Why the first few clients did not complete. */
    private static String reasons(List<OutcomeRecord> outcomes) {
        return outcomes.stream()
                .filter(outcome -> !outcome.isCompleted())
                .limit(REASONS_TOLD)
                .map(outcome -> "; " + outcome.clientId() + " " + outcome.outcome() + ": " + outcome.reason())
                .collect(Collectors.joining());
    }

    private static void requireFinite(Model model) {
        for (int i = 0; i < model.tensors().size(); i++) {
            if (model.tensors().get(i).firstNonFinite() >= 0) {
                throw InvalidUpdateException.ofTensor(
                        model.spec().tensors().get(i).name(), "of the next global model would not be finite");
            }
        }
    }

    private List<String> selectCohort(int round, List<ClientInfo> clients) {
        ClientSelector.Context context = new ClientSelector.Context(
                round,
                clients,
                SeededRandom.of(SeededRandom.derive(SeededRandom.derive(federation.seed, round), "selection")),
                progress::participation);
        List<String> chosen = strategy.selector().select(context);
        Set<String> known = new HashSet<>();
        clients.forEach(client -> known.add(client.id()));
        for (String id : chosen) {
            if (!known.remove(id)) {
                throw new IllegalStateException("selector "
                        + strategy.selector().description() + " chose client '" + id + "' twice, or it is not there");
            }
        }
        return chosen.stream().sorted().toList();
    }

    private boolean debit(int round) {
        List<PrivacyCharge> charges = parts.charges(round);
        try {
            for (PrivacyCharge charge : charges) {
                privacySpent = Optional.of(federation
                        .privacyBudget
                        .orElseThrow(() -> new IllegalStateException(
                                "strategy " + strategy.name() + " releases noisy data and needs a privacy budget"))
                        .debit(charge));
                PrivacySpent spent = privacySpent.get();
                audit(
                        "privacy-debited",
                        Config.empty()
                                .with("run", exchanger.runId())
                                .with("round", round)
                                .with("scope", charge.scope())
                                .with("epsilon", spent.epsilon())
                                .with("privacyDelta", spent.privacyDelta()));
            }
            return true;
        } catch (PrivacyBudgetExceededException e) {
            audit(
                    "privacy-refused",
                    Config.empty()
                            .with("run", exchanger.runId())
                            .with("round", round)
                            .with("scope", e.scope())
                            .with("epsilon", e.limit().epsilon())
                            .with("privacyDelta", e.limit().privacyDelta()));
            LOG.log(System.Logger.Level.INFO, "round " + round + " is not started: " + e.getMessage());
            return false;
        }
    }

    private static List<OutcomeRecord> credit(
            List<OutcomeRecord> outcomes, Map<String, RoundProtocol.Contribution> contributions) {
        return outcomes.stream()
                .map(outcome -> {
                    RoundProtocol.Contribution part = contributions.get(outcome.clientId());
                    return part == null ? outcome : outcome.aggregated(part.weight(), part.savedBytes());
                })
                .toList();
    }

    private EvaluationRecord evaluate(int round, Model model, List<OutcomeRecord> trained) throws InterruptedException {
        boolean due =
                federation.evaluateEvery > 0 && (round % federation.evaluateEvery == 0 || round == federation.rounds);
        if (!due) {
            return EvaluationRecord.none();
        }
        Metrics central = federation
                .centralEvaluation
                .map(evaluation -> evaluation.evaluate(model))
                .orElse(Metrics.none());
        if (!federation.federatedEvaluation) {
            return new EvaluationRecord(central, central, List.of());
        }
        List<ClientInfo> clients = runtime.clients();
        auditAttendance(round, clients);
        EvaluationExchange exchange = new EvaluationExchange(
                clients.stream().map(ClientInfo::id).toList(),
                model,
                clientId -> parts.clientConfig(round, clientId),
                parts.serverOptimizer().broadcast(),
                parts.weighting());
        // A client whose update has entered the model evaluates with the state that it saved with it.
        Map<String, OutcomeRecord> accepted = new TreeMap<>();
        for (OutcomeRecord outcome : trained) {
            if (outcome.isCompleted()) {
                accepted.put(outcome.clientId(), outcome);
            }
        }
        List<OutcomeRecord> outcomes = exchanger.ask(exchange, round, clientId -> {
            Participation past = progress.participation(clientId);
            OutcomeRecord outcome = accepted.get(clientId);
            return outcome == null
                    ? past
                    : past.selected(round).accepted(round, outcome.exampleCount(), outcome.metrics());
        });
        Metrics overall = exchange.metrics();
        return new EvaluationRecord(overall.isEmpty() ? central : overall, central, outcomes);
    }

    private Model askInitialModel() throws InterruptedException {
        // All that the first round waits for, so that it does not depend on who comes first whose model it is.
        runtime.awaitClients(federation.minClients(), federation.clientWait);
        List<String> reasons = new ArrayList<>();
        for (ClientInfo client : runtime.clients()) {
            InitialModelExchange exchange = new InitialModelExchange(client.id());
            OutcomeRecord outcome = exchanger.ask(exchange, 0).get(0);
            if (exchange.model().isPresent()) {
                return exchange.model().get();
            }
            reasons.add(client.id() + ": " + outcome.outcome() + " " + outcome.reason());
        }
        throw new IllegalStateException(
                "no initial model was given, and no client gave one: " + String.join("; ", reasons));
    }

    /** Repeats a recorded round from the checkpoint before it, with the clients that completed it. */
    Model replay(RoundRecord record, Checkpoint before, RunHeader header) throws InterruptedException {
        exchanger.runId(header.runId());
        parts.restore(before.states());
        List<String> cohort = record.outcomes().stream()
                // Those that the rule left out too: what it chose, it chose among all.
                .filter(OutcomeRecord::isCompleted)
                .map(OutcomeRecord::clientId)
                .toList();
        try (UpdateSpool spool = federation.newSpool()) {
            RoundProtocol protocol = parts.protocol()
                    .start(parts, new RoundProtocol.Context(record.round(), before.model(), cohort, spool));
            int number = 0;
            for (Optional<Exchange> exchange = protocol.next(); exchange.isPresent(); exchange = protocol.next()) {
                List<OutcomeRecord> outcomes =
                        exchanger.train(exchange.get(), record.round(), number++, progress::participation, spool);
                for (OutcomeRecord outcome : outcomes) {
                    if (!outcome.isCompleted()) {
                        throw new IllegalStateException("client '" + outcome.clientId() + "' completed round "
                                + record.round() + " and now is " + outcome.outcome() + ": " + outcome.reason());
                    }
                }
            }
            return parts.step(before.model(), protocol.finish());
        }
    }

    void prepareReplay(SavedRun history) {
        progress.replay(history);
    }

    /** Records who has come and gone, and who was not let in, unless nobody may know who could have been asked. */
    private void auditAttendance(int round, List<ClientInfo> clients) {
        if (federation.audit.isEmpty() || strategy.disclosure() == Disclosure.MODEL) {
            return;
        }
        Config common = Config.empty().with("run", exchanger.runId()).with("round", round);
        attendance.changes(clients).forEach(change -> audit(change.type(), common.with(change.fields())));
        auditRefusals(round);
    }

    private void auditRefusals(int round) {
        if (federation.audit.isEmpty() || strategy.disclosure() == Disclosure.MODEL) {
            return;
        }
        for (Refusal refusal : runtime.takeRefusals()) {
            audit(
                    "client-refused",
                    Config.empty()
                            .with("run", exchanger.runId())
                            .with("round", round)
                            .with("client", refusal.clientId().orElse(""))
                            .with("proven", refusal.isProven())
                            // What a client told of its data may be a reason.
                            .with("reason", federation.isWithheld() ? "" : refusal.reason())
                            .with("count", refusal.count()));
        }
    }

    private void audit(String type, Config fields) {
        federation.audit.ifPresent(log -> log.append(new AuditEvent(federation.clock.instant(), type, fields)));
    }

    /** What is known of a round while it is under way. */
    private final class RoundDraft {
        private final int round;
        private final Model global;
        private final Instant startedAt;
        private final long startedNanos;
        private List<String> cohort = List.of();
        private List<OutcomeRecord> outcomes = List.of();

        RoundDraft(int round, Model global, Instant startedAt, long startedNanos) {
            this.round = round;
            this.global = global;
            this.startedAt = startedAt;
            this.startedNanos = startedNanos;
        }

        List<String> disclosedCohort() {
            return strategy.disclosure() == Disclosure.MODEL ? List.of() : cohort;
        }

        private static String answered(List<OutcomeRecord> disclosed) {
            return AuditedIds.list(disclosed.stream()
                    .filter(OutcomeRecord::isCompleted)
                    .map(OutcomeRecord::clientId)
                    .toList());
        }

        Checkpoint complete(Model next, EvaluationRecord evaluation) {
            return checkpoint(next, evaluation, Optional.empty());
        }

        Checkpoint abort(String reason) {
            return checkpoint(global, EvaluationRecord.none(), Optional.of(reason));
        }

        private Checkpoint checkpoint(Model model, EvaluationRecord evaluation, Optional<String> abortReason) {
            if (abortReason.isPresent()) {
                // An aborted round leaves no trace in the strategy's parts either.
                parts.restore(states);
            }
            states = parts.snapshot();
            List<OutcomeRecord> disclosed = federation.isWithheld() ? List.of() : outcomes;
            List<String> late = exchanger.takeLateUpdates();
            for (OutcomeRecord outcome : disclosed) {
                if (!outcome.isCompleted()) {
                    audit(
                            "client-" + outcome.outcome(),
                            Config.empty()
                                    .with("run", exchanger.runId())
                                    .with("round", round)
                                    .with("client", outcome.clientId())
                                    .with("reason", outcome.reason()));
                }
            }
            audit(
                    abortReason.isPresent() ? "round-aborted" : "round-completed",
                    Config.empty()
                            .with("run", exchanger.runId())
                            .with("round", round)
                            .with("model", model.digest())
                            .with("answered", answered(disclosed))
                            .with("reason", abortReason.orElse("")));
            MetricsMean trained = new MetricsMean();
            boolean isWeighted = disclosed.stream().anyMatch(outcome -> outcome.weight() > 0);
            for (OutcomeRecord outcome : disclosed) {
                if (outcome.isCompleted() && (outcome.weight() > 0 || !isWeighted)) {
                    trained.add(outcome.metrics(), isWeighted ? outcome.weight() : 1);
                }
            }
            RoundRecord record = new RoundRecord(
                    round,
                    abortReason,
                    federation.seed,
                    strategy.name(),
                    federation.settings(),
                    parts.clientConfig(round),
                    global.digest(),
                    model.digest(),
                    disclosedCohort(),
                    disclosed,
                    trained.result(),
                    evaluation,
                    federation.isWithheld() ? List.of() : late,
                    privacySpent,
                    federation.audit.map(log -> log.head()),
                    LibraryVersion.current(),
                    startedAt,
                    (System.nanoTime() - startedNanos) / 1e9);
            return new Checkpoint(round, model, states, Optional.of(record));
        }
    }
}
