package io.fedlearn.grpc.flower;

import io.fedlearn.core.client.TaskDeclinedException;
import io.fedlearn.core.runtime.Runtime;
import io.fedlearn.core.runtime.TaskListener;
import io.fedlearn.core.strategy.Capability;
import io.fedlearn.core.strategy.ClientInfo;
import io.fedlearn.core.strategy.ServerOptimizer;
import io.fedlearn.core.strategy.Strategy;
import io.fedlearn.core.task.ClientOutcome;
import io.fedlearn.core.task.Config;
import io.fedlearn.core.task.Task;
import io.fedlearn.core.task.TaskKind;
import io.fedlearn.core.training.LocalCorrection;
import io.fedlearn.core.training.LocalTrainingClient;
import io.fedlearn.core.training.TrainingSettings;
import io.fedlearn.grpc.internal.netty.ConnectionLimits;
import io.fedlearn.grpc.internal.netty.GrpcServer;
import io.fedlearn.grpc.internal.netty.Peer;
import io.fedlearn.grpc.metrics.TransportMetrics;
import io.fedlearn.grpc.proto.flower.ClientMessage;
import io.fedlearn.grpc.proto.flower.ServerMessage;
import io.fedlearn.grpc.security.ServerSecurity;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.ServerCall;
import io.grpc.ServerServiceDefinition;
import io.grpc.Status;
import io.grpc.SynchronizationContext;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * A server that clients written for Flower join unchanged, from 1.0 to today's {@code start_client}: it speaks the bidirectional
 * protocol of Flower's {@code start_server}.
 *
 * <p><b>Clients.</b> Each call of {@code Join} is a client, eligible at once, under an id of this server's making, such as
 * {@code flower-3-5d0c1a7e}; a client that comes back is another one. Where ids must last, {@link Builder#idProperty} names the
 * property that a client's {@code get_properties} says its id in, or clients show certificates.
 *
 * <p><b>Tasks.</b> {@code fit}, {@code evaluate}, {@code properties} and {@code initial-model} become Flower's four instructions; other
 * kinds are declined by name. What a task tells its client goes into the instruction's settings, with {@code server_round}
 * added, and {@code proximal_mu} beside {@code mu}. An answer is checked, not believed: another message than the one that
 * is due, a status that is not well, missing or surplus tensors, wrong shapes or types and counts below 1 become outcomes.
 *
 * <p><b>What cannot be carried.</b> Strategies that need tensors beside the model, state at the client, update transforms or further
 * kinds of task are refused when the run starts, and so are those that need stable ids, unless clients have them. Training settings
 * reach the client, but whether its code honours them, nobody knows: {@link #cautions} says what to look out for.
 *
 * <p><b>Cancelling.</b> The protocol cannot take an instruction back. A task that is cancelled, as it is when its deadline has passed,
 * ends its client's call, as Flower's own server does, and Flower's clients do not come back by themselves. An answer has no number
 * either: whatever a client says without having been asked ends its call, so that it is not taken for the answer to the next
 * instruction.
 *
 * <p><b>Memory.</b> Models are encoded while they are sent, and decoded while they are read. In between, gRPC holds each message whole,
 * outside the Java heap: of those being sent at most 256 MiB at a time, or one if it is larger, and one for each client that is
 * answering.
 *
 * <p>{@link #close()} sends Flower's {@code reconnect} instruction, at which its clients end well. Thread-safe.
 */
public final class FlowerServer implements Runtime {
    private static final Logger LOG = System.getLogger(FlowerServer.class.getName());
    private static final String SERVICE = "flwr.proto.FlowerService";

    /** Answers are read by {@link ClientAnswer} when it is known what is due. */
    private static final MethodDescriptor<InputStream, Instruction> JOIN =
            MethodDescriptor.<InputStream, Instruction>newBuilder()
                    .setType(MethodDescriptor.MethodType.BIDI_STREAMING)
                    .setFullMethodName(MethodDescriptor.generateFullMethodName(SERVICE, "Join"))
                    .setRequestMarshaller(new MethodDescriptor.Marshaller<>() {
                        @Override
                        public InputStream stream(InputStream value) {
                            return value;
                        }

                        @Override
                        public InputStream parse(InputStream stream) {
                            return stream;
                        }
                    })
                    .setResponseMarshaller(new MethodDescriptor.Marshaller<>() {
                        @Override
                        public InputStream stream(Instruction value) {
                            return value.stream();
                        }

                        @Override
                        public Instruction parse(InputStream stream) {
                            throw new UnsupportedOperationException("a server reads no instructions");
                        }
                    })
                    .build();

    /** As much as a few models of medium size, or one large one. */
    private static final long WINDOW_BYTES = 256L << 20;

    private static final Instruction GOODBYE = Instruction.of(ServerMessage.newBuilder()
            .setReconnectIns(ServerMessage.ReconnectIns.getDefaultInstance())
            .build());

    private final FlowerTasks tasks;
    private final TensorNames names;
    private final Optional<String> idProperty;
    private final FlowerLimits limits;
    private final TransportMetrics metrics;
    private final boolean hasStableIds;
    private final Executor executor;
    private final Optional<ExecutorService> ownedExecutor;
    private final GrpcServer grpc;
    private final SendWindow window = new SendWindow(WINDOW_BYTES);
    private final AtomicInteger joined = new AtomicInteger();
    private final Set<String> warned = ConcurrentHashMap.newKeySet();

    // Guards what follows and the fields of members and jobs. Never held while a call or a listener is used.
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private final Map<String, Member> members = new TreeMap<>();
    private final Set<Member> calls = new HashSet<>();
    private final Map<String, Job> jobs = new HashMap<>();
    private boolean closed;

    private FlowerServer(Builder builder, ServerSecurity security) {
        this.tasks = new FlowerTasks(builder.names);
        this.names = builder.names;
        this.idProperty = builder.idProperty;
        this.limits = builder.limits;
        this.metrics = builder.metrics;
        this.hasStableIds = builder.idProperty.isPresent() || security.identifiesClients();
        if (builder.executor.isPresent()) {
            this.executor = builder.executor.get();
            this.ownedExecutor = Optional.empty();
        } else {
            AtomicInteger number = new AtomicInteger();
            ExecutorService own = Executors.newCachedThreadPool(task -> {
                Thread thread = new Thread(task, "fedlearn-flower-" + number.incrementAndGet());
                thread.setDaemon(true);
                return thread;
            });
            this.executor = own;
            this.ownedExecutor = Optional.of(own);
        }
        boolean isStarted = false;
        try {
            this.grpc = start(builder, security);
            isStarted = true;
        } finally {
            if (!isStarted) {
                ownedExecutor.ifPresent(ExecutorService::shutdownNow);
            }
        }
    }

    private GrpcServer start(Builder builder, ServerSecurity security) {
        GrpcServer.Builder server = GrpcServer.builder(security)
                .limits(ConnectionLimits.DEFAULTS
                        .withMaxMessageBytes(limits.maxMessageBytes())
                        // Flower's server asks after 210 s of silence; a client in local training may be slow to
                        // answer.
                        .withPings(Duration.ofSeconds(5), Duration.ofMinutes(2), Duration.ofMinutes(1))
                        .withConnections(
                                2 * Math.max(limits.maxClients(), limits.maxConnectionsPerAddress()),
                                limits.maxConnectionsPerAddress(),
                                // Several clients of one process may share a connection.
                                limits.maxClients()))
                .metrics(metrics)
                .executor(executor)
                .service(ServerServiceDefinition.builder(SERVICE)
                        .addMethod(JOIN, this::join)
                        .build());
        return builder.host.isPresent()
                ? server.listen(builder.host.get(), builder.port).start()
                : server.port(builder.port).start();
    }

    /** A builder with the defaults. */
    public static Builder builder() {
        return new Builder();
    }

    /** The address that it listens at. */
    public InetSocketAddress address() {
        return grpc.address();
    }

    // ---- what the runtime is

    @Override
    public List<ClientInfo> clients() {
        lock.lock();
        try {
            return members.values().stream().map(member -> member.info).toList();
        } finally {
            lock.unlock();
        }
    }

    /** Training settings, with the reservations of {@link #cautions}; stable ids, where clients prove or say theirs. */
    @Override
    public Set<Capability> capabilities() {
        Set<Capability> capabilities = EnumSet.of(Capability.TRAINING_SETTINGS);
        if (hasStableIds) {
            capabilities.add(Capability.STABLE_IDENTITY);
        }
        return Collections.unmodifiableSet(capabilities);
    }

    /**
     * What may not work as expected when this strategy trains these clients, in sentences for a person: settings that do nothing
     * unless the client's own code reads them, and server optimizers that cannot tell weights from statistics. Empty if there is
     * nothing to say.
     *
     * @param hasModel whether the run starts from a model of the caller's, whose tensors have names and roles, rather than from a
     *     client's
     */
    public List<String> cautions(Strategy strategy, boolean hasModel) {
        List<String> cautions = new ArrayList<>();
        for (String setting :
                List.of(TrainingSettings.MU, LocalTrainingClient.REPORT_LOSS_BEFORE, LocalCorrection.SETTING)) {
            Object value = strategy.clientConfig().asMap().get(setting);
            if (value != null && isOn(value)) {
                cautions.add(caution(setting, value));
            }
        }
        Object optimizer = strategy.settings().asMap().get("serverOptimizer");
        if (!hasModel
                && !names.isGiven()
                && !ServerOptimizer.identity().description().equals(optimizer)) {
            cautions.add("strategy " + strategy.name() + " has a server optimizer, which must leave batch-norm"
                    + " statistics alone; Flower's clients do not say which tensors those are, so all floating-point"
                    + " tensors are taken for weights: give tensor names with roles if the model has such statistics");
        }
        return cautions;
    }

    private static boolean isOn(Object value) {
        return value instanceof Number number ? number.doubleValue() > 0 : !Boolean.FALSE.equals(value);
    }

    private static String caution(String setting, Object value) {
        String also = setting.equals(TrainingSettings.MU) ? " and '" + FlowerDuties.PROXIMAL_MU + "'" : "";
        return "Flower's clients are told '" + setting + "'" + also + " = " + value
                + ", which has an effect only if the client's own code reads it";
    }

    /** Tells once of each setting that Flower's clients may not honour. */
    private void warn(Task task) {
        for (String setting :
                List.of(TrainingSettings.MU, LocalTrainingClient.REPORT_LOSS_BEFORE, LocalCorrection.SETTING)) {
            Object value = task.config().asMap().get(setting);
            if (value != null && isOn(value) && warned.add(setting)) {
                String caution = caution(setting, value);
                LOG.log(Level.WARNING, () -> "run " + task.runId() + ": " + caution);
            }
        }
        if (task.kind().equals(TaskKind.INITIAL_MODEL)
                && !names.isGiven()
                && warned.add(TaskKind.INITIAL_MODEL.name())) {
            LOG.log(
                    Level.INFO,
                    () -> "run " + task.runId()
                            + ": tensors are named by their places and have the roles of their types; batch-norm"
                            + " statistics, if there are any, count as weights");
        }
    }

    @Override
    public boolean awaitClients(int count, Duration timeout) throws InterruptedException {
        long left = timeout.toNanos();
        lock.lock();
        try {
            while (members.size() < count && !closed) {
                if (left <= 0) {
                    return false;
                }
                left = changed.awaitNanos(left);
            }
            return members.size() >= count;
        } finally {
            lock.unlock();
        }
    }

    // ---- tasks

    /** A task under way. Mutable fields are guarded by the server's lock. */
    private static final class Job {
        private final Task task;
        private final TaskListener listener;
        private final Member member;
        private final long submitted = System.nanoTime();
        private boolean isSent;

        Job(Task task, TaskListener listener, Member member) {
            this.task = task;
            this.listener = listener;
            this.member = member;
        }
    }

    @Override
    public void submit(Task task, TaskListener listener) {
        Optional<Job> job = Optional.empty();
        boolean isFirst = false;
        lock.lock();
        try {
            if (closed) {
                throw new IllegalStateException("the server is closed");
            }
            if (jobs.containsKey(task.id())) {
                throw new IllegalStateException("task " + task.id() + " is under way already");
            }
            Member member = members.get(task.clientId());
            if (member != null) {
                job = Optional.of(new Job(task, listener, member));
                jobs.put(task.id(), job.get());
                isFirst = member.current.isEmpty();
                if (isFirst) {
                    member.current = job;
                } else {
                    member.waiting.add(job.get());
                }
            }
        } finally {
            lock.unlock();
        }
        if (job.isEmpty()) {
            finish(task, listener, new ClientOutcome.Failed("there is no client '" + task.clientId() + "'"), 0);
        } else if (isFirst) {
            Job first = job.get();
            execute(() -> send(first));
        }
    }

    private void send(Job job) {
        warn(job.task);
        Instruction instruction;
        try {
            instruction = FlowerTasks.instruction(job.task);
        } catch (TaskDeclinedException e) {
            end(job, new ClientOutcome.Declined(String.valueOf(e.getMessage())));
            return;
        } catch (IllegalArgumentException e) {
            end(job, new ClientOutcome.Failed(String.valueOf(e.getMessage())));
            return;
        }
        if (instruction.byteCount() > limits.maxMessageBytes()) {
            end(
                    job,
                    new ClientOutcome.Failed("the instruction has " + instruction.byteCount()
                            + " bytes, a message may have " + limits.maxMessageBytes() + " (maxMessageBytes)"));
            return;
        }
        window.send(job.member, instruction.byteCount(), () -> job.member.inOrder(() -> transmit(job, instruction)));
    }

    /** To be called in the order of the job's client. */
    private void transmit(Job job, Instruction instruction) {
        boolean isWanted;
        lock.lock();
        try {
            isWanted = isCurrent(job);
            job.isSent = isWanted;
        } finally {
            lock.unlock();
        }
        if (isWanted) {
            tell(job.task, () -> job.listener.started(job.task));
            job.member.send(instruction);
            metrics.bytesSent(TransportMetrics.Content.MODEL, instruction.byteCount());
        }
        if (!isWanted || job.member.call.isReady()) {
            // Else the client's next readiness says that the message is on the line.
            window.release(job.member);
        }
    }

    private static boolean isCurrent(Job job) {
        return job.member.current.isPresent() && job.member.current.get() == job;
    }

    /** Ends the current task of a client, unless it has ended otherwise, and gives the client its next. */
    private void end(Job job, ClientOutcome outcome) {
        Optional<Job> next;
        lock.lock();
        try {
            if (!isCurrent(job)) {
                return;
            }
            jobs.remove(job.task.id());
            next = Optional.ofNullable(job.member.waiting.poll());
            job.member.current = next;
        } finally {
            lock.unlock();
        }
        finish(job, outcome);
        next.ifPresent(following -> execute(() -> send(following)));
    }

    /** Ends the current task of a client that gets no other. */
    private void endLast(Job job, ClientOutcome outcome) {
        lock.lock();
        try {
            if (!isCurrent(job)) {
                return;
            }
            jobs.remove(job.task.id());
            job.member.current = Optional.empty();
        } finally {
            lock.unlock();
        }
        finish(job, outcome);
    }

    private void finish(Job job, ClientOutcome outcome) {
        finish(job.task, job.listener, outcome, System.nanoTime() - job.submitted);
    }

    private void finish(Task task, TaskListener listener, ClientOutcome outcome, long nanos) {
        metrics.taskFinished(outcome.word(), Duration.ofNanos(nanos));
        execute(() -> tell(task, () -> listener.finished(task, outcome)));
    }

    private static void tell(Task task, Runnable call) {
        try {
            call.run();
        } catch (RuntimeException e) {
            LOG.log(Level.ERROR, "the listener of task " + task.id() + " failed", e);
        }
    }

    private void execute(Runnable work) {
        try {
            executor.execute(work);
        } catch (RejectedExecutionException e) {
            // An executor that is shut down must not swallow outcomes.
            work.run();
        }
    }

    @Override
    public void cancel(Task task) {
        Optional<Member> aborted = Optional.empty();
        Optional<Job> next = Optional.empty();
        lock.lock();
        try {
            Job job = jobs.get(task.id());
            if (job == null) {
                return;
            }
            if (isCurrent(job) && job.isSent) {
                // Else the member's end would finish it.
                job.member.current = Optional.empty();
                aborted = Optional.of(job.member);
            } else if (isCurrent(job)) {
                next = Optional.ofNullable(job.member.waiting.poll());
                job.member.current = next;
            } else {
                job.member.waiting.remove(job);
            }
            jobs.remove(task.id());
        } finally {
            lock.unlock();
        }
        aborted.ifPresent(member -> leave(
                member,
                Status.DEADLINE_EXCEEDED.withDescription("the answer is not waited for any longer"),
                "cancelled",
                "its task " + task.id() + " was cancelled"));
        next.ifPresent(following -> execute(() -> send(following)));
    }

    // ---- clients

    /** One call of a client. Mutable fields are guarded by the server's lock. */
    private final class Member extends ServerCall.Listener<InputStream> {
        private final ServerCall<InputStream, Instruction> call;
        private final Peer peer;
        private final int number = joined.incrementAndGet();
        // A call is not thread-safe.
        private final SynchronizationContext order = new SynchronizationContext(
                (thread, problem) -> LOG.log(Level.ERROR, "a call of a Flower client failed", problem));
        private final Deque<Job> waiting = new ArrayDeque<>();
        private Optional<Job> current = Optional.empty();
        private ClientInfo info;
        private boolean isMember;
        private boolean isGone;

        Member(ServerCall<InputStream, Instruction> call, Peer peer) {
            this.call = call;
            this.peer = peer;
            // Until it says another.
            this.info = new ClientInfo(
                    "flower-" + number + "-" + UUID.randomUUID().toString().substring(0, 8), Config.empty());
        }

        void inOrder(Runnable work) {
            order.execute(work);
        }

        /** To be called in order. */
        void send(Instruction instruction) {
            if (!call.isCancelled()) {
                call.sendMessage(instruction);
            }
        }

        void end(Status status) {
            inOrder(() -> {
                if (!call.isCancelled()) {
                    call.close(status, new Metadata());
                }
            });
        }

        @Override
        public void onMessage(InputStream message) {
            FlowerServer.this.receive(this, message);
            inOrder(() -> call.request(1));
        }

        @Override
        public void onReady() {
            window.release(this);
        }

        @Override
        public void onHalfClose() {
            leave(this, Status.OK, "left", "it has left");
        }

        @Override
        public void onCancel() {
            leave(this, Status.CANCELLED, "lost", "its connection has ended");
        }

        @Override
        public String toString() {
            return info.id() + " at " + peer.address();
        }
    }

    private ServerCall.Listener<InputStream> join(ServerCall<InputStream, Instruction> call, Metadata headers) {
        Member member = new Member(call, Peer.current());
        Optional<Status> refusal = Optional.empty();
        lock.lock();
        try {
            if (closed) {
                refusal = Optional.of(Status.UNAVAILABLE.withDescription("the server is closing"));
            } else if (calls.size() >= limits.maxClients()) {
                refusal = Optional.of(Status.RESOURCE_EXHAUSTED.withDescription(
                        "the server takes at most " + limits.maxClients() + " clients"));
            } else {
                calls.add(member);
            }
        } finally {
            lock.unlock();
        }
        if (refusal.isPresent()) {
            Status status = refusal.get();
            LOG.log(Level.INFO, () -> "refused " + member.peer + ": " + status.getDescription());
            metrics.sessionRefused(status.getCode() == Status.Code.UNAVAILABLE ? "closing" : "full");
            call.close(status, new Metadata());
            return new ServerCall.Listener<>() {};
        }
        call.sendHeaders(new Metadata());
        call.request(1);
        if (member.peer.clientId().isPresent()) {
            admit(member, new ClientInfo(member.peer.clientId().get(), Config.empty()));
        } else if (idProperty.isPresent()) {
            member.inOrder(() -> member.send(FlowerTasks.properties(Config.empty())));
            CompletableFuture.delayedExecutor(limits.joinTimeout().toMillis(), TimeUnit.MILLISECONDS, executor)
                    .execute(() -> expireJoin(member));
        } else {
            admit(member, member.info);
        }
        return member;
    }

    private void expireJoin(Member member) {
        boolean isLate;
        lock.lock();
        try {
            isLate = !member.isMember && !member.isGone;
        } finally {
            lock.unlock();
        }
        if (isLate) {
            refuse(
                    member,
                    "it has not said its id within " + limits.joinTimeout().toMillis() + " ms");
        }
    }

    private void refuse(Member member, String reason) {
        metrics.sessionRefused("identity");
        leave(member, Status.FAILED_PRECONDITION.withDescription(reason), "refused", reason);
    }

    /** Makes a call a client's. Of two with one id the later counts: the earlier may be a connection that broke unnoticed. */
    private void admit(Member member, ClientInfo info) {
        Optional<Member> earlier;
        int count;
        lock.lock();
        try {
            if (member.isGone || closed) {
                return;
            }
            earlier = Optional.ofNullable(members.get(info.id()));
            member.info = info;
            member.isMember = true;
            members.put(info.id(), member);
            count = members.size();
            changed.signalAll();
        } finally {
            lock.unlock();
        }
        LOG.log(Level.INFO, () -> "client " + member + " has joined");
        metrics.sessionJoined();
        metrics.clients(count, count);
        earlier.ifPresent(other -> leave(
                other,
                Status.ABORTED.withDescription("another client has joined as '" + info.id() + "'"),
                "superseded",
                "another client has joined under its id"));
    }

    /** Ends a client's call, and with it what it was asked. */
    private void leave(Member member, Status status, String word, String why) {
        List<Job> unfinished = new ArrayList<>();
        boolean wasMember;
        boolean isExpected;
        int count;
        lock.lock();
        try {
            if (member.isGone) {
                return;
            }
            member.isGone = true;
            wasMember = member.isMember;
            isExpected = closed;
            members.remove(member.info.id(), member);
            calls.remove(member);
            count = members.size();
            member.current.ifPresent(unfinished::add);
            unfinished.addAll(member.waiting);
            member.current = Optional.empty();
            member.waiting.clear();
            unfinished.forEach(job -> jobs.remove(job.task.id()));
            changed.signalAll();
        } finally {
            lock.unlock();
        }
        member.end(status);
        window.release(member);
        // After the goodbye, however a client goes is well.
        LOG.log(
                isExpected || word.equals("left") ? Level.INFO : Level.WARNING,
                () -> "client " + member + " is gone: " + why);
        if (wasMember) {
            metrics.sessionEnded(word);
            metrics.clients(count, count);
        }
        for (Job job : unfinished) {
            finish(job, new ClientOutcome.Failed("the client is gone: " + why));
        }
    }

    // ---- answers

    private void receive(Member member, InputStream message) {
        Optional<Job> asked;
        boolean saysId;
        boolean isClosing;
        lock.lock();
        try {
            asked = member.current.filter(job -> job.isSent);
            saysId = !member.isMember && idProperty.isPresent();
            isClosing = closed;
            if (member.isGone) {
                return;
            }
        } finally {
            lock.unlock();
        }
        metrics.bytesReceived(TransportMetrics.Content.ANSWER, available(message));
        ClientAnswer answer;
        try {
            answer = ClientAnswer.read(
                    message, asked.map(job -> FlowerTasks.maxTensors(job.task)).orElse(0));
        } catch (FlowerException e) {
            String reason = String.valueOf(e.getMessage());
            asked.ifPresent(job -> endLast(job, new ClientOutcome.Rejected(reason)));
            leave(member, Status.INVALID_ARGUMENT.withDescription(reason), "protocol", reason);
            return;
        }
        if (answer.message().hasDisconnectRes()) {
            String reason = answer.message().getDisconnectRes().getReason().name();
            leave(member, Status.OK, "left", "it has left (" + reason + ")");
        } else if (asked.isPresent()) {
            answered(asked.get(), answer);
        } else if (saysId && !isClosing) {
            identify(member, answer.message());
        } else if (!isClosing) {
            // Kept, it would be taken for the answer to the next instruction.
            String reason = "it has answered without having been asked";
            leave(member, Status.FAILED_PRECONDITION.withDescription(reason), "protocol", reason);
        }
    }

    private void answered(Job job, ClientAnswer answer) {
        ClientOutcome outcome = tasks.outcome(job.task, answer);
        if (FlowerTasks.answers(job.task, answer.message())) {
            end(job, outcome);
            return;
        }
        // Nobody knows what its next message answers.
        endLast(job, outcome);
        String reason = "its answers are not in step with what it is asked";
        leave(job.member, Status.FAILED_PRECONDITION.withDescription(reason), "protocol", reason);
    }

    private void identify(Member member, ClientMessage message) {
        Task question = Task.builder(TaskKind.PROPERTIES, member.info.id()).build();
        ClientAnswer answer = new ClientAnswer(message, 0, List.of(), Optional.empty());
        ClientOutcome outcome = tasks.outcome(question, answer);
        if (!(outcome instanceof ClientOutcome.Completed completed)) {
            refuse(member, "it must say its id as a property: " + outcome.reason());
            return;
        }
        Config properties = completed.update().values();
        try {
            admit(member, new ClientInfo(FlowerTasks.id(idProperty.orElseThrow(), properties), properties));
        } catch (FlowerException | IllegalArgumentException e) {
            refuse(member, String.valueOf(e.getMessage()));
        }
    }

    private static int available(InputStream message) {
        try {
            return message.available();
        } catch (IOException e) {
            throw new UncheckedIOException("reading from the transport's memory cannot fail", e);
        }
    }

    // ---- the end

    /**
     * Tells all clients that the run is over, as Flower's server does, waits up to {@link FlowerLimits#closeTimeout()} until they
     * have left, and ends the calls of those that have not. Tasks that are under way are given up. Closing again does nothing.
     */
    @Override
    public void close() {
        List<Member> left;
        lock.lock();
        try {
            if (closed) {
                return;
            }
            closed = true;
            jobs.clear();
            left = List.copyOf(calls);
            for (Member member : left) {
                member.current = Optional.empty();
                member.waiting.clear();
            }
            changed.signalAll();
        } finally {
            lock.unlock();
        }
        grpc.serving(false);
        for (Member member : left) {
            member.inOrder(() -> member.send(GOODBYE));
        }
        boolean isInterrupted = !awaitGoodbyes();
        grpc.close();
        lock.lock();
        try {
            members.clear();
            calls.clear();
        } finally {
            lock.unlock();
        }
        ownedExecutor.ifPresent(ExecutorService::shutdownNow);
        if (isInterrupted) {
            Thread.currentThread().interrupt();
        }
    }

    /** Returns whether the thread was not interrupted meanwhile. */
    private boolean awaitGoodbyes() {
        long wait = limits.closeTimeout().toNanos();
        lock.lock();
        try {
            while (!calls.isEmpty() && wait > 0) {
                wait = changed.awaitNanos(wait);
            }
        } catch (InterruptedException e) {
            return false;
        } finally {
            lock.unlock();
        }
        if (wait <= 0) {
            return true;
        }
        try {
            // Those that left well are to hear so, before connections are cut.
            grpc.shutdown();
            grpc.awaitTermination(Duration.ofNanos(wait));
            return true;
        } catch (InterruptedException e) {
            return false;
        }
    }

    /** Settings of a {@link FlowerServer}. Not thread-safe. */
    public static final class Builder {
        private Optional<String> host = Optional.empty();
        private int port;
        private Optional<ServerSecurity> security = Optional.empty();
        private FlowerLimits limits = FlowerLimits.defaults();
        private TensorNames names = TensorNames.byPlace();
        private Optional<String> idProperty = Optional.empty();
        private TransportMetrics metrics = TransportMetrics.none();
        private Optional<Executor> executor = Optional.empty();

        private Builder() {}

        /** Where to listen; by default at any free port (0) of loopback. */
        public Builder listen(String listenHost, int listenPort) {
            this.host = Optional.of(listenHost);
            this.port = listenPort;
            return this;
        }

        /**
         * How the server proves who it is; must be set. Flower's own clients can check a server's certificate, but show none and no
         * token: {@link ServerSecurity#tls}, or {@link ServerSecurity#insecure()} on one machine.
         */
        public Builder security(ServerSecurity serverSecurity) {
            this.security = Optional.of(serverSecurity);
            return this;
        }

        /** What clients may ask for; {@link FlowerLimits#defaults()} by default. */
        public Builder limits(FlowerLimits flowerLimits) {
            this.limits = flowerLimits;
            return this;
        }

        /** What the tensors of a client's initial model are called; {@link TensorNames#byPlace()} by default. */
        public Builder tensorNames(TensorNames tensorNames) {
            this.names = tensorNames;
            return this;
        }

        /**
         * The property, a text or whole number, in which a client's {@code get_properties} says its id. Each client is asked for its
         * properties when it joins, and one that does not say its id is refused. Ids are believed: of two clients that say the same,
         * the later takes the earlier's place.
         */
        public Builder idProperty(String property) {
            if (property.isEmpty()) {
                throw new IllegalArgumentException("idProperty must not be empty");
            }
            this.idProperty = Optional.of(property);
            return this;
        }

        /** What hears of clients, bytes and tasks; nobody by default. */
        public Builder metrics(TransportMetrics transportMetrics) {
            this.metrics = transportMetrics;
            return this;
        }

        /** Where calls are served and listeners called; by default daemon threads of its own, as many as there is work. */
        public Builder executor(Executor callExecutor) {
            this.executor = Optional.of(callExecutor);
            return this;
        }

        /**
         * The server, listening.
         *
         * @throws IllegalArgumentException if no security was given
         * @throws io.fedlearn.grpc.TransportException if it cannot listen there
         */
        public FlowerServer start() {
            ServerSecurity given = security.orElseThrow(() -> new IllegalArgumentException(
                    "security must be set; to have none, ask for it: ServerSecurity.insecure()"));
            return new FlowerServer(this, given);
        }
    }
}
