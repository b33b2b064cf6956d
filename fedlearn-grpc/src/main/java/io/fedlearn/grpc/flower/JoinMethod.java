package io.fedlearn.grpc.flower;

import io.grpc.MethodDescriptor;
import java.io.InputStream;

/** The one method of Flower's service, at the server's side: messages come as they are, and instructions are encoded as they go. */
final class JoinMethod {
    static final String SERVICE = "flwr.proto.FlowerService";

    /** Answers are read by {@link ClientAnswer} when it is known what is due. */
    static final MethodDescriptor<InputStream, Instruction> JOIN =
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

    private JoinMethod() {}
}
