package io.fedlearn.grpc.internal.transfer;

import io.fedlearn.grpc.proto.v1.Chunk;
import io.fedlearn.grpc.proto.v1.DownloadRequest;
import io.fedlearn.grpc.proto.v1.UploadMessage;
import io.fedlearn.grpc.proto.v1.UploadReply;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.protobuf.ProtoUtils;

/** The methods of service {@value #SERVICE} that carry models. */
public final class TransferMethods {
    /** The service: {@value}. */
    public static final String SERVICE = "fedlearn.v1.Federation";

    /** The session that a call belongs to. */
    public static final Metadata.Key<byte[]> SESSION =
            Metadata.Key.of("fedlearn-session-bin", Metadata.BINARY_BYTE_MARSHALLER);

    /** A model's values from the server. */
    public static final MethodDescriptor<DownloadRequest, Chunk> DOWNLOAD = MethodDescriptor.newBuilder(
                    ProtoUtils.marshaller(DownloadRequest.getDefaultInstance()),
                    ProtoUtils.marshaller(Chunk.getDefaultInstance()))
            .setType(MethodDescriptor.MethodType.SERVER_STREAMING)
            .setFullMethodName(MethodDescriptor.generateFullMethodName(SERVICE, "Download"))
            .build();

    /** An answer's values to the server. */
    public static final MethodDescriptor<UploadMessage, UploadReply> UPLOAD = MethodDescriptor.newBuilder(
                    ProtoUtils.marshaller(UploadMessage.getDefaultInstance()),
                    ProtoUtils.marshaller(UploadReply.getDefaultInstance()))
            .setType(MethodDescriptor.MethodType.BIDI_STREAMING)
            .setFullMethodName(MethodDescriptor.generateFullMethodName(SERVICE, "Upload"))
            .build();

    private TransferMethods() {}
}
