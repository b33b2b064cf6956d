package io.fedlearn.grpc.internal.wire;

import io.fedlearn.grpc.proto.v1.ClientMessage;
import io.fedlearn.grpc.proto.v1.ServerMessage;
import io.grpc.MethodDescriptor;
import io.grpc.protobuf.ProtoUtils;

/** The method by which a client joins and stays. */
public final class JoinMethod {
    /** The service: {@value}. */
    public static final String SERVICE = "fedlearn.v1.Federation";

    /** Join. */
    public static final MethodDescriptor<ClientMessage, ServerMessage> JOIN = MethodDescriptor.newBuilder(
                    ProtoUtils.marshaller(ClientMessage.getDefaultInstance()),
                    ProtoUtils.marshaller(ServerMessage.getDefaultInstance()))
            .setType(MethodDescriptor.MethodType.BIDI_STREAMING)
            .setFullMethodName(MethodDescriptor.generateFullMethodName(SERVICE, "Join"))
            .build();

    private JoinMethod() {}
}
