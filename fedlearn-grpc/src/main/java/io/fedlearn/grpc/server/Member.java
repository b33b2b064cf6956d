package io.fedlearn.grpc.server;

import com.google.protobuf.ByteString;
import io.fedlearn.core.strategy.ClientInfo;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Optional;

/**
 * A client that has joined: connected, or expected back. What may change is guarded by the task desk's lock.
 */
final class Member {
    /** How many instances are remembered that another has taken the place of. */
    private static final int MAX_SUPERSEDED = 16;

    /** How many tasks are remembered that were given up while the client was away. */
    private static final int MAX_GIVEN_UP = 16;

    final String id;
    ClientInfo info;
    ByteString instance;
    long attempt;
    Optional<Session> live = Optional.empty();
    /** When the connection was lost; means something only without a live session. */
    long lostAt;
    /** The client's open tasks; it works on the first. */
    final Deque<OpenTask> tasks = new ArrayDeque<>();
    /** An answer is being taken: the next task waits until that is done, so that clients are not faster than the coordinator. */
    boolean isDelivering;

    private final Deque<String> givenUpWhileAway = new ArrayDeque<>();
    private final Deque<ByteString> superseded = new ArrayDeque<>();

    Member(ClientInfo info, ByteString instance, long attempt) {
        this.id = info.id();
        this.info = info;
        this.instance = instance;
        this.attempt = attempt;
    }

    /** Another instance has taken this one's place for good. */
    void supersede(ByteString newInstance) {
        superseded.remove(instance);
        superseded.add(instance);
        if (superseded.size() > MAX_SUPERSEDED) {
            superseded.remove();
        }
        instance = newInstance;
    }

    boolean isSuperseded(ByteString someInstance) {
        return superseded.contains(someInstance);
    }

    /** A task was given up that the client, which is away, knows of. */
    void remember(OpenTask givenUp) {
        givenUpWhileAway.add(givenUp.id());
        if (givenUpWhileAway.size() > MAX_GIVEN_UP) {
            givenUpWhileAway.remove();
        }
    }

    /** The task is open again. */
    void forget(OpenTask reopened) {
        givenUpWhileAway.remove(reopened.id());
    }

    /** The tasks that were given up while the client was away, for telling it once. */
    List<String> takeGivenUp() {
        List<String> taken = List.copyOf(givenUpWhileAway);
        givenUpWhileAway.clear();
        return taken;
    }
}
