package io.fedlearn.grpc.server;

import com.google.protobuf.ByteString;
import io.fedlearn.core.LibraryVersion;
import io.fedlearn.core.strategy.ClientInfo;
import io.fedlearn.grpc.internal.netty.RefusedClients;
import io.fedlearn.grpc.internal.wire.WireException;
import io.fedlearn.grpc.internal.wire.WireSettings;
import io.fedlearn.grpc.metrics.TransportMetrics;
import io.fedlearn.grpc.proto.v1.Compression;
import io.fedlearn.grpc.proto.v1.Goodbye;
import io.fedlearn.grpc.proto.v1.GoodbyeCode;
import io.fedlearn.grpc.proto.v1.Hello;
import io.fedlearn.grpc.proto.v1.ServerMessage;
import io.fedlearn.grpc.proto.v1.Welcome;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.EnumSet;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.function.LongSupplier;

/** Who is let in, and whose place a newcomer takes. Thread-safe. */
final class Joining {
    /** The version of the protocol that this server speaks. */
    private static final int VERSION = 1;

    private static final System.Logger LOG = System.getLogger(FederatedServer.class.getName());

    /** Of a server that ends or pauses: everybody is sent away then. */
    private static final Set<GoodbyeCode> NOT_THEIR_FAULT = EnumSet.of(
            GoodbyeCode.GOODBYE_CODE_RUN_OVER, GoodbyeCode.GOODBYE_CODE_RUN_FAILED, GoodbyeCode.GOODBYE_CODE_DRAINING);

    private static final int INSTANCE_BYTES = 16;
    private static final int TOKEN_BYTES = 32;
    private static final int MAX_SOFTWARE_LENGTH = 256;
    private static final int MAX_COMPRESSIONS = 16;

    private static final Duration RETRY_FULL = Duration.ofSeconds(30);

    private final DeskSettings settings;
    private final LongSupplier nanoTime;
    private final TransportMetrics metrics;
    private final RefusedClients refused;
    private final DeskLock lock;
    private final Function<ClientInfo, Optional<String>> admission;
    private final SecureRandom random = new SecureRandom();
    private final String software = "fedlearn-java " + LibraryVersion.current();

    // Guarded by lock.
    private final Members members;
    private final TaskTable tasks;
    private final Sessions sessions;

    Joining(
            DeskSettings settings,
            LongSupplier nanoTime,
            TransportMetrics metrics,
            RefusedClients refused,
            DeskLock lock,
            Members members,
            TaskTable tasks,
            Sessions sessions,
            Function<ClientInfo, Optional<String>> admission) {
        this.admission = admission;
        this.settings = settings;
        this.nanoTime = nanoTime;
        this.metrics = metrics;
        this.refused = refused;
        this.lock = lock;
        this.members = members;
        this.tasks = tasks;
        this.sessions = sessions;
    }

    /**
     * Lets a client in, or sends it away. May read files.
     *
     * @return the session, if it is in
     */
    Optional<Session> join(Hello hello, Credential credential, Connection connection) {
        Optional<Goodbye> problem = problem(hello, credential);
        if (problem.isPresent()) {
            refuse(problem.get(), hello, credential, connection);
            return Optional.empty();
        }
        ClientInfo info;
        try {
            info = new ClientInfo(
                    credential.clientId().orElse(hello.getClientId()),
                    WireSettings.readConfig("properties", hello.getPropertiesList()));
        } catch (WireException | IllegalArgumentException e) {
            refuse(
                    Replies.goodbye(GoodbyeCode.GOODBYE_CODE_MALFORMED, String.valueOf(e.getMessage())),
                    hello,
                    credential,
                    connection);
            return Optional.empty();
        }
        Optional<String> unfit = unfit(info);
        if (unfit.isPresent()) {
            refuse(Replies.goodbye(GoodbyeCode.GOODBYE_CODE_NOT_ADMITTED, unfit.get()), hello, credential, connection);
            return Optional.empty();
        }
        Decision decision = lock.choose(effects -> decide(hello, info, credential, connection, effects));
        decision.refusal().ifPresent(goodbye -> refuse(goodbye, hello, credential, connection));
        return decision.session();
    }

