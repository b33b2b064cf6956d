package io.fedlearn.grpc.server;

import com.google.protobuf.ByteString;
import io.fedlearn.core.strategy.ClientInfo;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** The clients that are members, in order of their ids, with their sessions, and the latest that were. Guarded by the desk's lock. */
final class Members {
    /** How many clients that have gone are remembered, so that old connections of theirs are known for what they are. */
    private static final int MAX_PAST = 10_000;

    private final TreeMap<String, Member> byId = new TreeMap<>();
    private final Map<ByteString, Session> sessions = new HashMap<>();
    private final Map<String, Member> past = new LinkedHashMap<>();
    private boolean isClosed;

    Optional<Member> find(String clientId) {
        return Optional.ofNullable(byId.get(clientId));
    }

    boolean contains(String clientId) {
        return byId.containsKey(clientId);
    }

    /** Who is or was a member by this id. */
    Optional<Member> findEver(String clientId) {
        return find(clientId).or(() -> Optional.ofNullable(past.get(clientId)));
    }

    Optional<Session> session(ByteString token) {
        return Optional.ofNullable(sessions.get(token));
    }

    List<Member> all() {
        return List.copyOf(byId.values());
    }

    List<ClientInfo> infos() {
        return byId.values().stream().map(member -> member.info).toList();
    }

    List<Session> sessions() {
        return List.copyOf(sessions.values());
    }

    int count() {
        return byId.size();
    }

    int connectedCount() {
        return sessions.size();
    }

    /** The client is a member, from now on if it was not. */
    void add(Member member) {
        past.remove(member.id);
        byId.put(member.id, member);
    }

    /** The client is no member any more. */
    void remove(Member member) {
        byId.remove(member.id);
        past.put(member.id, member);
        if (past.size() > MAX_PAST) {
            past.remove(past.keySet().iterator().next());
        }
    }

    /** The session becomes its member's live one. */
    void attach(Session session) {
        session.member.live = Optional.of(session);
        sessions.put(session.token, session);
    }

    /** The session, which was its member's live one, is over. */
    void detach(Session session, long now) {
        sessions.remove(session.token);
        session.member.live = Optional.empty();
        session.member.lostAt = now;
    }

    /** Nobody joins any more. */
    void close() {
        isClosed = true;
    }

    boolean isClosed() {
        return isClosed;
    }

    void requireOpen() {
        if (isClosed) {
            throw new IllegalStateException("the server is closed");
        }
    }

    /** Lets go of all. */
    void clear() {
        byId.clear();
    }
}
