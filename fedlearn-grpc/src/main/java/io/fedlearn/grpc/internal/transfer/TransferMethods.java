package io.fedlearn.grpc.internal.transfer;

import io.fedlearn.grpc.proto.v1.DownloadRequest;
import io.fedlearn.grpc.proto.v1.UploadReply;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.protobuf.ProtoUtils;
import java.util.List;

/** The methods of service {@value #SERVICE} that carry models. */
public final class TransferMethods {
    /** The service: {@value}. */
    public static final String SERVICE = "fedlearn.v1.Federation";

    /** The session that a call belongs to. */
    public static final Metadata.Key<byte[]> SESSION =
            Metadata.Key.of("fedlearn-session-bin", Metadata.BINARY_BYTE_MARSHALLER);

    /** A model's values from the server. */
    static final MethodDescriptor<DownloadRequest, TransferFrame> DOWNLOAD = MethodDescriptor.newBuilder(
                    ProtoUtils.marshaller(DownloadRequest.getDefaultInstance()), FrameMarshaller.CHUNK)
            .setType(MethodDescriptor.MethodType.SERVER_STREAMING)
            .setFullMethodName(MethodDescriptor.generateFullMethodName(SERVICE, "Download"))
            .build();

    /** An answer's values to the server. */
    static final MethodDescriptor<TransferFrame, UploadReply> UPLOAD = MethodDescriptor.newBuilder(
                    FrameMarshaller.UPLOAD, ProtoUtils.marshaller(UploadReply.getDefaultInstance()))
            .setType(MethodDescriptor.MethodType.BIDI_STREAMING)
            .setFullMethodName(MethodDescriptor.generateFullMethodName(SERVICE, "Upload"))
            .build();

    private TransferMethods() {}

    /** The methods, for the description of the service. */
    public static List<MethodDescriptor<?, ?>> all() {
        return List.of(DOWNLOAD, UPLOAD);
    }
}
