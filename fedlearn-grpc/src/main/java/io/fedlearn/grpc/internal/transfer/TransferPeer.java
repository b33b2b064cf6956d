package io.fedlearn.grpc.internal.transfer;

import io.fedlearn.grpc.proto.v1.Compression;
import java.util.Objects;

/**
 * Whose call of Download or Upload it is.
 *
 * @param clientId the client whose live session the call names
 * @param compression what the client and the server have agreed on for chunks
 */
public record TransferPeer(String clientId, Compression compression) {
    /** Requires both. */
    public TransferPeer {
        Objects.requireNonNull(clientId, "clientId");
        Objects.requireNonNull(compression, "compression");
    }
}
