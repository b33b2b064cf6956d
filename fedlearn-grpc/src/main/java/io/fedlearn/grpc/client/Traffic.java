package io.fedlearn.grpc.client;

import io.fedlearn.grpc.metrics.TransportMetrics;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptor;
import io.grpc.ClientStreamTracer;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/** Counts the bytes of all calls, as they are on the wire before TLS. Thread-safe. */
final class Traffic implements ClientInterceptor {
    private final TransportMetrics metrics;
    private final LongAdder received = new LongAdder();
    private final LongAdder sent = new LongAdder();

    Traffic(TransportMetrics metrics) {
        this.metrics = metrics;
    }

    long received() {
        return received.sum();
    }

    long sent() {
        return sent.sum();
    }

    @Override
    public <Q, A> ClientCall<Q, A> interceptCall(MethodDescriptor<Q, A> method, CallOptions options, Channel next) {
        TransportMetrics.Content content = content(method.getBareMethodName());
        return next.newCall(method, options.withStreamTracerFactory(new ClientStreamTracer.Factory() {
            @Override
            public ClientStreamTracer newClientStreamTracer(ClientStreamTracer.StreamInfo info, Metadata headers) {
                return new Counter(content);
            }
        }));
    }

    private static TransportMetrics.Content content(@Nullable String method) {
        if ("Download".equals(method)) {
            return TransportMetrics.Content.MODEL;
        }
        return "Upload".equals(method) ? TransportMetrics.Content.ANSWER : TransportMetrics.Content.CONTROL;
    }

    private final class Counter extends ClientStreamTracer {
        private final TransportMetrics.Content content;

        Counter(TransportMetrics.Content content) {
            this.content = content;
        }

        @Override
        public void inboundWireSize(long bytes) {
            received.add(bytes);
            metrics.bytesReceived(content, bytes);
        }

        @Override
        public void outboundWireSize(long bytes) {
            sent.add(bytes);
            metrics.bytesSent(content, bytes);
        }
    }
}