    /** Why the caller's own rule does not admit a client that is who it says. */
    private Optional<String> unfit(ClientInfo info) {
        try {
            return admission.apply(info);
        } catch (RuntimeException e) {
            LOG.log(System.Logger.Level.WARNING, "the rule of admission has failed at client '" + info.id() + "'", e);
            return Optional.of("the server could not tell whether this client fits");
        }
    }

    /** One of both: the client is in, or it is told why not. */
    private record Decision(Optional<Session> session, Optional<Goodbye> refusal) {}

    private static Optional<Goodbye> problem(Hello hello, Credential credential) {
        if (hello.getMinVersion() > hello.getMaxVersion()
                || hello.getInstance().size() != INSTANCE_BYTES
                || hello.getAttempt() < 1
                || hello.getSoftware().length() > MAX_SOFTWARE_LENGTH
                || hello.getCompressionsCount() > MAX_COMPRESSIONS) {
            return Optional.of(Replies.goodbye(
                    GoodbyeCode.GOODBYE_CODE_MALFORMED,
                    "a hello has versions in order, an instance of " + INSTANCE_BYTES
                            + " bytes, an attempt from 1 on, a software name of at most " + MAX_SOFTWARE_LENGTH
                            + " characters and at most " + MAX_COMPRESSIONS + " compressions"));
        }
        if (hello.getMinVersion() > VERSION || hello.getMaxVersion() < VERSION) {
            return Optional.of(Replies.goodbye(
                    GoodbyeCode.GOODBYE_CODE_NO_COMMON_VERSION,
                    "this server speaks version " + VERSION + ", the client " + hello.getMinVersion() + " to "
                            + hello.getMaxVersion()));
        }
        Optional<String> proved = credential.clientId();
        if (proved.isPresent()
                && !hello.getClientId().isEmpty()
                && !proved.get().equals(hello.getClientId())) {
            return Optional.of(Replies.goodbye(
                    GoodbyeCode.GOODBYE_CODE_IDENTITY_REFUSED,
                    "its certificate or token is client '" + proved.get() + "'s"));
        }
        return credential.refusal().map(reason -> Replies.goodbye(GoodbyeCode.GOODBYE_CODE_REVOKED, reason));
    }

    private void refuse(Goodbye goodbye, Hello hello, Credential credential, Connection connection) {
        LOG.log(
                System.Logger.Level.INFO,
                "refused client '" + Replies.plain(credential.clientId().orElse(hello.getClientId())) + "' at "
                        + connection.address() + ": " + goodbye.getReason());
        metrics.sessionRefused(Replies.word(goodbye.getCode()));
        if (!NOT_THEIR_FAULT.contains(goodbye.getCode())) {
            Optional<String> proved = credential.clientId();
            refused.add(
                    Optional.of(proved.orElse(hello.getClientId())),
                    proved.isPresent(),
                    Replies.word(goodbye.getCode()),
                    goodbye.getReason());
        }
        lock.decide(effects -> sessions.end(connection, Optional.of(goodbye), effects));
    }

    private Decision decide(
            Hello hello, ClientInfo info, Credential credential, Connection connection, Effects effects) {
        Optional<Goodbye> refusal = refusal(hello, info);
        return new Decision(
                refusal.isPresent()
                        ? Optional.empty()
                        : Optional.of(admit(hello, info, credential, connection, effects)),
                refusal);
    }

