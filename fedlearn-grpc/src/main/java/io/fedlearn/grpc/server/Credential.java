package io.fedlearn.grpc.server;

import io.fedlearn.grpc.internal.netty.Peer;
import java.util.Optional;

/** Who a connection has proved to be. Thread-safe. */
interface Credential {
    /** The client's id by its certificate or token; empty if nothing was proved, and the client's own word counts. */
    Optional<String> clientId();

    /** Why it holds no longer, in words: it has expired or been revoked. Empty if it holds. May read files. */
    Optional<String> refusal();

    /** What the maker of a call has shown. */
    static Credential of(Peer peer) {
        return new Credential() {
            @Override
            public Optional<String> clientId() {
                return peer.clientId();
            }

            @Override
            public Optional<String> refusal() {
                return peer.refusal();
            }
        };
    }
}
