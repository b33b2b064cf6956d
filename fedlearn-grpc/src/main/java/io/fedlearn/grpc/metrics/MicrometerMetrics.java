package io.fedlearn.grpc.metrics;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tag;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.Timer;
import java.time.Duration;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Counts into a registry of Micrometer, which the application brings: the dependency is optional, and nothing but this class needs
 * it. Thread-safe.
 *
 * <table>
 * <caption>Meters</caption>
 * <tr><th>name</th><th>kind</th><th>tags</th></tr>
 * <tr><td>{@code fedlearn.sessions.joined}</td><td>counter</td><td></td></tr>
 * <tr><td>{@code fedlearn.sessions.ended}</td><td>counter</td><td>reason</td></tr>
 * <tr><td>{@code fedlearn.sessions.refused}</td><td>counter</td><td>reason</td></tr>
 * <tr><td>{@code fedlearn.sessions.reconnected}</td><td>counter</td><td></td></tr>
 * <tr><td>{@code fedlearn.clients}</td><td>gauge</td><td>state (member, connected)</td></tr>
 * <tr><td>{@code fedlearn.network.bytes}</td><td>counter</td><td>direction (sent, received), content (model, answer, control)</td></tr>
 * <tr><td>{@code fedlearn.transfers}</td><td>timer</td><td>content</td></tr>
 * <tr><td>{@code fedlearn.transfers.resumed}</td><td>counter</td><td>content</td></tr>
 * <tr><td>{@code fedlearn.answers.refused}</td><td>counter</td><td>verdict</td></tr>
 * <tr><td>{@code fedlearn.tasks}</td><td>timer</td><td>outcome</td></tr>
 * </table>
 */
public final class MicrometerMetrics implements TransportMetrics {
    private final MeterRegistry registry;
    private final Tags common;
    private final AtomicInteger members;
    private final AtomicInteger connected;
    // Bytes are counted for each chunk, so their counters are looked up once.
    private final Map<Content, Counter> sent = new ConcurrentHashMap<>();
    private final Map<Content, Counter> received = new ConcurrentHashMap<>();

    private MicrometerMetrics(MeterRegistry registry, Tags common) {
        this.registry = registry;
        this.common = common;
        this.members = gauge("member");
        this.connected = gauge("connected");
    }

    /** Counts into this registry. */
    public static MicrometerMetrics of(MeterRegistry registry) {
        return new MicrometerMetrics(registry, Tags.empty());
    }

    /** Counts into this registry, with these tags on every meter: to tell several servers of one application apart. */
    public static MicrometerMetrics of(MeterRegistry registry, Iterable<Tag> tags) {
        return new MicrometerMetrics(registry, Tags.of(tags));
    }

    @Override
    public void sessionJoined() {
        count("fedlearn.sessions.joined", common);
    }

    @Override
    public void sessionEnded(String reason) {
        count("fedlearn.sessions.ended", common.and("reason", reason));
    }

    @Override
    public void sessionRefused(String reason) {
        count("fedlearn.sessions.refused", common.and("reason", reason));
    }

    @Override
    public void reconnected() {
        count("fedlearn.sessions.reconnected", common);
    }

    @Override
    public void clients(int memberCount, int connectedCount) {
        members.set(memberCount);
        connected.set(connectedCount);
    }

    @Override
    public void bytesSent(Content content, long bytes) {
        sent.computeIfAbsent(content, key -> bytes("sent", key)).increment(bytes);
    }

    @Override
    public void bytesReceived(Content content, long bytes) {
        received.computeIfAbsent(content, key -> bytes("received", key)).increment(bytes);
    }

    @Override
    public void transferred(Content content, Duration time) {
        Timer.builder("fedlearn.transfers")
                .description("Models and answers sent or received as a whole")
                .tags(common.and("content", word(content)))
                .register(registry)
                .record(time);
    }

    @Override
    public void transferResumed(Content content) {
        count("fedlearn.transfers.resumed", common.and("content", word(content)));
    }

    @Override
    public void answerRefused(String verdict) {
        count("fedlearn.answers.refused", common.and("verdict", verdict));
    }

    @Override
    public void taskFinished(String outcome, Duration time) {
        Timer.builder("fedlearn.tasks")
                .description("Tasks that have ended")
                .tags(common.and("outcome", outcome))
                .register(registry)
                .record(time);
    }

    private AtomicInteger gauge(String state) {
        AtomicInteger value = new AtomicInteger();
        Gauge.builder("fedlearn.clients", value, AtomicInteger::get)
                .description("Clients that are members, and those connected now")
                .tags(common.and("state", state))
                .strongReference(true)
                .register(registry);
        return value;
    }

    private Counter bytes(String direction, Content content) {
        return Counter.builder("fedlearn.network.bytes")
                .baseUnit("bytes")
                .description("Bytes of messages, as they were before TLS")
                .tags(common.and("direction", direction, "content", word(content)))
                .register(registry);
    }

    private void count(String name, Tags tags) {
        Counter.builder(name).tags(tags).register(registry).increment();
    }

    private static String word(Content content) {
        return content.name().toLowerCase(Locale.ROOT);
    }
}