    /** Why a client that is who it says is not let in, if so. */
    private Optional<Goodbye> refusal(Hello hello, ClientInfo info) {
        if (members.isClosed()) {
            return Optional.of(sessions.farewell());
        }
        if (sessions.draining().isPresent()) {
            return sessions.draining();
        }
        Optional<Member> known = members.findEver(info.id());
        if (known.isPresent() && known.get().isSuperseded(hello.getInstance())) {
            return Optional.of(superseded(info));
        }
        if (known.isPresent()
                && known.get().instance.equals(hello.getInstance())
                && hello.getAttempt() <= known.get().attempt) {
            return Optional.of(Replies.goodbye(
                    GoodbyeCode.GOODBYE_CODE_REPLAYED,
                    "this process has connected before with attempt " + known.get().attempt + ", and now comes with "
                            + hello.getAttempt()));
        }
        if (!members.contains(info.id()) && members.count() >= settings.limits().maxClients()) {
            return Optional.of(Replies.goodbye(
                            GoodbyeCode.GOODBYE_CODE_FULL,
                            "there are " + members.count() + " clients, more are not taken")
                    .toBuilder()
                    .setRetryAfterMillis(RETRY_FULL.toMillis())
                    .build());
        }
        return Optional.empty();
    }

    private static Goodbye superseded(ClientInfo info) {
        return Replies.goodbye(
                GoodbyeCode.GOODBYE_CODE_SUPERSEDED, "another process has joined as client '" + info.id() + "'");
    }

    private Session admit(Hello hello, ClientInfo info, Credential credential, Connection connection, Effects effects) {
        boolean isBack = members.contains(info.id());
        Member member =
                members.findEver(info.id()).orElseGet(() -> new Member(info, hello.getInstance(), hello.getAttempt()));
        members.add(member);
        boolean isOther = !member.instance.equals(hello.getInstance());
        if (isOther) {
            member.supersede(hello.getInstance());
        }
        member.live.ifPresent(before -> {
            if (isOther) {
                String was = before.connection.address();
                effects.add(() -> LOG.log(
                        System.Logger.Level.WARNING,
                        "another process took over client '" + info.id() + "': it was at " + was + ", and is now at "
                                + connection.address() + "; do two run under one id?"));
            }
            sessions.detach(before, isOther ? Optional.of(superseded(info)) : Optional.empty(), "superseded", effects);
        });
        member.info = info;
        member.attempt = hello.getAttempt();
        Session session = new Session(
                newToken(),
                member,
                connection,
                credential,
                compression(hello),
                settings.limits(),
                nanoTime.getAsLong());
        members.attach(session);
        greet(session);
        tasks.offerNext(member, effects);
        effects.flush(connection);
        lock.signalChange();
        effects.add(() -> {
            metrics.sessionJoined();
            if (isBack) {
                metrics.reconnected();
            }
        });
        sessions.tellCounts(effects);
        effects.add(() -> LOG.log(
                System.Logger.Level.INFO,
                "client '" + info.id() + "' " + (isBack ? "is back" : "joined") + " from " + connection.address()
                        + " with " + Replies.plain(hello.getSoftware())));
        return session;
    }

    private Compression compression(Hello hello) {
        return settings.compression() && hello.getCompressionsList().contains(Compression.COMPRESSION_ZSTD)
                ? Compression.COMPRESSION_ZSTD
                : Compression.COMPRESSION_NONE;
    }

    private ByteString newToken() {
        byte[] token = new byte[TOKEN_BYTES];
        random.nextBytes(token);
        return ByteString.copyFrom(token);
    }

    /** Tells a client that it is in, and which of its tasks were given up while it was away. */
    private void greet(Session session) {
        session.connection.enqueue(ServerMessage.newBuilder()
                .setWelcome(Welcome.newBuilder()
                        .setVersion(VERSION)
                        .setSession(session.token)
                        .setHeartbeatMillis((int) settings.heartbeat().toMillis())
                        .setChunkBytes(settings.chunkBytes())
                        .setInlineBytes(settings.inlineBytes())
                        .setCompression(session.compression)
                        .setSoftware(software))
                .build());
        for (String taskId : session.member.takeGivenUp()) {
            session.connection.enqueue(Replies.cancel(taskId, "the task was given up while the client was away"));
        }
    }
}
