package io.fedlearn.grpc.internal.transfer;

import com.google.protobuf.ByteString;
import io.fedlearn.grpc.proto.v1.Compression;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptors;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.stub.MetadataUtils;
import java.util.Objects;

/**
 * A client's live connection.
 *
 * @param channel to the server
 * @param session what Welcome has named
 * @param chunkBytes the most bytes of values in a chunk, from Welcome
 * @param compression of chunks, from Welcome
 */
public record TransferConnection(Channel channel, ByteString session, int chunkBytes, Compression compression) {
    /** Requires a channel, and a chunk size that a server may ask for. */
    public TransferConnection {
        Objects.requireNonNull(channel, "channel");
        Objects.requireNonNull(compression, "compression");
        TransferSettings.requireChunkBytes(chunkBytes);
    }

    /** Where there is a connection, time and again. Thread-safe. */
    @FunctionalInterface
    public interface Source {
        /**
         * Waits for a live connection. Whatever it throws ends the transfer.
         *
         * @throws InterruptedException if the waiting thread is interrupted
         */
        TransferConnection await() throws InterruptedException;
    }

    <Q, R> ClientCall<Q, R> call(MethodDescriptor<Q, R> method, CallOptions options) {
        Metadata headers = new Metadata();
        headers.put(TransferMethods.SESSION, session.toByteArray());
        return ClientInterceptors.intercept(channel, MetadataUtils.newAttachHeadersInterceptor(headers))
                .newCall(method, options);
    }
}
